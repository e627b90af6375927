/// How a delivery of a job ends; what is done with the job then is `WorkerCore`'s (README, "Outcomes").
package enum OutcomeKind: String, Sendable, Hashable, CaseIterable {
    case done
    case retry
    /// Stood before a closed gate: given back, nothing counted.
    case parked
    case wait
    case rejected
    case failed
    case removalIncomplete = "removal-incomplete"
    case superseded
    case obsolete
    case expired
    case suspect
    case leaseLost = "lease-lost"
    case drain

    /// Whether the producer hears of it: nothing more will happen by itself.
    package var isFinal: Bool {
        switch self {
        case .done, .rejected, .failed, .removalIncomplete, .superseded, .obsolete, .expired, .suspect: true
        case .retry, .parked, .wait, .leaseLost, .drain: false
        }
    }

    /// Whether the job ends buried beside a report.
    package var isBuried: Bool {
        self == .rejected || self == .failed || self == .removalIncomplete || self == .suspect
    }

    /// Whether what this job built is removed again before it is settled.
    package var removes: Bool {
        switch self {
        case .rejected, .failed, .wait, .superseded, .obsolete, .expired: true
        case .done, .retry, .parked, .removalIncomplete, .suspect, .leaseLost, .drain: false
        }
    }
}

package struct Outcome: Sendable, Hashable {
    package var kind: OutcomeKind
    /// The step that decided; empty when the job never reached one.
    package var step: String
    /// For grouping: `no-image`, `quota`, `dns-refused`, `locked-by-other`.
    package var cause: String
    /// Why, in a sentence.
    package var message: String
    /// What an operator or a user can do.
    package var next: String
    package var status: Int?
    package var requestID: String?
    /// For `retry` and `wait`: not before.
    package var delay: Duration?
    /// Resources that could not be removed, by name and id.
    package var left: [String]

    package init(
        _ kind: OutcomeKind, step: String = "", cause: String = "", message: String = "", next: String = "",
        status: Int? = nil, requestID: String? = nil, delay: Duration? = nil, left: [String] = []
    ) {
        self.kind = kind
        self.step = step
        self.cause = cause
        self.message = message
        self.next = next
        self.status = status
        self.requestID = requestID
        self.delay = delay
        self.left = left
    }
}
