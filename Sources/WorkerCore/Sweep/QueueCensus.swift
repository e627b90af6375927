import Beanstalk
import Jobs
import Provisioning
import World

/// Finds every job of our tubes, so that what is not among them is not in the queue.
///
/// The sweeper removes what belongs to no job any more, so it has to know of *every* job which key it has. The number in a
/// server's mark is not enough: a job that was put again after the broker lost it has the same `uuid` under another number
/// (facts/beanstalkd.md D5), a lock `cirrata:KEY` names no number at all, and a number may belong to another job by now.
/// beanstalkd lists neither tubes nor reserved jobs (I3), and reserving other people's jobs would count as a delivery. But
/// `stats-tube` says *how many* jobs a tube has in each state, and `stats-job` and `peek` by number leave no trace. So the
/// books are balanced: numbers are looked at, hinted ones and the heads of the tubes first, then downwards from the newest
/// (live jobs are young; a probe job that is put and deleted tells the last number, F7), until as many jobs of our tubes
/// were found as there are. Each count is read after the finds that it is compared with were made, and each find is looked
/// at once more after that, so that jobs that come and go meanwhile cannot make the books balance by accident. If they
/// do not balance, nobody knows what the missing jobs are, and nothing is condemned.
///
/// What a job's key is follows from its body and number alone. A body that does not tell (a newer release's) counts for the
/// number that it has. Numbers mean nothing beyond one run of a broker, so a restart in between ends the census.
final class QueueCensus: QueueWitness {
    private struct Found: Sendable {
        var entry: QueueFacts.Entry
        var tube: TubeName
    }

    private struct State: Sendable {
        /// Which run of the broker the numbers are of.
        var instance: String?
        var found: [JobID: Found] = [:]
        /// Numbers from `bottom` to `top` have all been looked at.
        var top: UInt64 = 0
        var bottom: UInt64 = 1
    }

    private let connection: Connection
    private let tubes: SweepTubes
    private let body: JobBody
    private let labDomain: String
    private let world: World
    private let state = Locked(State())

    /// Numbers looked at in one piece, with a pause after each: a fifth of what a broker does in a second
    /// (facts/beanstalkd.md F7), so that everybody else hardly notices.
    private static let piece: UInt64 = 512
    private static let pause = Duration.milliseconds(25)
    /// How many numbers one sweep looks at in all: less than a minute.
    private static let limit: UInt64 = 1_000_000

    init(connection: Connection, tubes: SweepTubes, site: Site) {
        self.connection = connection
        self.tubes = tubes
        body = JobBody(labDomain: site.labDomain, providers: site.names)
        labDomain = site.labDomain
        world = site.world
    }

    func everything(hints: [UInt64]) async throws -> QueueFacts {
        try await sameBroker()
        let heads = try await connection.heads(ofTubes: tubes.isForJobs)
        try await look(at: Set(hints + heads).map { JobID($0) }.sorted())
        var looked: UInt64 = 0
        while true {
            try await newcomers()
            let total = try await total()
            if known >= total.jobs {
                // What is in limbo is called reserved by `stats-job` and counted by no tube (E4): it must not stand for a
                // job that was not found.
                let limbo = max(0, try await forgetTheGone() - total.reserved)
                if known - limbo >= total.jobs { break }
            }
            let bottom = state.withLock { $0.bottom }
            guard bottom > 1 else { break }
            guard looked < Self.limit else { throw unbalanced(total.jobs) }
            let next = bottom > Self.piece ? bottom - Self.piece : 1
            try await look(at: (next..<bottom).map { JobID($0) })
            looked += bottom - next
            state.withLock { $0.bottom = next }
            try await world.time.sleep(for: Self.pause)
        }
        return facts
    }

    func latest() async throws -> QueueFacts {
        try await sameBroker()
        try await newcomers()
        return facts
    }

    private var known: Int { state.withLock { $0.found.count } }
    private var facts: QueueFacts {
        QueueFacts(state.withLock { $0.found.sorted { $0.key < $1.key }.map(\.value.entry) })
    }
}

// MARK: - Numbers

extension QueueCensus {
    private func sameBroker() async throws {
        let instance = try await connection.statistics().id
        let isSame = state.withLock { state in
            defer { state.instance = state.instance ?? instance }
            return state.instance == nil || state.instance == instance
        }
        guard isSame else { throw Self.restarted }
    }

    private static let restarted = SweepRefusal(
        cause: "queue-unknown", message: "the broker was restarted while its jobs were being counted",
        next: "nothing: the next sweep counts again")

