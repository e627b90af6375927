import HTTPKit
import Resilience

/// What Neutron's answers mean (facts/openstack.md 1.3, 1.6).
enum NetworkVerdicts {
    static func verdict(of response: HTTPResponse, intent: Intent) -> Verdict? {
        if response.isSuccess { return nil }
        let envelope = ErrorEnvelope(response)
        guard case .neutron(let type) = envelope.form else {
            return CommonVerdicts.verdict(of: response, envelope, intent: intent)
        }
        switch (response.status, type) {
        case (409, "OverQuota"), (409, "IpAddressGenerationFailure"), (400, "ExternalIpAddressExhausted"):
            return Verdict(.capacity, envelope.message, next: "wait, raise the quota or enlarge the network")
        case (404, "HTTPNotFound"):
            // The path, not a thing.
            return Verdict(
                .site, envelope.message, next: "check the endpoint of neutron in the catalog or the site file")
        default:
            return CommonVerdicts.verdict(of: response, envelope, intent: intent)
        }
    }
}
