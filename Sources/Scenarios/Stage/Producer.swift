import Jobs
import Sandbox
import Simulation
import World

/// Who puts the jobs and waits for their replies, as teuthology does.
final class Producer: Sendable {
    struct Job: Sendable {
        var part: Cast.Part
        var body: String
        /// The broker's id of its latest put.
        var id: UInt64
        /// Counts all puts: which job is the newer one.
        var order = 0

        var tube: String { "cirrata.\(part.action.rawValue).\(Bench.provider)" }
    }

    private struct State {
        var jobs: [Job] = []
        var replies: [Reply] = []
        /// Jobs that a broker without binlog lost, to be put again.
        var lost: [Int] = []
        var reordered = false
        var puts = 0

        mutating func nextPut() -> Int {
            puts += 1
            return puts
        }
    }

    static let replies = "replies"

    private let bench: Bench
    private let state = Locked(State())

    init(_ bench: Bench) {
        self.bench = bench
    }

    /// All jobs, in the order of their first put.
    var jobs: [Job] { state.withLock { $0.jobs } }
    /// All replies that ever came.
    var allReplies: [Reply] { state.withLock { $0.replies } + bench.replies(Self.replies) }

    /// Something is to be put again.
    var hasLost: Bool { state.withLock { !$0.lost.isEmpty } }
    /// Jobs were put anew, so that the order of their puts is another one.
    var hasReordered: Bool { state.withLock { $0.reordered } }

    /// Puts a job, as often as it takes.
    func put(_ part: Cast.Part) async throws {
        let body = Self.body(part)
        var job = Job(part: part, body: body, id: 0)
        job.id = try await accepted(job)
        state.withLock { [job] state in
            state.jobs.append(job)
            state.jobs[state.jobs.count - 1].order = state.nextPut()
        }
    }

    /// Puts again what was lost; what the broker does not take now, the next time.
    func look() {
        let lost = state.withLock { state in
            defer { state.lost = [] }
            return state.lost
        }
        for index in lost {
            let id = put(jobs[index])
            state.withLock { state in
                if let id {
                    state.jobs[index].id = id
                    state.jobs[index].order = state.nextPut()
                } else {
                    state.lost.append(index)
                }
            }
        }
    }

    /// A broker without `-b` restarts. What is in no tube any more is finished; the rest is put again.
    func brokerForgets() {
        let replies = bench.replies(Self.replies)
        let waiting = Set(bench.broker.jobs.filter { $0.tube.hasPrefix("cirrata.") }.map(\.id))
        state.withLock { state in
            state.reordered = true
            state.replies += replies
            state.lost += state.jobs.indices.filter { waiting.contains(state.jobs[$0].id) }
        }
        bench.broker.restart(isPersistent: false)
    }

    private func accepted(_ job: Job) async throws -> UInt64 {
        while true {
            if let id = put(job) { return id }
            try await bench.simulation.world.time.sleep(for: .seconds(1))
        }
    }

    private func put(_ job: Job) -> UInt64? {
        bench.broker.put(Array(job.body.utf8), tube: job.tube, timeToRun: 300)
    }

    private static func body(_ part: Cast.Part) -> String {
        let description = part.owner == Cast.owner ? Scenery.lockDescription : "run/2"
        var keys = [
            "action: \(part.action.rawValue)", "owner: \(part.owner)", "lock_description: \(description)",
            "uuid: \(part.uuid)", "reply_to: \(replies)",
        ]
        if part.node != .any { keys.append("node: \(Scenery.node)") }
        if part.node == .lockedByJob { keys.append("lock: true") }
        if part.volumes > 0 { keys.append("volumes: {count: \(part.volumes), size: 10}") }
        if part.unlocks { keys.append("unlock: true") }
        return "{\(keys.joined(separator: ", "))}"
    }
}
