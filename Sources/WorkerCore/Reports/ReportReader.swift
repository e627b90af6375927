package import Beanstalk
package import Configuration
import Jobs
package import World

/// Reads what workers left about failed jobs (README, "When something fails").
///
/// beanstalkd has no way to list a tube but to reserve from it (facts/beanstalkd.md I3, I4): the reports are reserved, all
/// of them, read into memory and given back by closing the connection. That raises the `reserves` of the reports and
/// changes nothing else; the jobs that they are about are looked at with `stats-job` and `peek`, which leave no trace.
package struct ReportReader: Sendable {
    let broker: Broker
    let world: World
    private let reports: TubeName
    /// Tubes that begin so hold jobs of ours, whatever provider follows.
    private let prefixes: [String]
    /// Ours, but not for jobs.
    private let sideTubes: Set<String>

    private static let tries = 12
    private static let firstPause = Duration.milliseconds(50)
    private static let longestPause = Duration.seconds(1)
    /// Commands on their way at once. A report has up to 16 KB.
    private static let reserveBatch = 256

    /// - Throws: `InvalidTubeName`.
    package init(broker: Broker, tubes: TubeSettings, world: World) throws(InvalidTubeName) {
        self.broker = broker
        self.world = world
        reports = try TubeName(tubes.reports)
        prefixes = [tubes.provision + ".", tubes.destroy + "."]
        sideTubes = [tubes.reports, tubes.workers, tubes.sweep]
    }

    /// Everything that failed and is still there.
    /// - Throws: `BrokerError`; `ReportsUnavailable`; `CancellationError`.
    package func survey() async throws -> FailureSurvey {
        let bodies = try await reservedBodies()
        let (read, unreadable) = try await world.compute.run { Self.parse(bodies) }
        return try await broker.connect { connection in
            let jobs = try await stand(read, connection)
            let tally = try await tally(connection)
            let current = jobs.count { $0.isCurrent && isOurs($0.statistics?.tube) }
            return FailureSurvey(
                jobs: jobs, unreadable: unreadable, buriedWithoutReport: max(0, tally.ours - current),
                buriedElsewhere: tally.elsewhere)
        }
    }

    /// A buried job of ours, for when there is no report about it.
    /// - Returns: nil when there is no such job, or it is not buried, or it is not ours.
    /// - Throws: `BrokerError`; `CancellationError`.
    package func buriedJob(_ id: JobID) async throws -> BuriedJob? {
        try await broker.connect { connection in
            guard let statistics = try await connection.statistics(of: id), statistics.state == .buried,
                isOurs(statistics.tube), let job = try await connection.peek(id)
            else { return nil }
            return BuriedJob(
                statistics: statistics,
                body: JobBody.shownKeys(job.body).map { BuriedJob.Pair(key: $0.0, value: $0.1) })
        }
    }

    /// Whether jobs of this tube are for workers of ours, whatever their provider.
    func isOurs(_ tube: TubeName?) -> Bool {
        guard let tube else { return false }
        return prefixes.contains { tube.text.hasPrefix($0) }
    }
}

// MARK: - The reports tube

extension ReportReader {
    private struct Raw: Sendable {
        var id: JobID
        var report: Report
    }

    /// Two readers at once get half each (facts/beanstalkd.md I4): whoever notices gives everything back and comes again.
    private func reservedBodies() async throws -> [QueuedJob] {
        for round in 0..<Self.tries {
            let jobs = try await broker.connect(Tubes(watching: [reports])) { try await reserveAll($0) }
            if let jobs { return jobs }
            let pause = min(Self.longestPause, Self.firstPause * (1 << round))
            try await world.time.sleep(for: pause / 2 + world.random.jitter(upTo: pause))
        }
        throw ReportsUnavailable(tube: reports, why: .otherReaders)
    }

