import HTTPKit
import OrderedCollections
import World

extension OpenStackCloud {
    mutating func keystone(_ call: CloudCall) throws(CloudFault) -> HTTPResponse {
        let path = call.path.map { $0[...] }
        switch (call.method, path.first, path.dropFirst().joined(separator: "/")) {
        case (.get, nil, _):
            var response = call.answer(300, ["versions": ["values": [identityVersion]]])
            response.headers.add("Location", endpoints.keystone + "/v3/")
            return response
        case (.get, "v3", ""): return call.answer(200, ["version": identityVersion])
        case (.post, "v3", "auth/tokens"): return try createToken(call)
        case (.get, "v3", "auth/tokens"), (.head, "v3", "auth/tokens"): return try validateToken(call)
        case (.delete, "v3", "auth/tokens"):
            _ = try token(of: call)
            let (subject, _) = try subjectToken(call)
            tokens[subject] = nil
            return call.empty(204, contentType: nil)
        case (.get, "v3", "auth/catalog"):
            let token = try token(of: call)
            let link = endpoints.keystone + "/v3/auth/catalog"
            return call.answer(200, ["catalog": catalog(for: token.project), "links": ["self": .string(link)]])
        case (.get, "v3", "users"):
            _ = try token(of: call)
            throw .api(403, "You are not authorized to perform the requested action: identity:list_users.")
        case (.post, "v2.0", "tokens") where configuration.identityV2: return try createTokenV2(call)
        default:
            if path.count >= 4, path[0] == "v3", path[1] == "users", path[3] == "application_credentials" {
                return try applicationCredentials(call)
            }
            throw .response(notFoundPage(call))
        }
    }

    private var identityVersion: JSONValue {
        [
            "id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
            "links": [["rel": "self", "href": .string(endpoints.keystone + "/v3/")]],
            "media-types": [
                ["base": "application/json", "type": "application/vnd.openstack.identity-v3+json"]
            ],
        ]
    }

    /// Flask's own page: what `/v2.0/tokens` answers today (recording 004).
    private func notFoundPage(_ call: CloudCall) -> HTTPResponse {
        let text = """
            <!doctype html>
            <html lang=en>
            <title>404 Not Found</title>
            <h1>Not Found</h1>
            <p>The requested URL was not found on the server. If you entered the URL manually please check your spelling \
            and try again.</p>

            """
        return HTTPResponse(
            status: 404, headers: call.headers(contentType: "text/html; charset=utf-8"), body: Array(text.utf8))
    }

    private func subjectToken(_ call: CloudCall) throws(CloudFault) -> (String, CloudToken) {
        guard let subject = call.headers["X-Subject-Token"], let token = tokens[subject],
            token.expires > call.now
        else { throw .api(404, "Could not recognize Fernet token") }
        return (subject, token)
    }

    private func validateToken(_ call: CloudCall) throws(CloudFault) -> HTTPResponse {
        _ = try token(of: call)
        let (subject, token) = try subjectToken(call)
        return tokenAnswer(call, 200, subject, token)
    }

    func tokenAnswer(_ call: CloudCall, _ status: Int, _ text: String, _ token: CloudToken) -> HTTPResponse {
        var response = call.answer(status, ["token": tokenBody(token)])
        response.headers.add("X-Subject-Token", text)
        return response
    }

    private func tokenBody(_ token: CloudToken) -> JSONValue {
        let domain: JSONValue = ["id": "default", "name": "Default"]
        var body: JSONObject = [
            "methods": .array(token.methods.map(JSONValue.string)),
            "user": [
                "domain": domain, "id": .string(token.user), "name": .text(users[token.user]?.name),
                "password_expires_at": nil,
            ],
            "audit_ids": .array(token.auditIDs.map(JSONValue.string)),
            "expires_at": .string(token.expires.column + "Z"),
            "issued_at": .string(token.issued.column + "Z"),
        ]
        if let project = token.project {
            body["project"] = ["domain": domain, "id": .string(project), "name": .text(projects[project]?.name)]
            body["is_domain"] = false
            body["roles"] = [
                ["id": .string(catalogIDs[0]), "name": "member"], ["id": .string(catalogIDs[1]), "name": "reader"],
            ]
            body["catalog"] = catalog(for: project)
        }
        if let credential = token.credential.flatMap({ applicationCredentials[$0] }) {
            body["application_credential"] = [
                "id": .string(credential.id), "name": .string(credential.name), "restricted": true,
            ]
        }
        return .object(body)
    }

    /// Interfaces come in no particular order, as recorded: a client has to look for the one it wants.
    func catalog(for project: String?) -> JSONValue {
        let volumes = endpoints.cinder + "/v3/" + (project ?? "")
        let services: [(type: String, name: String, url: String)] = [
            ("compute", "nova", endpoints.nova + "/v2.1"), ("volumev3", "cinderv3", volumes),
            ("network", "neutron", endpoints.neutron), ("identity", "keystone", endpoints.keystone + "/v3"),
            ("block-storage", "cinder", volumes), ("image", "glance", endpoints.glance),
        ]
        let interfaces = ["internal", "public", "admin"]
        var ids = catalogIDs[...]
        return .array(
            services.enumerated().filter { !missingTypes.contains($0.element.type) }.map {
                index, service in
                let entries = configuration.regions.flatMap { region in
                    (0..<3).map { turn -> JSONValue in
                        [
                            "id": .text(ids.popFirst()), "interface": .string(interfaces[(index + turn) % 3]),
                            "region": .string(region), "region_id": .string(region),
                            "url": .string(url(service.url, in: region)),
                        ]
                    }
                }
                return [
                    "endpoints": .array(entries), "id": .text(ids.popFirst()), "type": .string(service.type),
                    "name": .string(service.name),
                ]
            })
    }

    /// `http://cloud/compute` of the first region, `http://sbg5.cloud/compute` of another.
    private func url(_ url: String, in region: String) -> String {
        guard configuration.regionsHaveOwnHosts, region != configuration.regions.first else { return url }
        return url.replacing("://", with: "://\(region.lowercased()).", maxReplacements: 1)
    }
}
