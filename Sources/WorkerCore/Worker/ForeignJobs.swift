import Beanstalk
import Jobs
import World

/// Bodies in our tubes that are not ours: put back behind all others, and said once a minute a tube, however many come by.
final class ForeignJobs: Sendable {
    private struct Subject: Hashable {
        var tube: String
        var isBuried: Bool
    }

    private struct Said: Sendable {
        var at: Moment
        var unsaid: Int
    }

    private let policy: SettlementPolicy
    private let time: any TimeSource
    private let notice: @Sendable (WorkerNotice) -> Void
    private let said = Locked<[Subject: Said]>([:])

    /// Then its slot looks anew which tubes to watch, and the broker for whether it has room.
    private static let longestRun = 500

    init(policy: SettlementPolicy, time: any TimeSource, notice: @escaping @Sendable (WorkerNotice) -> Void) {
        self.policy = policy
        self.time = time
        self.notice = notice
    }

    /// What becomes of one.
    func end(of statistics: JobStatistics, why: String) -> ForeignEnd {
        let end = policy.end(ofForeignJob: statistics.releases, kicks: statistics.kicks)
        tell(Subject(tube: statistics.tube.text, isBuried: end == .bury), why)
        return end
    }

    /// Goes through those that are ready, one round trip each: thousands may stand before a job of ours.
    /// - Returns: the first that was reserved and not put back.
    /// - Throws: `BrokerError`, `CancellationError`; what is reserved is given back by the end of the connection.
    func pass(_ connection: Connection, unless drain: Signal<Void>) async throws -> QueuedJob? {
        if drain.isRaised { return nil }
        let reserve = Command.reserveWithTimeout(WireSeconds(0))
        var next = try await connection.pipeline([reserve]).last?.job
        var settling: [Command] = []
        for _ in 0..<Self.longestRun {
            guard let job = next, !drain.isRaised, let why = JobBody.whyForeign(job.body) else { break }
            let replies = try await connection.pipeline(settling + [.statsJob(job.id), reserve])
            try check(replies.prefix(settling.count), connection)
            next = replies.last?.job
            settling = []
            if case .ok(let document) = replies[replies.count - 2] {
                settling = [command(try JobStatistics(parsing: document), why)]
            }
        }
        try check(try await connection.pipeline(settling)[...], connection)
        return next
    }

    private func command(_ statistics: JobStatistics, _ why: String) -> Command {
        switch end(of: statistics, why: why) {
        case .putBack(let delay): .release(statistics.id, priority: .max, delay: WireSeconds(roundingUp: delay))
        case .bury: .bury(statistics.id, priority: .max)
        }
    }

    private func check(_ replies: ArraySlice<Beanstalk.Reply>, _ connection: Connection) throws {
        for case .error(let error) in replies {
            throw connection.refusal(.error(error), "putting back what is not ours")
        }
    }

    private func tell(_ subject: Subject, _ why: String) {
        let now = time.now
        let count: Int? = said.withLock { said in
            if var before = said[subject], now - before.at < .seconds(60) {
                before.unsaid += 1
                said[subject] = before
                return nil
            }
            let count = (said[subject]?.unsaid ?? 0) + 1
            said[subject] = Said(at: now, unsaid: 0)
            return count
        }
        if let count {
            notice(.foreignJob(tube: subject.tube, why: why, count: count, isBuried: subject.isBuried))
        }
    }
}

extension Beanstalk.Reply {
    fileprivate var job: QueuedJob? { if case .reserved(let job) = self { job } else { nil } }
}
