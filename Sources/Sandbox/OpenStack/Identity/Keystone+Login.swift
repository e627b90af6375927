import HTTPKit
import OrderedCollections
import World

extension OpenStackCloud {
    mutating func createToken(_ call: CloudCall) throws(CloudFault) -> HTTPResponse {
        let body = try call.json(
            orElse: "Expecting to find valid JSON in request body. The server could not comply with the request since "
                + "it is either malformed or otherwise incorrect. The client is assumed to be in error.")
        guard let auth = body["auth"], auth.object != nil else {
            throw .api(400, "'auth' is a required property")
        }
        guard let identity = auth["identity"], identity.object != nil else {
            throw .api(400, "Invalid input for field 'auth': 'identity' is a required property")
        }
        guard let methods = identity["methods"]?.array?.compactMap(\.string), !methods.isEmpty else {
            throw .api(400, "Invalid input for field 'identity': 'methods' is a required property")
        }
        var token = try authenticate(identity, methods, at: call.now)
        let isCredential = methods.contains("application_credential")
        switch auth["scope"] {
        case nil: break
        case .object(let scope) where !isCredential: try apply(scope, to: &token)
        case .string("unscoped"): token.project = nil
        default: throw .unauthorized
        }
        return tokenAnswer(call, 201, issue(token), token)
    }

    private mutating func authenticate(
        _ identity: JSONValue, _ methods: [String], at now: Timestamp
    ) throws(CloudFault) -> CloudToken {
        var token = CloudToken(
            user: "", project: nil, methods: methods, auditIDs: [random.letters(22)], issued: now.wholeSeconds,
            expires: (now + configuration.tokenLifetime).wholeSeconds)
        for method in methods {
            guard let details = identity[method] else {
                throw .api(400, "Invalid input for field 'identity': '\(method)' is a required property")
            }
            switch method {
            case "password":
                guard let user = details["user"].flatMap(findUser),
                    user.password == details["user"]?["password"]?.string
                else { throw .unauthorized }
                token.user = user.id
            // Keystone scopes a login without a scope to the user's default project, where there is one; users of
            // this cloud have none, as the recorded ones.
            case "token":
                guard let old = details["id"]?.string.flatMap({ tokens[$0] }), old.expires > now else {
                    throw .unauthorized
                }
                token.user = old.user
                token.expires = old.expires
                token.methods = old.methods + ["token"]
                token.auditIDs.append(contentsOf: old.auditIDs.prefix(1))
            case "application_credential":
                let credential = try findCredential(details)
                guard details["secret"]?.string == credential.secret else { throw .unauthorized }
                token.user = credential.user
                token.project = credential.project
                token.credential = credential.id
            default: throw .unauthorized
            }
        }
        return token
    }

    private func findUser(_ wanted: JSONValue) -> CloudUser? {
        if let id = wanted["id"]?.string { return users[id] }
        guard let name = wanted["name"]?.string, let domain = wanted["domain"], isDefaultDomain(domain) else {
            return nil
        }
        return users.values.first { $0.name == name }
    }

    private func findCredential(_ wanted: JSONValue) throws(CloudFault) -> CloudApplicationCredential {
        if let id = wanted["id"]?.string {
            if let credential = applicationCredentials[id] { return credential }
            throw .api(404, "Could not find Application Credential: \(id).")
        }
        guard let user = wanted["user"].flatMap(findUser) else { throw .unauthorized }
        let name = wanted["name"]?.string ?? ""
        guard
            let credential = applicationCredentials.values.first(where: { $0.user == user.id && $0.name == name })
        else { throw .api(404, "Could not find Application Credential: \(name).") }
        return credential
    }

    private func isDefaultDomain(_ domain: JSONValue) -> Bool {
        domain["id"]?.string == "default" || domain["name"]?.string == "Default"
    }

    /// Every way in which a scope cannot be had is the same 401.
    private func apply(_ scope: JSONObject, to token: inout CloudToken) throws(CloudFault) {
        guard let wanted = scope["project"] else { throw .unauthorized }
        let project =
            if let id = wanted["id"]?.string {
                projects[id]
            } else if let name = wanted["name"]?.string, let domain = wanted["domain"], isDefaultDomain(domain) {
                projects.values.first { $0.name == name }
            } else {
                CloudProject?.none
            }
        guard let project, users[token.user]?.projects.contains(project.id) == true else { throw .unauthorized }
        token.project = project.id
    }

    /// Identity API v2.0 (facts/openstack.md 1.1): the token is in the body, one endpoint object per region.
    mutating func createTokenV2(_ call: CloudCall) throws(CloudFault) -> HTTPResponse {
        let malformed = "Expecting to find valid JSON in request body."
        guard let auth = try call.json(orElse: malformed)["auth"] else {
            throw .api(400, "Expecting to find auth in request body.")
        }
        let credentials = auth["passwordCredentials"]
        guard let name = credentials?["username"]?.string,
            let user = users.values.first(where: { $0.name == name }),
            credentials?["password"]?.string == user.password,
            let project = projects.values.first(where: {
                $0.id == auth["tenantId"]?.string || $0.name == auth["tenantName"]?.string
            }), user.projects.contains(project.id)
        else { throw .unauthorized }
        let token = CloudToken(
            user: user.id, project: project.id, methods: ["password"], auditIDs: [random.letters(22)],
            issued: call.now, expires: (call.now + configuration.tokenLifetime).wholeSeconds)
        let catalog = (catalog(for: project.id).array ?? []).map { service -> JSONValue in
            let perRegion = configuration.regions.map { region -> JSONValue in
                let mine = (service["endpoints"]?.array ?? []).filter { $0["region"]?.string == region }
                let url: JSONValue = mine.first?["url"] ?? nil
                return [
                    "region": .string(region), "publicURL": url, "internalURL": url, "adminURL": url,
                    "id": mine.first?["id"] ?? nil,
                ]
            }
            return [
                "type": service["type"] ?? nil, "name": service["name"] ?? nil, "endpoints_links": [],
                "endpoints": .array(perRegion),
            ]
        }
        let text = issue(token)
        return call.answer(
            200,
            [
                "access": [
                    "token": [
                        "id": .string(text), "expires": .string(token.expires.seconds),
                        "issued_at": .string(token.issued.exact),
                        "tenant": [
                            "id": .string(project.id), "name": .string(project.name), "enabled": true,
                            "description": nil,
                        ],
                    ],
                    "serviceCatalog": .array(catalog),
                    "user": [
                        "id": .string(user.id), "name": .string(user.name), "username": .string(user.name),
                        "roles": [["name": "member"]], "roles_links": [],
                    ],
                    "metadata": ["is_admin": 0, "roles": [.string(catalogIDs[0])]],
                ]
            ])
    }
}
