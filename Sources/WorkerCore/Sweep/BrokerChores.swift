import Beanstalk
import Jobs
import Provisioning
import World

/// What a sweep tidies up in the broker: reports that tell of nothing any more, replies that nobody took, signs of life of
/// dead workers.
struct BrokerChores: Sendable {
    let broker: Broker
    let tubes: SweepTubes
    let world: World
    let isDryRun: Bool

    /// A report is put before its job is buried; and somebody may be reading about a job that he has just kicked.
    private static let reportAge = Duration.seconds(3_600)
    private static let replyAge = Duration.seconds(86_400)
    /// In one sweep and tube; there is another one.
    private static let most = 10_000

    /// - Returns: what went, and why not everything could be looked at.
    /// - Throws: `BrokerError`, `CancellationError`.
    func run() async throws -> (SweepReport.Chores, SweepRefusal?) {
        var chores = SweepReport.Chores()
        var refusal: SweepRefusal?
        do {
            chores.reports = try await dropReports()
        } catch let unavailable as ReportsUnavailable {
            refusal = SweepRefusal(
                cause: "reports-unavailable", message: "\(unavailable)",
                next: "nothing, if the next sweep can read them")
        }
        chores.replies = try await dropReplies()
        chores.presences = try await dropPresences()
        return (chores, refusal)
    }

    private func dropReports() async throws -> Int {
        let now = world.time.wallClock
        var stale: [JobID] = []
        let reader = try ReportReader(broker: broker, tubes: tubes.settings, world: world)
        _ = try await reader.read(ReportSelection(stale: true)) { job in
            if !job.isCurrent, now - job.report.ended > Self.reportAge { stale.append(job.reportID) }
            return true
        }
        if isDryRun { return stale.count }
        return try await broker.connect { connection in try await delete(stale, in: tubes.reports, connection) }
    }

    /// Deletes jobs that are still in that tube. The reader gave them back by closing its connection, which the broker
    /// sees a moment later.
    private func delete(_ ids: [JobID], in tube: TubeName, _ connection: Connection) async throws -> Int {
        var deleted = 0
        for id in ids.prefix(Self.most) {
            for attempt in 1...4 {
                guard let job = try await connection.statistics(of: id), job.tube == tube else { break }
                if try await connection.delete(id) {
                    deleted += 1
                    break
                }
                if attempt < 4 { try await world.time.sleep(for: .milliseconds(50) * attempt) }
            }
        }
        return deleted
    }

    /// Only from tubes with a name that `enqueue --wait` made, and with nobody at them.
    private func dropReplies() async throws -> Int {
        try await broker.connect { connection in
            var deleted = 0
            let names = try await connection.tubes().filter { ReplyTube.isPrivate($0.text) }
            for tube in try await connection.statistics(ofTubes: names) where tube.watching == 0 && tube.waiting == 0 {
                deleted += try await dropOld(in: tube, olderThan: Self.replyAge, connection)
            }
            return deleted
        }
    }

    /// From the oldest on; all of them have the same priority. A dry run sees only the oldest: it counts all.
    private func dropOld(in tube: TubeStatistics, olderThan age: Duration, _ connection: Connection) async throws -> Int
    {
        try await connection.use(tube.name)
        var deleted = 0
        while deleted < Self.most, let job = try await connection.peek(.ready),
            let statistics = try await connection.statistics(of: job.id), statistics.tube == tube.name,
            statistics.age > age
        {
            if isDryRun { return tube.jobs.ready }
            guard try await connection.delete(job.id) else { break }
            deleted += 1
        }
        return deleted
    }

    /// And probes of a census that was cut off between its put and its delete.
    private func dropPresences() async throws -> Int {
        if isDryRun { return 0 }
        return try await broker.connect { connection in
            for probes in try await connection.statistics(ofTubes: [tubes.probe]) {
                _ = try await dropOld(in: probes, olderThan: QueueCensus.probeDelay, connection)
            }
            try await connection.use(tubes.workers)
            return try await PresenceKeeper.dropDead(connection)
        }
    }
}
