import Pipelines
import Resilience
import World

/// What one process remembers of its jobs' troubles.
final class Ledgers: Sendable {
    private let budgets: Locked<Budgets>
    private let brake: Locked<BurialBrake>
    private let suspects: Locked<SuspectLedger>
    private let verdicts = Locked(Verdicts())
    private let change = Locked(Signal<Void>())

    private static let suspectThreshold = 5

    init(_ settings: WorkerSettings) {
        budgets = Locked(Budgets(limits: settings.budgets))
        brake = Locked(BurialBrake(most: settings.brakeCount, window: settings.brakeWindow))
        suspects = Locked(SuspectLedger(threshold: Self.suspectThreshold))
    }

    func judge(
        _ outcome: Outcome, of life: Verdicts.Life, isRemoval: Bool = false, releases: Int, now: Moment,
        closures: TimeSpans
    ) -> Outcome {
        budgets.withLock {
            $0.judge(outcome, of: life, isRemoval: isRemoval, releases: releases, now: now, closures: closures)
        }
    }

    func verdict(on life: Verdicts.Life) -> Verdicts.Verdict? { verdicts.withLock { $0[life] } }

    func condemn(_ life: Verdicts.Life, _ outcome: Outcome, now: Moment) {
        verdicts.withLock { $0.pass(outcome, on: life, now: now) }
    }

    /// A delivery has ended without the end of the job.
    func unsettled(_ life: Verdicts.Life, _ events: [EventRecord]) {
        verdicts.withLock { $0.tell(events, of: life) }
    }

    /// The job has ended, and the broker knows it.
    func settled(_ life: Verdicts.Life) {
        verdicts.withLock { $0.forget(life) }
        budgets.withLock { $0.forget(life) }
    }

    func judgeSuspect(
        job: UInt64, reserves: Int, releases: Int, timeouts: Int, kicks: Int
    ) -> SuspectLedger.Judgement {
        suspects.withLock {
            $0.judge(job: job, reserves: reserves, releases: releases, timeouts: timeouts, kicks: kicks)
        }
    }
}

// MARK: - The burial brake

extension Ledgers {
    /// Raised as soon as a provider begins to rest or ends it; from then on another signal stands here.
    var brakeChange: Signal<Void> { change.withLock { $0 } }

    /// - Returns: whether the job may be buried, and the rest of its provider that begins with it.
    func allowsBurial(
        of outcome: Outcome, by evidence: BurialEvidence, provider: String, now: Moment
    ) -> (isAllowed: Bool, rest: BurialBrake.Rest?) {
        let (isAllowed, rest) = brake.withLock { brake in
            let before = brake.resting(now: now)
            let isAllowed = brake.allows(
                provider: provider, cause: outcome.cause, message: outcome.message, by: evidence, now: now)
            return (isAllowed, brake.resting(now: now).first { !before.contains($0) })
        }
        if rest != nil { raiseChange() }
        return (isAllowed, rest)
    }

    /// - Returns: whether the provider was resting.
    func release(_ provider: String) -> Bool {
        let rested = brake.withLock { $0.release(provider) }
        if rested { raiseChange() }
        return rested
    }

    func rests(_ provider: String, now: Moment) -> Bool {
        brake.withLock { $0.rests(provider, now: now) }
    }

    func resting(now: Moment) -> [BurialBrake.Rest] {
        brake.withLock { $0.resting(now: now) }
    }

    /// - Returns: providers whose rest is over now.
    func endOverdueRests(now: Moment) -> [String] {
        let ended = brake.withLock { $0.endOverdue(now: now) }
        if !ended.isEmpty { raiseChange() }
        return ended
    }

    private func raiseChange() {
        let old = change.withLock { signal in
            defer { signal = Signal() }
            return signal
        }
        old.raise(())
    }
}
