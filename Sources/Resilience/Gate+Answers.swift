import HTTPKit
import World

/// What the end of a request means for the gate, and for the caller.
extension Gate {
    func ending(of failure: HTTPFailure) -> GateMachine.Ending {
        switch failure.reason {
        case .tls, .notTLS, .badRequest: .misconfigured(why: failure.detail)
        case .resolve, .connect, .timeout, .reset, .malformed: .unreachable(why: failure.detail)
        case .answerTooLarge: .answered(.init(kind: .transient, why: failure.detail))
        }
    }

    func ending(
        of response: HTTPResponse, _ verdict: Verdict?, _ retryAfter: Duration?
    ) -> GateMachine.Ending {
        // A 503 may also be an answer to the question itself: paddles says so that too few nodes are free
        // (facts/teuthology.md 1.2).
        let isUnwell = response.status == 503 && (retryAfter != nil || verdict?.isOutage == true)
        // Old Nova and Cinder say "too fast" with 413 (facts/openstack.md section 3, 3).
        let isLegacy = response.status == 413 && verdict?.kind == .transient
        return .answered(
            .init(
                kind: verdict?.kind, why: verdict.map { "HTTP \(response.status): \($0.message)" } ?? "",
                isOutage: verdict?.isOutage ?? false, asksForPause: response.status == 429 || isUnwell || isLegacy,
                retryAfter: retryAfter))
    }

    /// A server's words for a request in clear text at a port that speaks TLS: nginx, Go, Apache, and the alert of TLS
    /// itself, which looks like an answer of HTTP/0.9.
    func speaksTLS(_ response: HTTPResponse, at url: String) -> Verdict? {
        guard url.hasPrefix("http://") else { return nil }
        let isAlert = response.body.starts(with: [0x15, 0x03]) && response.headers.fields.isEmpty
        let text = response.status == 400 || response.status == 497 ? response.text.lowercased() : ""
        let words = [
            "plain http request was sent to https port", "sent an http request to an https server",
            "speaking plain http to an ssl-enabled server port",
        ]
        guard isAlert || words.contains(where: { text.contains($0) }) else { return nil }
        return Verdict(
            .site, isAlert ? "the answer is TLS" : AnswerText.words(of: response),
            next: "that port speaks TLS: write https:// instead of http:// for \(service)")
    }

    func error(
        _ failure: HTTPFailure, _ intent: Intent, _ operation: String, _ path: String, to url: String
    ) -> ServiceError {
        let kind: ErrorClass
        var next: String
        switch failure.reason {
        case _ where intent.isMutating && failure.mayHaveArrived:
            kind = .ambiguous
            next = "it may have had its effect; look before it is tried again"
        case .tls:
            kind = .site
            next = "check the certificate of \(service) and the CA that is configured for it"
        case .notTLS:
            kind = .site
            next = "that port speaks no TLS: write http:// instead of https:// for \(service), or another port"
        case .answerTooLarge:
            kind = .site
            next = "see what answers at the address that is configured for \(service)"
        case .badRequest:
            kind = .site
            next = "check the URL that is configured for \(service)"
        case .resolve:
            kind = .site
            next = "check the host name that is configured for \(service), and this host's DNS"
        case .connect, .timeout, .reset, .malformed:
            kind = .transient
            next = "check that \(service) is up and can be reached from \(world.host.name)"
            // What some servers do with a request in clear text.
            if failure.reason == .reset || failure.reason == .malformed, url.hasPrefix("http://") {
                next += "; if that port speaks TLS, write https:// instead of http://"
            }
        }
        return ServiceError(
            service: service, provider: provider, operation: operation, request: path, message: failure.detail,
            kind: kind, next: next)
    }
}

extension HTTPResponse {
    /// What the service calls this request in its own logs; OpenStack's two names for it.
    var requestID: String? {
        headers["X-OpenStack-Request-Id"] ?? headers["X-Compute-Request-Id"]
    }
}
