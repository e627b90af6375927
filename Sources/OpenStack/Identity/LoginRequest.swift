import HTTPKit

/// Bodies of a login. Built at the last moment, from a secret that is not kept.
enum LoginRequest {
    /// `POST {root}/v3/auth/tokens` (facts/openstack.md 1.2).
    static func v3(_ credential: CloudCredential, secret: String) -> JSONValue {
        switch credential {
        case .password(let user, _, let project):
            let identity: JSONValue = [
                "methods": ["password"],
                "password": ["user": merge(principal(user), ["password": .string(secret)])],
            ]
            return auth(identity, scope: project)
        case .token(_, let project):
            return auth(["methods": ["token"], "token": ["id": .string(secret)]], scope: project)
        case .applicationCredential(let known, let user, _):
            var fields: JSONValue = ["secret": .string(secret)]
            if let id = known.id {
                fields = merge(fields, ["id": .string(id)])
            } else {
                fields = merge(fields, ["name": .string(known.name ?? "")])
                if let user { fields = merge(fields, ["user": principal(user)]) }
            }
            // No scope: the project is part of the credential, and Keystone refuses one.
            return [
                "auth": ["identity": ["methods": ["application_credential"], "application_credential": fields]]
            ]
        }
    }

    /// `POST {root}/v2.0/tokens` (facts/openstack.md 1.1); nil for what v2.0 does not know.
    static func v2(_ credential: CloudCredential, secret: String) -> JSONValue? {
        guard case .password(let user, _, let project) = credential, let name = user.name else { return nil }
        var fields: JSONValue = ["passwordCredentials": ["username": .string(name), "password": .string(secret)]]
        if let id = project.id {
            fields = merge(fields, ["tenantId": .string(id)])
        } else if let name = project.name {
            fields = merge(fields, ["tenantName": .string(name)])
        }
        return ["auth": fields]
    }

    private static func auth(_ identity: JSONValue, scope project: Principal) -> JSONValue {
        ["auth": ["identity": identity, "scope": ["project": principal(project)]]]
    }

    /// By id, or by name with its domain. Where no domain is configured it is the one that every Keystone starts with.
    private static func principal(_ known: Principal) -> JSONValue {
        if let id = known.id { return ["id": .string(id)] }
        let domain: JSONValue =
            if let id = known.domainID {
                ["id": .string(id)]
            } else if let name = known.domainName {
                ["name": .string(name)]
            } else {
                ["id": "default"]
            }
        return ["name": .string(known.name ?? ""), "domain": domain]
    }

    private static func merge(_ a: JSONValue, _ b: JSONValue) -> JSONValue {
        .object((a.object ?? [:]).merging(b.object ?? [:]))
    }
}
