package import Resilience
package import World

/// Steps in order, each tried until it is through, out of patience, or the job's fate is decided.
package struct Pipeline: Sendable {
    package let steps: [Step]
    private let world: World
    private let backoff: Backoff
    /// When the gates before which these steps' requests stand were closed: that is nobody's fault and costs no patience.
    private let closures: @Sendable () -> TimeSpans

    package init(
        _ steps: [Step], world: World, backoff: Backoff,
        closures: @escaping @Sendable () -> TimeSpans = { TimeSpans() }
    ) {
        self.steps = steps
        self.world = world
        self.backoff = backoff
        self.closures = closures
    }

    /// Runs every step. Never throws: each way to end is an outcome.
    package func run(right: Right, journal: Journal) async -> Outcome {
        for step in steps {
            if let outcome = await run(step, right: right, journal: journal) { return outcome }
        }
        return Outcome(.done)
    }

    /// - Returns: nil when the step is through.
    private func run(_ step: Step, right: Right, journal: Journal) async -> Outcome? {
        var attempt = 0
        var backoff = backoff
        var firstTrouble: Moment?
        while true {
            attempt += 1
            if right.drain.isRaised { return Outcome(.drain, step: step.name, message: "this worker is stopping") }
            let started = world.time.now
            journal.record(.stepStarted(step: step.name, attempt: attempt))
            let run = StepRun(step: step.name, attempt: attempt, right: right, journal: journal)
            let problem: StepProblem
            do {
                let summary = try await world.time.withTimeout(step.limits.timeout, doing: step.name) {
                    try await step.body(run)
                }
                journal.record(
                    .stepFinished(
                        step: step.name, attempt: attempt, took: world.time.now - started, summary: summary))
                return nil
            } catch {
                problem = StepProblem(error)
            }

            let now = world.time.now
            var retryIn: Duration?
            if problem.mayPass {
                let first = firstTrouble ?? started
                firstTrouble = first
                let spent = now - first - closures().time(since: first)
                let pause = max(backoff.next(world.random), problem.retryAfter ?? .zero)
                if spent + pause < step.limits.patience { retryIn = pause }
            }
            if problem.isFailure {
                journal.record(
                    .attemptFailed(
                        step: step.name, attempt: attempt, took: now - started, error: problem.outcome.message,
                        cause: problem.outcome.cause, status: problem.outcome.status,
                        requestID: problem.outcome.requestID, retryIn: retryIn))
            }
            guard let retryIn else {
                var outcome = problem.outcome
                outcome.step = step.name
                return outcome
            }
            do {
                try await pause(retryIn, drain: right.drain)
            } catch {
                return Outcome(.leaseLost, step: step.name, message: "cancelled while waiting to try again")
            }
        }
    }

    /// Sleeps, but not through a drain.
    private func pause(_ duration: Duration, drain: Signal<Void>) async throws {
        let time = world.time
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await time.sleep(for: duration) }
            group.addTask { try await drain.wait() }
            try await group.next()
            group.cancelAll()
        }
    }
}
