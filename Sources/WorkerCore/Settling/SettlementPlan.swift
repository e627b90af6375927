package import Pipelines
package import World

/// What is done with a delivery once its outcome is known.
package struct SettlementPlan: Sendable, Hashable {
    package enum Command: Sendable, Hashable {
        case delete
        /// With the job's own priority.
        case release(delay: Duration)
        case bury
        /// The lease is gone: the job is somebody else's already.
        case nothing
    }

    /// Tell the producer.
    package var replies: Bool
    /// Leave a report for operators; its put must succeed before the job may be buried.
    package var reports: Bool
    package var command: Command

    package init(replies: Bool, reports: Bool, command: Command) {
        self.replies = replies
        self.reports = reports
        self.command = command
    }
}

/// What becomes of a body that is not ours.
package enum ForeignEnd: Sendable, Hashable {
    case putBack(after: Duration)
    /// Nobody took it for a day.
    case bury
}

/// The delays of the outcome table.
package struct SettlementPolicy: Sendable, Hashable {
    /// First and longest delay of a job that goes back after trouble.
    package var retryBase: Duration
    package var retryLimit: Duration
    /// Until a job that found no capacity is looked at again.
    package var capacityDelay: Duration
    /// Until a parked job is looked at again.
    package var parkDelay: Duration
    /// Until a body that is not ours comes round again for the first time.
    package var foreignDelay: Duration
    /// After a request of a draining worker was cut off: its effect may still show.
    package var cutOffDelay: Duration

    package init(
        retryBase: Duration, retryLimit: Duration, capacityDelay: Duration, parkDelay: Duration = .seconds(45),
        foreignDelay: Duration = .seconds(60), cutOffDelay: Duration = .seconds(30)
    ) {
        self.retryBase = retryBase
        self.retryLimit = retryLimit
        self.capacityDelay = capacityDelay
        self.parkDelay = parkDelay
        self.foreignDelay = foreignDelay
        self.cutOffDelay = cutOffDelay
    }

    /// The outcome table as a function.
    /// - Parameters:
    ///   - releases: how often the broker has seen this job released; the delay of a retry grows with it.
    ///   - random: for jitter, so that jobs that failed together do not come back together.
    package func plan(of outcome: Outcome, releases: Int, random: any RandomSource) -> SettlementPlan {
        switch outcome.kind {
        case .done, .superseded, .obsolete, .expired:
            SettlementPlan(replies: true, reports: false, command: .delete)
        case .rejected, .failed, .removalIncomplete, .suspect:
            SettlementPlan(replies: true, reports: true, command: .bury)
        case .retry:
            SettlementPlan(
                replies: false, reports: false,
                command: .release(delay: retryDelay(asked: outcome.delay, releases: releases, random: random)))
        case .parked:
            SettlementPlan(
                replies: false, reports: false,
                command: .release(delay: spread(outcome.delay ?? parkDelay, random)))
        case .wait:
            SettlementPlan(
                replies: false, reports: false,
                command: .release(delay: spread(outcome.delay ?? capacityDelay, random)))
        case .drain:
            SettlementPlan(replies: false, reports: false, command: .release(delay: outcome.delay ?? .zero))
        case .leaseLost:
            SettlementPlan(replies: false, reports: false, command: .nothing)
        }
    }

    /// It may be meant for a release that is just being installed. Whatever it is, it comes round ever more rarely, an hour
    /// at the most, and 30 times in all; a kick gives it as many again.
    package func end(ofForeignJob releases: Int, kicks: Int) -> ForeignEnd {
        let (most, overflow) = Self.foreignReleases.multipliedReportingOverflow(by: 1 + kicks)
        guard overflow || releases < most else { return .bury }
        return .putBack(after: min(foreignDelay * (1 << min(max(0, releases), 10)), .seconds(3_600)))
    }

    private static let foreignReleases = 30

    /// Doubles with every release; between half of that and all of it, never below one second (facts/beanstalkd.md C2).
    private func retryDelay(asked: Duration?, releases: Int, random: any RandomSource) -> Duration {
        var full = min(retryBase, retryLimit)
        for _ in 0..<min(max(0, releases), 62) where full < retryLimit { full = min(full * 2, retryLimit) }
        return max(.seconds(1), asked ?? .zero, full / 2 + random.jitter(upTo: full / 2))
    }

    private func spread(_ delay: Duration, _ random: any RandomSource) -> Duration {
        max(.seconds(1), delay * 3 / 4 + random.jitter(upTo: delay / 2))
    }
}
