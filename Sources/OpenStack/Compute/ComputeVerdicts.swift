import HTTPKit
package import Resilience

/// What Nova's answers mean (facts/openstack.md 1.4 and section 3, facts/openstack-observed.md).
enum ComputeVerdicts {
    static func verdict(of response: HTTPResponse, intent: Intent) -> Verdict? {
        if response.isSuccess { return nil }
        let envelope = ErrorEnvelope(response)
        let message = envelope.message
        switch response.status {
        case 400
        where envelope.mentions(
            "status must be available to reserve", "status must be available or downloading to reserve"):
            // Attached too early: the volume is still being made (facts/openstack.md section 3, 10), or it is being
            // attached already.
            return Verdict(.transient, message)
        case 400 where envelope.mentions("is already attached", "is in an error state"):
            return Verdict(.ambiguous, message, next: "look at the volume: it may be attached where it should be")
        case 400 where envelope.mentions("must be 'in-use'", "while it is", "invalid volume: volume status must be"):
            return Verdict(.transient, message)
        case _
        where [400, 403, 409].contains(response.status) && intent.isMutating
            && FaultKind(words: message)?.isCapacity == true:
            return Verdict(.capacity, message, next: "wait until servers are removed, or raise the quota")
        case 403 where envelope.mentions("external network"):
            // "It is not allowed to create an interface on external network ID" (nova/exception.py,
            // ExternalNetworkAttachForbidden).
            let network = message.split(separator: " ").last.map { " \($0)" } ?? ""
            return Verdict(
                .permanent, message,
                next: "let allow_networks of this provider leave out the external network\(network), which its project "
                    + "may not use for servers")
        case 404 where CommonVerdicts.provesAbsence(response):
            // Of a change: the server or the volume is not there any more.
            return Verdict(intent == .change ? .ambiguous : .permanent, message)
        case 409 where envelope.mentions("is locked"):
            return Verdict(.permanent, message, next: "somebody locked this server in the cloud: unlock it there")
        case 409 where envelope.mentions("multiple possible networks", "more than one possible network"):
            return Verdict(.permanent, message, next: "set allow_networks for this provider")
        default:
            return CommonVerdicts.verdict(of: response, envelope, intent: intent)
        }
    }

    private static let staleWords = [
        "can not find requested image", "is not active", "could not be found", "unable to find security_group",
        "availability zone is not available", "image not found", "is unacceptable",
    ]

    static func smellsOfStaleness(_ error: ServiceError) -> Bool {
        guard error.status == 400 else { return false }
        let text = error.message.lowercased()
        return staleWords.contains { text.contains($0) }
    }
}

extension ServiceError {
    /// Nova refused a create because of an image, flavor, network or security group that our lists still name
    /// (facts/openstack.md section 3, 27). The lists were dropped: choose and try once more.
    package var smellsOfStaleness: Bool {
        service == OpenStackService.compute.rawValue && ComputeVerdicts.smellsOfStaleness(self)
    }

    /// Nova attaches only within a zone (`cross_az_attach = False`), and this volume is in another; its message names both
    /// (nova/volume/cinder.py, `check_availability_zone`).
    package var isOfAnotherZone: Bool {
        service == OpenStackService.compute.rawValue && status == 400
            && message.contains("are not in the same availability_zone")
    }
}
