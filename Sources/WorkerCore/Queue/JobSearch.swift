package import Beanstalk

/// Finds jobs without a trace. beanstalkd lists no tube, and reserving would count as a delivery; but `stats-tube` says how
/// many jobs there are, and `stats-job` by number changes nothing (facts/beanstalkd.md F7, I3).
///
/// So numbers are looked at until as many were found as there are: first what the tubes and the workers show by themselves,
/// then from the highest known number downwards, as live jobs are young, and with a quarter of the effort upwards, as
/// nobody knows the last number. A census puts a job to learn it (`QueueCensus`); here nothing is put, which also works
/// with a broker that drains.
package struct JobSearch {
    /// How far a search has come.
    package struct Progress: Sendable, Hashable {
        /// Numbers looked at.
        package var looked: UInt64
        package var found: Int
        /// How many jobs there are to be found.
        package var expected: Int
    }

    let connection: Connection
    let isWanted: (TubeName) -> Bool
    /// Looks for buried jobs only, which is over as soon as those are found.
    let buriedOnly: Bool

    /// Numbers looked at in one piece.
    private static let piece: UInt64 = 4_096
    /// How far upwards.
    private static let reach: UInt64 = 1_000_000

    private struct Totals: Equatable {
        var jobs = 0
        var reserved = 0
        var deletes = 0
    }

    /// What was found so far.
    private struct Known {
        var ids: Set<JobID> = []
        var reserved = 0

        /// Without those that are in limbo: `stats-job` calls them reserved, and no tube counts them
        /// (facts/beanstalkd.md E4).
        func count(_ totals: Totals) -> Int { ids.count - max(0, reserved - totals.reserved) }

        mutating func add(_ job: JobStatistics) -> Bool {
            guard ids.insert(job.id).inserted else { return false }
            if job.state == .reserved { reserved += 1 }
            return true
        }
    }

    /// - Parameters:
    ///   - hints: numbers that probably belong to jobs that are wanted, or are at least recent.
    ///   - found: told of each job once, in pieces. Some may be gone by the end.
    /// - Returns: how many jobs were not found: 0 but for those with numbers far beyond everything known.
    /// - Throws: `BrokerError`; `CancellationError`; what `found` throws.
    func run(
        hints: [UInt64], told: (Progress) -> Void, found: ([JobStatistics]) async throws -> Void
    ) async throws -> Int {
        var known = Known()
        func look(_ ids: [JobID]) async throws {
            let jobs = try await connection.statistics(ofJobs: ids).values.filter(isMeant).filter { known.add($0) }
            if !jobs.isEmpty { try await found(jobs.sorted { $0.id < $1.id }) }
        }

        let beginning = try await totals()
        if beginning.jobs == 0 { return 0 }
        let obvious = Set(hints + (try await connection.heads(ofTubes: isWanted)))
        try await look(obvious.map { JobID($0) }.sorted())
        // Without a restart the broker's count of jobs is about its last number.
        let start = max(obvious.max() ?? 0, UInt64(clamping: try await connection.statistics().totalJobs), 1)
        var (bottom, top) = (start + 1, start)
        while true {
            var now = try await totals()
            told(Progress(looked: top + 1 - bottom, found: known.ids.count, expected: now.jobs))
            if known.ids.count >= now.jobs {
                if now.deletes == beginning.deletes, known.count(now) >= now.jobs { return 0 }
                // Some of them may be gone or in another state, and others not found yet.
                let ids = known.ids.sorted()
                known = Known()
                for chunk in ids.chunks(of: Connection.statisticsBatch) {
                    for job in try await connection.statistics(ofJobs: chunk).values where isMeant(job) {
                        _ = known.add(job)
                    }
                }
                now = try await totals()
                if known.count(now) >= now.jobs { return 0 }
            }
            let isReached = top - start >= Self.reach
            if bottom > 1, isReached || (top - start) >= (start + 1 - bottom) / 4 {
                let next = bottom > Self.piece ? bottom - Self.piece : 1
                try await look((next..<bottom).map { JobID($0) })
                bottom = next
            } else if !isReached {
                try await look((top + 1...top + Self.piece).map { JobID($0) })
                top += Self.piece
            } else {
                return max(0, now.jobs - known.count(now))
            }
        }
    }

    private func isMeant(_ job: JobStatistics) -> Bool {
        isWanted(job.tube) && (!buriedOnly || job.state == .buried)
    }

    private func totals() async throws -> Totals {
        let tubes = try await connection.tubes().filter(isWanted)
        return try await connection.statistics(ofTubes: tubes).reduce(into: Totals()) { totals, tube in
            totals.jobs += buriedOnly ? tube.jobs.buried : tube.jobs.all
            totals.reserved += tube.jobs.reserved
            totals.deletes += tube.deletes
        }
    }
}

extension JobCounts {
    /// Whatever their state; urgent ones are ready ones.
    package var all: Int { ready + reserved + delayed + buried }
}
