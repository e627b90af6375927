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

    /// Looks at the reports, newest first, and hands out those that are asked for. Of the others it keeps their numbers
    /// only, so that memory does not grow with what reports say.
    ///
    /// What is handed out was looked at closely: the job is buried and has the body that the report is about. The rest is
    /// only counted, by the job's state.
    /// - Parameter take: returns whether it wants more.
    /// - Throws: `BrokerError`; `ReportsUnavailable`; `CancellationError`.
    package func read(_ wanted: ReportSelection, take: (FailedJob) -> Bool) async throws -> FailureCounts {
        let index = try await reservedIndex(wanted)
        return try await broker.connect { connection in
            var counts = FailureCounts()
            counts.unreadable = index.unreadable
            try await hand(out: index.entries, wanted, &counts, connection, take: take)
            let tally = try await tally(connection)
            counts.buriedWithoutReport = max(0, tally.ours - counts.current)
            counts.buriedElsewhere = tally.elsewhere
            return counts
        }
    }

    /// Every report that is wanted, all in memory.
    /// - Throws: as `read`.
    package func survey(_ wanted: ReportSelection = ReportSelection(stale: true)) async throws -> FailureSurvey {
        var jobs: [FailedJob] = []
        let counts = try await read(wanted) { job in
            jobs.append(job)
            return true
        }
        return FailureSurvey(jobs: jobs, counts: counts)
    }

    /// What a person may mean by a number, a key or the name of a node: current reports or else stale ones, newest first.
    /// - Throws: as `read`.
    package func find(_ reference: String) async throws -> [FailedJob] {
        try await survey(ReportSelection(stale: true, mentions: [reference])).find(reference)
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
    /// What is kept of a report until it is known whether anybody wants it.
    private struct Entry: Sendable {
        var report: JobID
        var job: JobID
        /// Whether it may be what is asked for.
        var isCandidate: Bool
    }

    private struct Index: Sendable {
        /// Newest first, by the broker's order.
        var entries: [Entry] = []
        var unreadable = 0
        var count: Int { entries.count + unreadable }
    }

    /// Two readers at once get half each (facts/beanstalkd.md I4): whoever notices gives everything back and comes again.
    private func reservedIndex(_ wanted: ReportSelection) async throws -> Index {
        for round in 0..<Self.tries {
            let index = try await broker.connect(Tubes(watching: [reports])) { try await reserveAll($0, wanted) }
            if let index { return index }
            let pause = min(Self.longestPause, Self.firstPause * (1 << round))
            try await world.time.sleep(for: pause / 2 + world.random.jitter(upTo: pause))
        }
        throw ReportsUnavailable(tube: reports, why: .otherReaders)
    }

    /// - Returns: nil when somebody else holds some of them.
    private func reserveAll(_ connection: Connection, _ wanted: ReportSelection) async throws -> Index? {
        guard let before = try await connection.statistics(of: reports), before.jobs.reserved == 0 else {
            return nil
        }
        // A paused tube gives nothing and would look empty.
        if before.pauseLeft > .zero { throw ReportsUnavailable(tube: reports, why: .paused(before.pauseLeft)) }
        var index = Index()
        var isEmpty = before.jobs.ready == 0
        let batch = Array(repeating: Command.reserveWithTimeout(WireSeconds(0)), count: Self.reserveBatch)
        while !isEmpty {
            for reply in try await connection.pipeline(batch) {
                switch reply {
                case .reserved(let job):
                    if let about = Self.subject(of: job) {
                        index.entries.append(
                            Entry(report: job.id, job: about, isCandidate: wanted.mayMean(job.body)))
                    } else {
                        index.unreadable += 1
                    }
                case .timedOut: isEmpty = true
                case .deadlineSoon: throw ReportsUnavailable(tube: reports, why: .tooSlow)
                default: throw connection.refusal(reply, "reserve the reports")
                }
            }
        }
        // Others that held some of them may have given those back since: then they are ready, and not with us.
        guard let after = try await connection.statistics(of: reports)?.jobs else { return nil }
        index.entries.sort { $0.report > $1.report }
        return after.reserved == index.count && after.ready == 0 ? index : nil
    }

    private static func subject(of report: QueuedJob) -> JobID? {
        (Report.jobID(atGlance: report.body) ?? (try? Report(parsing: report.body))?.jobID).map { JobID($0) }
    }
}

// MARK: - The jobs that they are about

extension ReportReader {
    private func hand(
        out entries: [Entry], _ wanted: ReportSelection, _ counts: inout FailureCounts, _ connection: Connection,
        take: (FailedJob) -> Bool
    ) async throws {
        let buried = try await buriedJobs(Set(entries.map(\.job)), connection)
        var wantsMore = true
        for chunk in entries.chunks(of: Connection.peekBatch) {
            var looked: [JobID: Report] = [:]
            var standings = Standings()
            if wantsMore {
                let candidates = chunk.filter { $0.isCandidate && (wanted.stale || buried.contains($0.job)) }
                looked = try await reports(candidates.map(\.report), headOnly: wanted.headOnly, connection)
                standings = try await self.standings(Set(looked.values.map { JobID($0.jobID) }).sorted(), connection)
            }
            for entry in chunk {
                guard wantsMore, let report = looked[entry.report] else {
                    counts.add(entry.job, isBuried: buried.contains(entry.job))
                    continue
                }
                let job = standings.job(report, entry.report, reported: counts.reported)
                counts.add(entry.job, isBuried: job.isCurrent && isOurs(job.statistics?.tube))
                if wanted.stale || job.isCurrent { wantsMore = take(job) }
            }
        }
    }

    /// Those that are buried in our tubes.
    private func buriedJobs(_ ids: Set<JobID>, _ connection: Connection) async throws -> Set<JobID> {
        var buried: Set<JobID> = []
        for chunk in ids.sorted().chunks(of: Connection.statisticsBatch) {
            for job in try await connection.statistics(ofJobs: chunk).values
            where job.state == .buried && isOurs(job.tube) { buried.insert(job.id) }
        }
        return buried
    }

    /// Of those that still exist.
    private func reports(
        _ ids: [JobID], headOnly: Bool, _ connection: Connection
    ) async throws -> [JobID: Report] {
        let bodies = try await connection.bodies(ofJobs: ids)
        return try await world.compute.run {
            var read: [JobID: Report] = [:]
            for job in bodies { read[job.id] = try? Report(parsing: headOnly ? Report.head(of: job.body) : job.body) }
            return read
        }
    }

    private struct Standings: Sendable {
        var statistics: [JobID: JobStatistics] = [:]
        var digests: [JobID: String] = [:]

        /// - Parameter reported: jobs of which a newer report tells.
        func job(_ report: Report, _ reportID: JobID, reported: Set<JobID>) -> FailedJob {
            let id = JobID(report.jobID)
            let known = statistics[id]
            var standing: FailedJob.Standing
            switch known {
            case nil: standing = .gone
            case let job? where job.tube.text != report.tube: standing = .otherJob
            case let job? where job.state != .buried: standing = .notBuried(job.state)
            default: standing = digests[id] == report.digest ? .current : .otherJob
            }
            if standing == .current, reported.contains(id) { standing = .superseded }
            return FailedJob(
                report: report, reportID: reportID, standing: standing,
                statistics: standing == .otherJob ? nil : known)
        }
    }

    private func standings(_ ids: [JobID], _ connection: Connection) async throws -> Standings {
        let statistics = try await connection.statistics(ofJobs: ids)
        let buried = ids.filter { statistics[$0]?.state == .buried }
        return Standings(statistics: statistics, digests: try await digests(of: buried, connection))
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
