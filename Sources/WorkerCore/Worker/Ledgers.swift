import Pipelines
import World

/// What one process remembers of its jobs' troubles.
final class Ledgers: Sendable {
    private let budgets: Locked<Budgets>
    private let brake: Locked<BurialBrake>
    private let suspects: Locked<SuspectLedger>

    private static let suspectThreshold = 5

    init(_ settings: WorkerSettings) {
        budgets = Locked(Budgets(limits: settings.budgets))
        brake = Locked(BurialBrake(most: settings.brakeCount, window: settings.brakeWindow))
        suspects = Locked(SuspectLedger(threshold: Self.suspectThreshold))
    }

    func judge(
        _ outcome: Outcome, key: String, kicks: Int, releases: Int, now: Moment, gateTime: Duration
    ) -> Outcome {
        budgets.withLock {
            $0.judge(outcome, key: key, kicks: kicks, releases: releases, now: now, gateTime: gateTime)
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
