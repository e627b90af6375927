import HTTPKit
import World

/// What the end of a request means for the gate, and for the caller.
extension Gate {
    func ending(of failure: HTTPFailure) -> GateMachine.Ending {
        switch failure.reason {
        case .tls, .badRequest: .misconfigured(why: failure.detail)
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

    func error(
        _ failure: HTTPFailure, _ intent: Intent, _ operation: String, _ path: String
    ) -> ServiceError {
        let kind: ErrorClass
        let next: String
        switch failure.reason {
        case _ where intent.isMutating && failure.mayHaveArrived:
            kind = .ambiguous
            next = "it may have had its effect; look before it is tried again"
        case .tls:
            kind = .site
            next = "check the certificate of \(service) and the CA that is configured for it"
        case .badRequest:
            kind = .site
            next = "check the URL that is configured for \(service)"
        case .resolve:
            kind = .site
            next = "check the host name that is configured for \(service), and this host's DNS"
        case .connect, .timeout, .reset, .answerTooLarge, .malformed:
            kind = .transient
            next = "check that \(service) is up and can be reached from \(world.host.name)"
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
