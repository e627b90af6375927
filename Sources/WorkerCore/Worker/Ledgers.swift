import Pipelines
import Resilience
import World

/// What one process remembers of its jobs' troubles.
final class Ledgers: Sendable {
    private let budgets: Locked<Budgets>
    private let brake: Locked<BurialBrake>
    private let suspects: Locked<SuspectLedger>
    private let verdicts = Locked(Verdicts())

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

    func succeeded(provider: String) {
        brake.withLock { $0.succeeded(provider: provider) }
    }

    func allowsBurial(provider: String, cause: String, now: Moment) -> Bool {
        brake.withLock { $0.allows(provider: provider, cause: cause, now: now) }
    }

    func rests(_ provider: String, now: Moment) -> Bool {
        brake.withLock { $0.rests(provider, now: now) }
    }

    func judgeSuspect(
        job: UInt64, reserves: Int, releases: Int, timeouts: Int, kicks: Int
    ) -> SuspectLedger.Judgement {
        suspects.withLock {
            $0.judge(job: job, reserves: reserves, releases: releases, timeouts: timeouts, kicks: kicks)
        }
    }
}
