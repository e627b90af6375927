import HTTPKit
import Resilience

/// What Glance's answers mean. Its errors are the web framework's own (facts/openstack-observed.md): flat JSON, or HTML.
enum ImageVerdicts {
    static func verdict(of response: HTTPResponse, intent: Intent) -> Verdict? {
        if response.isSuccess { return nil }
        let envelope = ErrorEnvelope(response)
        if response.status == 404, envelope.form == .flat, envelope.mentions("no image found") {
            return Verdict(.permanent, envelope.message)
        }
        return CommonVerdicts.verdict(of: response, envelope, intent: intent)
    }
}
