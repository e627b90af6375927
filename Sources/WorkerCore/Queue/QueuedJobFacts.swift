package import Beanstalk
import Jobs
package import World

/// A job of our tubes at one moment: what the broker says of it, what its body asks for, and who says that he holds it.
package struct QueuedJobFacts: Sendable, Hashable {
    package struct Holder: Sendable, Hashable {
        package var worker: String
        package var step: String
        /// When that step began.
        package var since: Timestamp
        /// Whether its last sign of life is recent.
        package var isAlive: Bool

        package init(worker: String, step: String, since: Timestamp, isAlive: Bool) {
            self.worker = worker
            self.step = step
            self.since = since
            self.isAlive = isAlive
        }
    }

    package var statistics: JobStatistics
    package var action: String
    package var provider: String
    /// As the body names it; empty when it names none.
    package var node: String
    package var key: String
    /// The known keys of the body: bodies carry secrets.
    package var body: [BuriedJob.Pair]
    /// SHA-256 of the body, by which the same job is known again.
    package var digest: String
    /// Of a reserved job, if a worker's sign of life names it.
    package var holder: Holder?
    /// Why nobody takes it, where more is known than that no worker has room.
    package var hindrances: [Hindrance] = []

    package init(_ statistics: JobStatistics, _ job: QueuedJob, tubes: SweepTubes) {
        self.statistics = statistics
        body = JobBody.shownKeys(job.body).map { BuriedJob.Pair(key: $0.0, value: $0.1) }
        digest = SHA256.hex(of: job.body)
        let meaning = tubes.meaning(of: statistics.tube)
        (action, provider, node, key) = ("", meaning?.provider ?? "", "", "")
        action = self["action"] ?? ""
        node = self["node"] ?? ""
        key = self["uuid"] ?? JobBody.digestKey(job.body, jobID: job.id.number)
    }

    package var id: JobID { statistics.id }

    package subscript(key: String) -> String? { body.first { $0.key == key }?.value }

    /// The node without user and domain.
    package var shortNode: String { Self.short(node) }

    /// Whether a person may mean it by a key or the name of a node.
    func isMeant(by reference: String) -> Bool {
        key == reference || node == reference || (!shortNode.isEmpty && shortNode == Self.short(reference))
    }

    static func short(_ node: String) -> String {
        let name = node.split(separator: "@").last ?? ""
        return name.split(separator: ".").first.map(String.init) ?? ""
    }
}

/// Which jobs are meant: every condition that is given must hold.
package struct QueueFilter: Sendable, Hashable {
    /// Of the name as the body has it, or of the short one.
    package var node: Glob?
    package var provider: String?
    /// nil: any.
    package var state: JobStatistics.State?

    package init(node: Glob? = nil, provider: String? = nil, state: JobStatistics.State? = nil) {
        self.node = node
        self.provider = provider
        self.state = state
    }

    func admits(_ job: QueuedJobFacts) -> Bool {
        guard let node else { return true }
        return node.matches(job.node) || node.matches(job.shortNode)
    }
}
