import Resilience
import World

/// What an error of a step means for the job.
struct StepProblem {
    /// The outcome when it is not tried again.
    var outcome: Outcome
    /// Worth another attempt within the step's patience.
    var mayPass: Bool
    /// A failure of the attempt, rather than the end of our right to go on.
    var isFailure: Bool
    var retryAfter: Duration?

    init(_ error: any Error) {
        switch error {
        case let ending as Ending:
            self.init(outcome: ending.outcome, mayPass: false, isFailure: ending.outcome.kind != .done)
        case let error as ServiceError:
            self.init(error)
        case let trouble as Trouble:
            self.init(
                outcome: Outcome(.retry, cause: trouble.cause, message: trouble.message, next: trouble.next),
                mayPass: true, isFailure: true)
        case let timeout as TimeoutError:
            self.init(
                outcome: Outcome(.retry, cause: "timeout", message: timeout.description), mayPass: true,
                isFailure: true)
        case let outdated as Outdated:
            self.init(
                outcome: Outcome(.retry, cause: "outdated", message: outdated.description), mayPass: true,
                isFailure: true)
        case let parked as Parked:
            self.init(
                outcome: Outcome(.parked, cause: parked.cause, message: parked.description), mayPass: false,
                isFailure: false)
        case is Drained:
            self.init(
                outcome: Outcome(.drain, message: "this worker is stopping"), mayPass: false, isFailure: false)
        case let closed as FenceClosed:
            self.init(outcome: Outcome(.leaseLost, message: closed.description), mayPass: false, isFailure: false)
        case is CancellationError:
            self.init(
                outcome: Outcome(.leaseLost, message: "cancelled: the lease is gone or the process ends"),
                mayPass: false, isFailure: false)
        default:
            self.init(
                outcome: Outcome(.retry, cause: "unexpected", message: "\(error)"), mayPass: true, isFailure: true)
        }
    }

    private init(_ error: ServiceError) {
        let kind: OutcomeKind =
            switch error.kind {
            case .transient, .ambiguous, .site: .retry
            case .capacity: .wait
            case .permanent: .rejected
            }
        let cause = error.status.map { "\(error.service)-\($0)" } ?? "\(error.service)-\(error.kind.rawValue)"
        self.init(
            outcome: Outcome(
                kind, cause: cause, message: error.description, next: error.next, status: error.status,
                requestID: error.requestID),
            mayPass: kind == .retry, isFailure: true, retryAfter: error.retryAfter)
    }

    private init(outcome: Outcome, mayPass: Bool, isFailure: Bool, retryAfter: Duration? = nil) {
        self.outcome = outcome
        self.mayPass = mayPass
        self.isFailure = isFailure
        self.retryAfter = retryAfter
    }
}
