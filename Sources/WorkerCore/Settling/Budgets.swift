package import Pipelines
package import Resilience
package import World

/// How long a job may go on failing or waiting before that becomes a failure. Never counted from `age`, which runs
/// while a job is queued and survives kicks (facts/beanstalkd.md I1).
package struct Budgets: Sendable {
    package struct Limits: Sendable, Hashable {
        package var retryFor: Duration
        package var capacityWait: Duration
        /// Releases after which a job is given up whatever this process remembers; each kick grants as many again.
        package var releases: Int

        package init(retryFor: Duration, capacityWait: Duration, releases: Int) {
            self.retryFor = retryFor
            self.capacityWait = capacityWait
            self.releases = releases
        }
    }

    private struct Identity: Hashable {
        var life: Verdicts.Life
        var isRemoval: Bool
    }

    /// Since when there is trouble.
    private struct Trouble {
        var retry: Moment?
        var capacity: Moment?
        var touched: Moment
    }

    private let limits: Limits
    private var known: [Identity: Trouble] = [:]
    private static let most = 20_000

    package init(limits: Limits) {
        self.limits = limits
    }

    /// Turns `retry` and `wait` into `failed` once their budget is used up; everything else passes through.
    /// - Parameters:
    ///   - isRemoval: of the job's removal, which has a budget of its own.
    ///   - closures: when the gates of the job's services stood closed since this process began: that costs no budget,
    ///     whether the job was here or in its tube.
    package mutating func judge(
        _ outcome: Outcome, of life: Verdicts.Life, isRemoval: Bool = false, releases: Int, now: Moment,
        closures: TimeSpans
    ) -> Outcome {
        let identity = Identity(life: life, isRemoval: isRemoval)
        switch outcome.kind {
        case .retry, .wait: break
        case .parked, .drain, .leaseLost: return outcome
        default:
            known[identity] = nil
            return outcome
        }
        var trouble = known[identity] ?? Trouble(touched: now)
        trouble.touched = now
        let start: Moment
        let budget: Duration
        let name: String
        if outcome.kind == .retry {
            start = trouble.retry ?? now
            trouble.retry = start
            budget = limits.retryFor
            name = "retry_for"
        } else {
            start = trouble.capacity ?? now
            trouble.capacity = start
            trouble.retry = nil
            budget = limits.capacityWait
            name = "capacity_wait"
        }
        known[identity] = trouble
        prune(now)
        let spent = now - start - closures.time(since: start)
        if spent >= budget {
            return failed(outcome, "given up after \(spent.short) of trying (\(name) is \(budget.short))")
        }
        if releases >= limits.releases * (1 + life.kicks) {
            return failed(outcome, "given up after \(releases.counted("release"))")
        }
        return outcome
    }

    private func failed(_ outcome: Outcome, _ why: String) -> Outcome {
        var failed = outcome
        failed.kind = .failed
        failed.message = "\(outcome.message); \(why)"
        failed.delay = nil
        return failed
    }

    /// The job is settled for good.
    package mutating func forget(_ life: Verdicts.Life) {
        for isRemoval in [false, true] { known[Identity(life: life, isRemoval: isRemoval)] = nil }
    }

    private mutating func prune(_ now: Moment) {
        guard known.count > Self.most else { return }
        // The half that was met longest ago: most likely settled by others.
        let middle = known.values.map(\.touched).sorted()[known.count / 2]
        known = known.filter { $0.value.touched > middle || $0.value.touched == now }
    }
}