    /// - Returns: nil when somebody else holds some of them.
    private func reserveAll(_ connection: Connection) async throws -> [QueuedJob]? {
        guard let before = try await connection.statistics(of: reports), before.jobs.reserved == 0 else { return nil }
        // A paused tube gives nothing and would look empty.
        if before.pauseLeft > .zero { throw ReportsUnavailable(tube: reports, why: .paused(before.pauseLeft)) }
        var jobs: [QueuedJob] = []
        var isEmpty = before.jobs.ready == 0
        let batch = Array(repeating: Command.reserveWithTimeout(WireSeconds(0)), count: Self.reserveBatch)
        while !isEmpty {
            for reply in try await connection.pipeline(batch) {
                switch reply {
                case .reserved(let job): jobs.append(job)
                case .timedOut: isEmpty = true
                case .deadlineSoon: throw ReportsUnavailable(tube: reports, why: .tooSlow)
                default: throw connection.refusal(reply, "reserve the reports")
                }
            }
        }
        // Others that held some of them may have given those back since: then they are ready, and not with us.
        guard let after = try await connection.statistics(of: reports)?.jobs else { return nil }
        return after.reserved == jobs.count && after.ready == 0 ? jobs : nil
    }

    /// Newest first: of two reports about one job the first counts.
    private static func parse(_ bodies: [QueuedJob]) -> ([Raw], unreadable: Int) {
        var read: [Raw] = []
        for job in bodies {
            if let report = try? Report(parsing: job.body) { read.append(Raw(id: job.id, report: report)) }
        }
        read.sort { a, b in (a.report.ended, a.id) > (b.report.ended, b.id) }
        return (read, bodies.count - read.count)
    }
}

// MARK: - The jobs that they are about

extension ReportReader {
    private func stand(_ read: [Raw], _ connection: Connection) async throws -> [FailedJob] {
        let statistics = try await statistics(of: read, connection)
        let digests = try await digests(
            of: statistics.values.filter { $0.state == .buried }.map(\.id).sorted(), connection)
        var seen: Set<UInt64> = []
        return read.map { raw in
            let id = JobID(raw.report.jobID)
            let known = statistics[id]
            var standing: FailedJob.Standing
            switch known {
            case nil: standing = .gone
            case let job? where job.tube.text != raw.report.tube: standing = .otherJob
            case let job? where job.state != .buried: standing = .notBuried(job.state)
            default: standing = digests[id] == raw.report.digest ? .current : .otherJob
            }
            if standing == .current, !seen.insert(id.number).inserted { standing = .superseded }
            return FailedJob(
                report: raw.report, reportID: raw.id, standing: standing,
                statistics: standing == .otherJob ? nil : known)
        }
    }

    private func statistics(of read: [Raw], _ connection: Connection) async throws -> [JobID: JobStatistics] {
        try await connection.statistics(ofJobs: Set(read.map { JobID($0.report.jobID) }).sorted())
    }

    func digests(of ids: [JobID], _ connection: Connection) async throws -> [JobID: String] {
        var found: [JobID: String] = [:]
        for chunk in ids.chunks(of: Connection.peekBatch) {
            let bodies = try await connection.bodies(ofJobs: chunk)
            let digests = try await world.compute.run { bodies.map { SHA256.hex(of: $0.body) } }
            for (job, digest) in zip(bodies, digests) { found[job.id] = digest }
        }
        return found
    }

    /// How many jobs are buried in our tubes, and how many in others'.
    private func tally(_ connection: Connection) async throws -> (ours: Int, elsewhere: Int) {
        let tubes = try await connection.tubes().filter { isOurs($0) || sideTubes.contains($0.text) }
        var ours = 0
        var side = 0
        for tube in try await connection.statistics(ofTubes: tubes) {
            if isOurs(tube.name) { ours += tube.jobs.buried } else { side += tube.jobs.buried }
        }
        let all = try await connection.statistics().jobs.buried
        return (ours, max(0, all - ours - side))
    }
}
