import HTTPKit
import World

struct CloudToken: Sendable {
    var user: String
    /// nil: unscoped.
    var project: String?
    var methods: [String]
    /// The application credential that it came from.
    var credential: String?
    var auditIDs: [String]
    var issued: Timestamp
    var expires: Timestamp
}

extension OpenStackCloud {
    /// The token that a request carries.
    /// - Throws: `CloudFault.unauthorized` for none, an unknown, a revoked or an expired one.
    func token(of call: CloudCall) throws(CloudFault) -> CloudToken {
        guard let text = call.headers["X-Auth-Token"], let token = tokens[text], token.expires > call.now else {
            throw .unauthorized
        }
        return token
    }

    mutating func issue(_ token: CloudToken) -> String {
        if tokens.count >= 512 { tokens = tokens.filter { $0.value.expires > token.issued } }
        let text = random.token()
        tokens[text] = token
        return text
    }
}
