import YAMLKit

extension CloudParts {
    /// A cloud as clouds.yaml or the environment describes it, its keys normalised. What belongs to the login stands
    /// under `auth:`, or beside it as the variables have it.
    init(cloud fields: Fields) {
        let auth = fields.fields("auth") ?? Fields(nil, problems: fields.problems)
        func text(_ keys: String...) -> String? {
            for key in keys {
                for place in [auth, fields] {
                    if let text = place.node(key)?.text, !text.isEmpty { return text }
                }
            }
            return nil
        }
        // For these, openstacksdk lets what stands beside `auth:` win.
        func outer(_ keys: String...) -> String? {
            for key in keys {
                for place in [fields, auth] {
                    if let text = place.node(key)?.text, !text.isEmpty { return text }
                }
            }
            return nil
        }
        func domain(_ prefix: String) -> Credential.Domain? {
            if let id = outer("\(prefix)_domain_id") { return .id(id) }
            if let name = outer("\(prefix)_domain_name") { return .name(name) }
            if let id = outer("domain_id") { return .id(id) }
            return outer("domain_name").map { .name($0) }
        }
        authURL = text("auth_url")
        username = text("username", "user_name")
        userID = text("user_id")
        userDomain = domain("user")
        password = text("password").map { Secret($0) }
        projectName = outer("project_name", "tenant_name")
        projectID = outer("project_id", "tenant_id")
        projectDomain = domain("project")
        applicationCredentialID = text("application_credential_id")
        applicationCredentialName = text("application_credential_name")
        applicationCredentialSecret = text("application_credential_secret").map { Secret($0) }
        token = outer("token", "auth_token").map { Secret($0) }
        for key in ["password", "application_credential_secret", "token", "auth_token"] {
            for place in [auth, fields] { place.node(key)?.warnIfCut(place.path(key), fields.problems) }
        }
        readType(fields)
        if let name = fields.node("interface")?.text ?? fields.node("endpoint_type")?.text {
            interface = CloudAccess.Interface(lenient: name)
            if interface == nil {
                fields.problems.error(
                    fields.mark(of: "interface"), fields.path("interface"),
                    "expected public, internal or admin, found \(Node.quoted(name))")
            }
        }
        verifies = Self.boolean(fields, "insecure").map { !$0 } ?? Self.boolean(fields, "verify")
        if Self.boolean(fields, "insecure") == false { verifies = Self.boolean(fields, "verify") ?? true }
        authorityFile = fields.node("cacert")?.text
        for key in ["cert", "key"] where fields.node(key)?.text != nil {
            fields.problems.warning(
                fields.mark(of: key), fields.path(key), "client certificates are not supported: not used")
        }
        timeout = fields.node("api_timeout")?.text.flatMap(DurationText.parse).flatMap { $0 > .zero ? $0 : nil }
        readOverrides(fields)
    }

    private mutating func readType(_ fields: Fields) {
        switch fields.node("auth_type")?.text ?? fields.node("auth_plugin")?.text ?? "password" {
        case "password":
            switch fields.node("identity_api_version")?.text {
            case "2", "2.0": version = .v2
            case "3": version = .v3
            default: break
            }
        case "v3password":
            version = .v3
            method = .password
        case "v2password":
            version = .v2
            method = .password
        case "v3applicationcredential":
            version = .v3
            method = .applicationCredential
        case "token", "v3token": method = .token
        case let other:
            fields.problems.error(
                fields.mark(of: "auth_type"), fields.path("auth_type"), "\(Node.quoted(other)) is not supported",
                hint: "use password, v3applicationcredential, token or v2password")
        }
    }

    private mutating func readOverrides(_ fields: Fields) {
        let prefixes: [(CloudAccess.Service, [String])] = [
            (.identity, ["identity"]), (.compute, ["compute"]), (.image, ["image"]), (.network, ["network"]),
            (.volume, ["block_storage", "volumev3", "volumev2", "volume"]),
        ]
        for (service, names) in prefixes {
            func text(_ suffix: String) -> String? {
                names.lazy.compactMap { fields.node("\($0)_\(suffix)")?.text }.first
            }
            var override = CloudAccess.Override()
            override.endpoint = text("endpoint_override") ?? text("endpoint")
            override.type = text("service_type")
            override.name = text("service_name")
            override.region = text("region_name")
            override.interface = text("interface").flatMap { CloudAccess.Interface(lenient: $0) }
            override.microversion = text("default_microversion")
            if override != CloudAccess.Override() { overrides[service] = override }
        }
    }

    /// As openstacksdk's `get_boolean`: also the text, which variables are.
    private static func boolean(_ fields: Fields, _ key: String) -> Bool? {
        guard let text = fields.node(key)?.text else { return nil }
        return ScalarType.boolean(text) ?? (text == "1")
    }
}
