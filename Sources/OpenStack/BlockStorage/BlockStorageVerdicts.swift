import HTTPKit
import Resilience

/// What Cinder's answers mean (facts/openstack.md 1.7 and section 3, facts/openstack-observed.md).
enum BlockStorageVerdicts {
    static func verdict(of response: HTTPResponse, intent: Intent) -> Verdict? {
        if response.isSuccess { return nil }
        let envelope = ErrorEnvelope(response)
        let message = envelope.message
        switch response.status {
        case 400 where envelope.mentions("malformed request url"):
            // The project in the path is not the token's (facts/openstack-observed.md, "401 of the services").
            return Verdict(.site, message, next: "check the block storage endpoint: it names another project")
        case 400 where envelope.mentions("volume status must be", "must not be migrating, attached"):
            // Still in use, creating or detaching: it may be free in a moment.
            return Verdict(.transient, message)
        case 403 where intent.isMutating && FaultKind(words: message)?.isCapacity == true:
            return Verdict(.capacity, message, next: "wait until volumes are removed, or raise the quota")
        case 409 where envelope.mentions("conflictnovausingattachment"):
            return Verdict(.permanent, message, next: "the volume is in use by a server: detach it there first")
        default:
            return CommonVerdicts.verdict(of: response, envelope, intent: intent)
        }
    }
}
