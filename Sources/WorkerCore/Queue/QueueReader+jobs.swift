package import Beanstalk
import Jobs
import World

/// Jobs that were looked for.
package struct QueuedJobs: Sendable, Hashable {
    /// The first ones: those that are reserved, then the ready ones in the order in which they will be taken, the delayed
    /// and the buried ones.
    package var jobs: [QueuedJobFacts]
    /// How many there are in all.
    package var total: Int
    /// How many jobs there must be beside, whose numbers are too far from all others.
    package var notFound: Int
    /// Jobs that other programs' tubes hold buried.
    package var buriedElsewhere: Int
    /// Tubes whose ready jobs are not taken now.
    package var hindered: [TubeView] = []

    package init(jobs: [QueuedJobFacts] = [], total: Int = 0, notFound: Int = 0, buriedElsewhere: Int = 0) {
        self.jobs = jobs
        self.total = total
        self.notFound = notFound
        self.buriedElsewhere = buriedElsewhere
    }
}

extension QueueReader {
    package typealias Progress = JobSearch.Progress

    /// Jobs of our tubes. Only the statistics of so many as are wanted are kept while looking.
    /// - Throws: `BrokerError`; `CancellationError`.
    package func jobs(
        _ filter: QueueFilter, limit: Int, told: (Progress) -> Void = { _ in }
    ) async throws -> QueuedJobs {
        try await broker.connect { connection in
            let signs = try await signsOfLife(connection).found.compactMap { $0 }
            var first = FirstJobs(limit: limit)
            var result = QueuedJobs()
            result.notFound = try await search(filter, signs, connection, told: told) { jobs in
                let wanted = jobs.filter { filter.state == nil || filter.state == $0.state }
                for job in try await named(wanted, filter, connection) { first.add(job) }
            }
            result.total = first.count
            result.jobs = try await held(facts(first.sorted, connection), by: signs)
            let view = try await view(signs, connection)
            result.buriedElsewhere = view.buriedElsewhere
            result.hindered = view.tubes.filter {
                !$0.hindrances.isEmpty && (filter.provider == nil || filter.provider == $0.provider)
            }
            return result
        }
    }

    /// Buried jobs of our tubes but for those that are known, the newest first.
    /// - Throws: `BrokerError`; `CancellationError`.
    package func buriedJobs(
        except known: Set<JobID>, _ filter: QueueFilter, limit: Int, told: (Progress) -> Void = { _ in }
    ) async throws -> QueuedJobs {
        var filter = filter
        filter.state = .buried
        let buried = filter
        return try await broker.connect { connection in
            var newest: [JobStatistics] = []
            var result = QueuedJobs()
            result.notFound = try await search(buried, [], connection, told: told) { jobs in
                let wanted = try await named(jobs.filter { !known.contains($0.id) }, buried, connection)
                result.total += wanted.count
                newest = Array((newest + wanted).sorted { $0.id > $1.id }.prefix(limit))
            }
            result.jobs = try await facts(newest, connection)
            result.buriedElsewhere = try await view([], connection).buriedElsewhere
            return result
        }
    }

    /// What a person may mean by a number, a key or the name of a node; the newest first.
    /// - Throws: `BrokerError`; `CancellationError`.
    package func find(_ reference: String, told: (Progress) -> Void = { _ in }) async throws -> [QueuedJobFacts] {
        try await broker.connect { connection in
            let signs = try await signsOfLife(connection).found.compactMap { $0 }
            if let number = UInt64(reference) {
                guard let job = try await connection.statistics(of: JobID(number)), tubes.isForJobs(job.tube) else {
                    return []
                }
                return try await explained(held(facts([job], connection), by: signs), signs, connection)
            }
            // A digest stands in no body, and is asked for rarely.
            let needle = reference.hasPrefix("d-") ? [] : Array(QueuedJobFacts.short(reference).utf8)
            var found: [QueuedJobFacts] = []
            _ = try await search(QueueFilter(), signs, connection, told: told) { jobs in
                found += try await facts(jobs, mentioning: needle, connection).filter { $0.isMeant(by: reference) }
            }
            return try await explained(held(found, by: signs), signs, connection).sorted { $0.id > $1.id }
        }
    }