    /// Looks at what was put since the last time.
    private func newcomers() async throws {
        // Read before the probe is put: several may ask at once, and each looks at all that is new to itself.
        let known = state.withLock { $0.top }
        let last = try await lastNumber()
        guard last > known else { throw Self.restarted }
        // The first time, everything below is yet to be looked at.
        guard known > 0 else { return state.withLock { ($0.top, $0.bottom) = (last, last + 1) } }
        var next = known + 1
        while next <= last {
            let end = min(last, next + Self.piece - 1)
            try await look(at: (next...end).map { JobID($0) })
            next = end + 1
        }
        state.withLock { $0.top = max($0.top, last) }
    }

    /// Puts a job and deletes it: its number is the highest that there is.
    private func lastNumber() async throws -> UInt64 {
        do {
            let probe = try await connection.put(
                [], into: tubes.probe, priority: .max, delay: Self.probeDelay, ttr: .seconds(60))
            _ = try await connection.delete(probe.id)
            return probe.id.number
        } catch let error as BrokerError where !error.isConnectionLost {
            throw SweepRefusal(
                cause: "queue-unknown", message: "the broker takes no job, so its jobs cannot be counted: \(error)",
                next: error.next)
        }
    }

    /// Nobody waits in that tube; the delay keeps a probe apart from what somebody might leave ready there.
    static let probeDelay = Duration.seconds(3_600)

    /// How many jobs our tubes hold in all.
    private func total() async throws -> (jobs: Int, reserved: Int) {
        let ours = try await connection.tubes().filter { tubes.isForJobs($0) }
        return try await connection.statistics(ofTubes: ours).reduce((0, 0)) { sum, tube in
            (sum.0 + tube.jobs.all, sum.1 + tube.jobs.reserved)
        }
    }

    private func unbalanced(_ total: Int) -> SweepRefusal {
        let found = known
        return SweepRefusal(
            cause: "queue-unknown",
            message:
                "of the \(total) jobs in our tubes only \(found) are among the broker's last \(Self.limit) numbers",
            next:
                "see whether very old jobs are buried or delayed there, and kick or delete them (`cirrata failed list`)"
        )
    }
}

// MARK: - Jobs

extension QueueCensus {
    /// Adds those that exist and are in our tubes.
    private func look(at ids: [JobID]) async throws {
        let ours = try await connection.statistics(ofJobs: ids).values
            .filter { tubes.isForJobs($0.tube) }.sorted { $0.id < $1.id }
        let new = ours.filter { job in state.withLock { $0.found[job.id] == nil } }
        for chunk in new.chunks(of: Connection.peekBatch) {
            let bodies = try await connection.bodies(ofJobs: chunk.map(\.id))
            let statistics = Dictionary(chunk.map { ($0.id, $0) }) { first, _ in first }
            let found = try await world.compute.run { [self] in
                bodies.compactMap { job in statistics[job.id].map { Found(entry: entry(job, $0), tube: $0.tube) } }
            }
            state.withLock { state in
                for job in found { state.found[JobID(job.entry.jobID)] = job }
            }
        }
    }

    /// Looks again at all that were found.
    /// - Returns: how many of them are reserved, or in limbo.
    private func forgetTheGone() async throws -> Int {
        let known = state.withLock { $0.found }
        let statistics = try await connection.statistics(ofJobs: known.keys.sorted())
        return state.withLock { state in
            var reserved = 0
            for (id, job) in known {
                if let now = statistics[id], now.tube == job.tube {
                    state.found[id]?.entry.isBuried = now.state == .buried
                    if now.state == .reserved { reserved += 1 }
                } else {
                    state.found[id] = nil
                }
            }
            return reserved
        }
    }

    private func entry(_ job: QueuedJob, _ statistics: JobStatistics) -> QueueFacts.Entry {
        let isBuried = statistics.state == .buried
        func entry(_ key: String, _ node: String) -> QueueFacts.Entry {
            .init(jobID: job.id.number, key: key, node: node, isBuried: isBuried)
        }
        let meaning = tubes.meaning(of: statistics.tube)
        let envelope = Envelope(
            jobID: job.id.number, put: world.time.wallClock - statistics.age, tubeProvider: meaning?.provider,
            tubeAction: meaning?.action)
        switch body.read(job.body, envelope) {
        case .job(let job): return entry(job.key, job.node?.short ?? "")
        case .malformed(_, let stub):
            // Such as one of a provider that is not configured here: another worker's.
            return entry(stub.key, (try? NodeName(stub.node, domain: labDomain))?.short ?? "")
        case .foreign: return entry("", "")
        }
    }
}
