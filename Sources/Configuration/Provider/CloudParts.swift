/// What one source says about a cloud; several are laid over each other before they must add up.
struct CloudParts {
    enum Method { case password, applicationCredential, token }

    var authURL: String?
    var version: IdentityVersion?
    var method: Method?
    var username: String?
    var userID: String?
    var userDomain: Credential.Domain?
    var password: Secret?
    var projectName: String?
    var projectID: String?
    var projectDomain: Credential.Domain?
    var applicationCredentialID: String?
    var applicationCredentialName: String?
    var applicationCredentialSecret: Secret?
    var token: Secret?
    var region: String?
    var interface: CloudAccess.Interface?
    var overrides: [CloudAccess.Service: CloudAccess.Override] = [:]
    var verifies: Bool?
    var authorityFile: String?
    var timeout: Duration?

    /// Takes from `base` what is missing here.
    mutating func fill(from base: CloudParts) {
        authURL = authURL ?? base.authURL
        version = version ?? base.version
        method = method ?? base.method
        // A user, a project, belongs together: a name here does not go with an id or a domain from there.
        if username == nil && userID == nil {
            username = base.username
            userID = base.userID
            userDomain = userDomain ?? base.userDomain
        }
        if projectName == nil && projectID == nil {
            projectName = base.projectName
            projectID = base.projectID
            projectDomain = projectDomain ?? base.projectDomain
        }
        password = password ?? base.password
        if applicationCredentialID == nil && applicationCredentialName == nil {
            applicationCredentialID = base.applicationCredentialID
            applicationCredentialName = base.applicationCredentialName
        }
        applicationCredentialSecret = applicationCredentialSecret ?? base.applicationCredentialSecret
        token = token ?? base.token
        region = region ?? base.region
        interface = interface ?? base.interface
        overrides.merge(base.overrides) { own, _ in own }
        verifies = verifies ?? base.verifies
        authorityFile = authorityFile ?? base.authorityFile
        timeout = timeout ?? base.timeout
    }

    /// What is missing or contradicts itself, in one sentence each, or the access.
    func access() -> Result<CloudAccess, Incomplete> {
        var missing: [String] = []
        guard let authURL else { return .failure(Incomplete(problems: ["the address of Keystone is missing"])) }
        guard let url = AuthURL(parsing: authURL) else {
            return .failure(
                Incomplete(problems: ["the address of Keystone is no http or https URL, or holds a password"]))
        }
        let credential = credential(&missing)
        guard missing.isEmpty, let credential else { return .failure(Incomplete(problems: missing)) }
        var access = CloudAccess(
            identityRoot: url.root, identityVersion: version ?? url.version, credential: credential)
        access.region = region
        access.interface = interface ?? .public
        access.overrides = overrides
        access.tls.verifies = verifies ?? true
        access.tls.authorityFile = authorityFile
        access.timeout = timeout
        return .success(access)
    }

    struct Incomplete: Error {
        var problems: [String]
    }

    private func credential(_ missing: inout [String]) -> Credential? {
        func need<Value>(_ value: Value?, _ name: String) -> Value? {
            if value == nil { missing.append("\(name) is missing") }
            return value
        }
        let isApplication = password == nil && token == nil && applicationCredentialSecret != nil
        switch method ?? (isApplication ? .applicationCredential : password == nil && token != nil ? .token : .password)
        {
        case .password:
            guard let user = need(user, "the user's name"), let password = need(password, "the password") else {
                return nil
            }
            guard let project = need(project, "the project's name") else { return nil }
            return .password(user: user, password: password, project: project)
        case .applicationCredential:
            guard let secret = need(applicationCredentialSecret, "the application credential's secret") else {
                return nil
            }
            if let id = applicationCredentialID { return .applicationCredential(.id(id), secret: secret) }
            guard let name = need(applicationCredentialName, "the application credential's id"),
                let user = need(user, "the user that the application credential belongs to")
            else { return nil }
            return .applicationCredential(.name(name, user: user), secret: secret)
        case .token: return need(token, "the token").map { .token($0, project: project) }
        }
    }

    private var user: Credential.Principal? {
        userID.map { .id($0) } ?? username.map { .name($0, domain: userDomain ?? .id("default")) }
    }

    private var project: Credential.Principal? {
        projectID.map { .id($0) } ?? projectName.map { .name($0, domain: projectDomain ?? .id("default")) }
    }
}
