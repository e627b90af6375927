import HTTPKit
import Resilience

/// What an answer means where the services do not differ; each service looks at its own cases first.
enum CommonVerdicts {
    static func verdict(of response: HTTPResponse, _ envelope: ErrorEnvelope, intent: Intent) -> Verdict? {
        let message = envelope.message
        switch response.status {
        case 300..<400:
            return Verdict(
                .site, response.redirection,
                next: "have the endpoint corrected in the catalog, or set it for this provider")
        case 401:
            return Verdict(.site, "a fresh token was refused: \(message)", next: IdentityVerdicts.remedy)
        case 403 where !intent.isMutating:
            return Verdict(
                .site, "not even allowed to look: \(message)", next: "check the roles of the account in its project")
        case 403:
            return Verdict(.permanent, message, next: "check what the account may do in its project")
        case 404
        where envelope.form == .foreign || envelope.form == .flat
            || envelope.mentions("the resource could not be found"):
            return Verdict(
                .transient, "nobody knows this path (a proxy, or a wrong endpoint): \(message)",
                next: "check the endpoint in the catalog or the site file")
        case 406:
            return Verdict(.site, message, next: "check the microversion that is configured")
        case 408, 409, 423, 425, 429:
            return Verdict(.transient, message)
        case 413:
            return tooLarge(response, envelope)
        case 501, 505:
            return Verdict(.permanent, message)
        case 503 where envelope.mentions("keystone service is temporarily unavailable"):
            // The middleware could not ask Keystone: the service itself has seen nothing
            // (facts/openstack-observed.md, "Outages").
            return Verdict(.transient, message, next: "check that Keystone is well", isOutage: true)
        case 500..<600:
            let isProxy = (502...504).contains(response.status)
            return Verdict(
                intent.isMutating ? .ambiguous : .transient, message, isOutage: !intent.isMutating || isProxy)
        default:
            return Verdict(.permanent, message)
        }
    }

    /// 413 is a quota (Cinder), a rate limit (old Nova and Cinder) or a body that is too large (facts/openstack.md
    /// section 3, 3).
    private static func tooLarge(_ response: HTTPResponse, _ envelope: ErrorEnvelope) -> Verdict {
        let message = envelope.message
        let seconds = response.headers["Retry-After"].flatMap { Int($0) } ?? 0
        if seconds > 0 || envelope.form == .keyed("overLimitFault") || envelope.mentions("rate limit", "rate-limit") {
            return Verdict(.transient, message)
        }
        // What is left under this key is a quota; a body that is too large never gets as far as the service itself.
        let kind = FaultKind(words: message) ?? (envelope.form == .keyed("overLimit") ? .quota : .other)
        return kind.isCapacity
            ? Verdict(.capacity, message, next: "wait, or raise the quota")
            : Verdict(.permanent, message, next: "ask for less, or raise the limit")
    }

    /// Nova's and Cinder's own word that a thing does not exist: `itemNotFound`, naming the thing. Nothing else proves
    /// that something is gone: a proxy's 404 does not, nor that of a path which the service does not know
    /// (facts/openstack-observed.md, recordings 062 and 095).
    static func provesAbsence(_ response: HTTPResponse) -> Bool {
        guard response.status == 404 else { return false }
        let envelope = ErrorEnvelope(response)
        return envelope.form == .keyed("itemNotFound") && !envelope.mentions("the resource could not be found")
    }
}

extension HTTPResponse {
    /// Looked at before anything is made of the body: lists of a thousand servers would be read twice.
    var isSuccess: Bool { (200..<300).contains(status) }
}
