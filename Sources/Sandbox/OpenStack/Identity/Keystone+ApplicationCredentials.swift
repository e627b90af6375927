import HTTPKit
import OrderedCollections

extension OpenStackCloud {
    /// `/v3/users/USER/application_credentials[/ID]`: creating and deleting.
    mutating func applicationCredentials(_ call: CloudCall) throws(CloudFault) -> HTTPResponse {
        let token = try token(of: call)
        guard call.path[2] == token.user, let project = token.project else {
            throw .api(403, "You are not authorized to perform the requested action.")
        }
        switch (call.method, call.path.count) {
        case (.post, 4):
            let body = try call.json(orElse: "Expecting to find valid JSON in request body.")
            guard let name = body["application_credential"]?["name"]?.string else {
                throw .api(400, "'name' is a required property")
            }
            let credential = addApplicationCredential(name: name, user: token.user, project: project)
            let roles = ["member", "reader"].enumerated().map { index, role -> JSONValue in
                [
                    "id": .string(catalogIDs[index]), "name": .string(role), "domain_id": nil, "description": nil,
                    "options": ["immutable": true],
                ]
            }
            let link = "\(endpoints.keystone)/v3/application_credentials/\(credential.id)"
            return call.answer(
                201,
                [
                    "application_credential": [
                        "id": .string(credential.id), "name": .string(name), "description": nil,
                        "user_id": .string(token.user), "project_id": .string(project), "system": nil,
                        "expires_at": nil, "unrestricted": nil, "roles": .array(roles),
                        "secret": .string(credential.secret), "links": ["self": .string(link)],
                    ]
                ])
        case (.delete, 5):
            guard applicationCredentials.removeValue(forKey: call.path[4]) != nil else {
                throw .api(404, "Could not find Application Credential: \(call.path[4]).")
            }
            return call.empty(204, contentType: nil)
        default: throw .api(405, "Method Not Allowed")
        }
    }

    /// What a test or the demo logs in with instead of a password.
    @discardableResult
    package mutating func addApplicationCredential(
        name: String, user: String, project: String
    ) -> CloudApplicationCredential {
        let credential = CloudApplicationCredential(
            id: random.hex32(), name: name, secret: random.letters(86), user: user, project: project)
        applicationCredentials[credential.id] = credential
        return credential
    }
}
