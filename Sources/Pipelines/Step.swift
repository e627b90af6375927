/// How long a step may take and how long it is tried.
package struct StepLimits: Sendable, Hashable {
    /// For one attempt.
    package var timeout: Duration
    /// For attempts that fail for passing reasons, from the first such failure; then the job goes back to the queue.
    package var patience: Duration

    package init(timeout: Duration, patience: Duration) {
        self.timeout = timeout
        self.patience = patience
    }
}

/// One part of a pipeline: look, do, wait. It may run again at any time, on any worker, and goes on from what it sees.
package struct Step: Sendable {
    package let name: String
    package let limits: StepLimits
    /// - Returns: what it found or made, in a few words.
    /// - Throws: `Verdicts` of services as `ServiceError`, an `Ending` when the job's fate is decided.
    package let body: @Sendable (StepRun) async throws -> String

    package init(
        _ name: String, limits: StepLimits, body: @escaping @Sendable (StepRun) async throws -> String
    ) {
        self.name = name
        self.limits = limits
        self.body = body
    }
}

/// Thrown by a step that knows how the job ends; the pipeline adds the step's name.
package struct Ending: Error, Sendable, Hashable {
    package var outcome: Outcome

    package init(_ outcome: Outcome) {
        self.outcome = outcome
    }

    package init(_ kind: OutcomeKind, _ cause: String, _ message: String, next: String = "") {
        outcome = Outcome(kind, cause: cause, message: message, next: next)
    }
}

/// Thrown by a step for trouble that may pass: tried again within the step's patience.
package struct Trouble: Error, Sendable, Hashable, CustomStringConvertible {
    package var cause: String
    package var message: String
    package var next: String

    package init(_ cause: String, _ message: String, next: String = "") {
        self.cause = cause
        self.message = message
        self.next = next
    }

    package var description: String { message }
}
