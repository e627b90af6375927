import Beanstalk
import Jobs
import World

/// A job for the lab's queue.
struct LabJob: Sendable {
    var action = JobAction.provision
    var node: String? = LabProcesses.node()
    /// By which its reply is known. Jobs of one node that are put within seconds are ordered by it.
    var uuid = "1"
    var volumes = 0
    /// More keys: `, lock: true`.
    var more = ""
    var timeToRun: Duration = .seconds(300)

    static func provision(_ node: String = LabProcesses.node(), volumes: Int = 0, more: String = "") -> LabJob {
        LabJob(node: node, uuid: "1-provision-\(node)", volumes: volumes, more: more)
    }

    static func destroy(_ node: String = LabProcesses.node(), more: String = ", unlock: true") -> LabJob {
        LabJob(action: .destroy, node: node, uuid: "2-destroy-\(node)", more: more)
    }

    var body: String {
        let node = node.map { "node: \($0), " } ?? ""
        let volumes = volumes > 0 ? ", volumes: {count: \(volumes), size: 10}" : ""
        return
            "{action: \(action.rawValue), \(node)owner: \(LabProcesses.owner), "
            + "lock_description: \(LabProcesses.lockDescription), uuid: \(uuid), "
            + "reply_to: \(LabProcesses.replies)\(volumes)\(more)}"
    }

    var tube: String { "cirrata.\(action.rawValue).\(LabProcesses.provider)" }
}

extension LabProcesses {
    /// Puts jobs into the queue, all on one connection.
    func put(_ jobs: [LabJob]) async throws {
        try await queue.connect { connection in
            for job in jobs {
                _ = try await connection.put(
                    Array(job.body.utf8), into: try TubeName(job.tube), priority: 1_000, ttr: job.timeToRun)
            }
        }
    }

    func put(_ job: LabJob) async throws { try await put([job]) }

    /// Takes the next replies, in the order in which they came.
    func replies(_ count: Int = 1, within limit: Duration = .seconds(40)) async throws -> [Jobs.Reply] {
        let tube = try TubeName(Self.replies)
        let queue = queue
        return try await world.time.withTimeout(limit, doing: "wait for \(count) replies") {
            try await queue.connect(Tubes(watching: [tube])) { connection in
                var replies: [Jobs.Reply] = []
                while replies.count < count {
                    guard case .job(let job) = try await connection.reserve(timeout: limit) else { continue }
                    replies.append(try Jobs.Reply(parsing: job.body))
                    _ = try await connection.delete(job.id)
                }
                return replies
            }
        }
    }

    /// Takes the next reply.
    func reply(within limit: Duration = .seconds(40)) async throws -> Jobs.Reply {
        guard let reply = try await replies(1, within: limit).first else { throw LabFailure(description: "no reply") }
        return reply
    }

    /// Every body in a tube that is ready. The jobs go back when this returns.
    func bodies(in tube: String) async throws -> [[UInt8]] {
        let tube = try TubeName(tube)
        return try await queue.connect(Tubes(watching: [tube])) { connection in
            var bodies: [[UInt8]] = []
            while case .job(let job) = try await connection.reserve(timeout: .zero) { bodies.append(job.body) }
            return bodies
        }
    }

    func reports() async throws -> [Report] {
        try await bodies(in: "cirrata.reports").map { try Report(parsing: $0) }
    }

    /// Jobs of both actions that are in the queue: buried ones, and all others.
    func openJobs() async throws -> (buried: Int, others: Int) {
        try await queue.connect { connection in
            var count = (buried: 0, others: 0)
            for action in JobAction.allCases {
                let tube = try TubeName("cirrata.\(action.rawValue).\(Self.provider)")
                guard let jobs = try await connection.statistics(of: tube)?.jobs else { continue }
                count.buried += jobs.buried
                count.others += jobs.ready + jobs.reserved + jobs.delayed
            }
            return count
        }
    }

    /// Waits until the queue holds none of our jobs but so many buried ones. A reply comes a moment before its job is
    /// settled, and the broker tells nobody of that.
    func settled(buried: Int = 0, within limit: Duration = .seconds(10)) async throws {
        try await world.time.withTimeout(limit, doing: "wait until \(buried) jobs are buried and no other is left") {
            while try await self.openJobs() != (buried, 0) {
                try await self.world.time.sleep(for: .milliseconds(20))
            }
        }
    }
}
