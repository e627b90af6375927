import HTTPKit
import Resilience

/// What Keystone's answers to a login mean. All that it refuses is the installation's fault: no job can change it.
enum IdentityVerdicts {
    static let remedy =
        "check auth URL, user, password (or application credential), project and domains of this provider"

    static func login(_ response: HTTPResponse) -> Verdict? {
        if [200, 201, 203].contains(response.status) { return nil }
        let envelope = ErrorEnvelope(response)
        switch response.status {
        case 429:
            return Verdict(.transient, "too many logins: \(envelope.message)", next: "fewer workers, or wait")
        case 408, 500...599:
            return Verdict(
                .transient, envelope.message, next: "check that Keystone is well", isOutage: response.status >= 500)
        case 401 where response.headers["Openstack-Auth-Receipt"] != nil:
            return Verdict(.site, "the account asks for a second factor", next: "use an application credential")
        case 401:
            // One answer for a wrong password, an unknown user, an unknown project and a missing role
            // (facts/openstack-observed.md, "Identity").
            return Verdict(
                .site,
                "login refused (wrong user, password or project, or no role in the project): \(envelope.message)",
                next: remedy)
        case 300..<400:
            let root = response.location.map { AuthURL(parsing: $0).root }
            return Verdict(
                .site, "the login was \(response.redirection)",
                next: root.map { "write \($0) into the auth URL of this provider" } ?? remedy)
        default:
            return Verdict(.site, "login refused: \(envelope.message)", next: remedy)
        }
    }

    /// Where v2.0 was removed there is no such path (404 with HTML) or only a list of versions (300).
    static func isGone(_ response: HTTPResponse) -> Bool {
        response.status == 404 || response.status == 410 || response.status == 300
    }
}