    /// The job as it is now.
    /// - Returns: nil when it is gone, or its number is another job's now.
    func now(_ job: QueuedJobFacts, _ connection: Connection) async throws -> QueuedJobFacts? {
        guard let statistics = try await connection.statistics(of: job.id), statistics.tube == job.statistics.tube,
            let same = try await facts([statistics], connection).first, same.digest == job.digest
        else { return nil }
        return held([same], by: try await signsOfLife(connection).found.compactMap { $0 }).first
    }
}

// MARK: - Parts

extension QueueReader {
    private func search(
        _ filter: QueueFilter, _ signs: [Presence], _ connection: Connection, told: (Progress) -> Void,
        found: ([JobStatistics]) async throws -> Void
    ) async throws -> Int {
        let isWanted = { (tube: TubeName) -> Bool in
            guard let meaning = tubes.meaning(of: tube) else { return false }
            return filter.provider == nil || filter.provider == meaning.provider
        }
        let search = JobSearch(connection: connection, isWanted: isWanted, buriedOnly: filter.state == .buried)
        return try await search.run(hints: signs.flatMap { $0.held.map(\.jobID) }, told: told, found: found)
    }

    /// Those whose node is meant. Bodies are read only if that matters.
    private func named(
        _ jobs: [JobStatistics], _ filter: QueueFilter, _ connection: Connection
    ) async throws -> [JobStatistics] {
        guard filter.node != nil else { return jobs }
        return try await facts(jobs, connection).filter(filter.admits).map(\.statistics)
    }

    /// Of those that still exist.
    private func facts(
        _ jobs: [JobStatistics], mentioning needle: [UInt8] = [], _ connection: Connection
    ) async throws -> [QueuedJobFacts] {
        var facts: [QueuedJobFacts] = []
        for chunk in jobs.chunks(of: Connection.peekBatch) {
            let bodies = try await connection.bodies(ofJobs: chunk.map(\.id))
            facts += try await world.compute.run { [tubes] in
                let statistics = Dictionary(chunk.map { ($0.id, $0) }) { first, _ in first }
                return bodies.filter { $0.body.mentions(needle) }.compactMap { job in
                    statistics[job.id].map { QueuedJobFacts($0, job, tubes: tubes) }
                }
            }
        }
        return facts
    }

    /// With what keeps them from being taken.
    private func explained(
        _ jobs: [QueuedJobFacts], _ signs: [Presence], _ connection: Connection
    ) async throws -> [QueuedJobFacts] {
        let view = try await view(signs, connection)
        return jobs.map { job in
            var job = job
            if job.statistics.state == .ready || job.statistics.state == .delayed {
                job.hindrances = view.tubes.first { $0.statistics.name == job.statistics.tube }?.hindrances ?? []
            }
            return job
        }
    }

    private func held(_ jobs: [QueuedJobFacts], by signs: [Presence]) -> [QueuedJobFacts] {
        let now = world.time.wallClock
        var holders: [UInt64: QueuedJobFacts.Holder] = [:]
        for sign in signs.sorted(by: { $0.at < $1.at }) {
            for job in sign.held {
                holders[job.jobID] = .init(
                    worker: sign.name, step: job.step, since: job.since, isAlive: sign.isAlive(now: now))
            }
        }
        return jobs.map { job in
            var job = job
            if job.statistics.state == .reserved { job.holder = holders[job.id.number] }
            return job
        }
    }
}

/// The first of many jobs, in the order in which they are shown.
private struct FirstJobs {
    private let limit: Int
    private var kept: [JobStatistics] = []
    private(set) var count = 0

    init(limit: Int) { self.limit = limit }

    var sorted: [JobStatistics] { Array(kept.sorted(by: Self.isBefore).prefix(limit)) }

    mutating func add(_ job: JobStatistics) {
        count += 1
        kept.append(job)
        if kept.count / 2 > limit { kept = sorted }
    }

    private static func isBefore(_ a: JobStatistics, _ b: JobStatistics) -> Bool { place(a) < place(b) }

    private static func place(_ job: JobStatistics) -> (Int, UInt32, UInt64) {
        switch job.state {
        case .reserved: (0, 0, job.id.number)
        case .ready: (1, job.priority, job.id.number)
        case .delayed: (2, 0, job.id.number)
        case .buried: (3, 0, job.id.number)
        }
    }
}
