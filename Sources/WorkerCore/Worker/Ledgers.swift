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
        _ outcome: Outcome, key: String, kicks: Int, releases: Int, now: Moment, closures: TimeSpans
    ) -> Outcome {
        budgets.withLock {
            $0.judge(outcome, key: key, kicks: kicks, releases: releases, now: now, closures: closures)
        }
    }

    /// Of a removal, which has a budget of its own.
    func judgeRemoval(
        _ outcome: Outcome, key: String, kicks: Int, releases: Int, now: Moment, closures: TimeSpans
    ) -> Outcome {
        judge(outcome, key: Self.removal(of: key), kicks: kicks, releases: releases, now: now, closures: closures)
    }

    private static func removal(of key: String) -> String { "\(key) removal" }

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
        budgets.withLock { budgets in
            budgets.forget(key: life.key, kicks: life.kicks)
            budgets.forget(key: Self.removal(of: life.key), kicks: life.kicks)
        }
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
        key: String, reserves: Int, releases: Int, timeouts: Int, kicks: Int
    ) -> SuspectLedger.Judgement {
        suspects.withLock {
            $0.judge(key: key, reserves: reserves, releases: releases, timeouts: timeouts, kicks: kicks)
        }
    }
}
