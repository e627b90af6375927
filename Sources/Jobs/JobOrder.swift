package import World

/// Which of two jobs of one node is the newer: by the broker's job id if one run of one broker gave us both, as ids only
/// grow in it, whatever its clock does; else by put time; where those are too close to tell, by job id again, which
/// grows as long as the broker has jobs; else by key. paddles cannot exclude two jobs of one owner, so this order
/// does.
package struct JobOrder: Sendable, Hashable {
    package var put: Timestamp
    /// 0: not known.
    package var jobID: UInt64
    /// The run of the broker that delivered it (`id` in its statistics); empty: not known.
    package var broker: String
    package var key: String

    package init(put: Timestamp, jobID: UInt64 = 0, broker: String = "", key: String) {
        self.put = put
        self.jobID = jobID
        self.broker = broker
        self.key = key
    }

    /// Put times are derived from `now − age` in whole seconds and jitter between deliveries (facts/beanstalkd.md I1).
    package static let slack = Duration.seconds(3)

    /// No job of ours is older: a put time before it is a mistake, or a job's attempt to stand before all others.
    static let earliestPut = Timestamp(seconds: 1_577_836_800)

    /// Whether a body may say that its job was first put then. The put times are of several hosts' clocks.
    static func isPlausible(firstPut: Timestamp, put: Timestamp) -> Bool {
        firstPut >= earliestPut && firstPut - put <= .seconds(3_600)
    }

    package func isNewer(than other: JobOrder) -> Bool {
        guard key != other.key else { return false }
        let haveIDs = jobID != other.jobID && jobID != 0 && other.jobID != 0
        // Its clock may have been stepped since one of them was put: ages are then wrong by as much (facts B8).
        if haveIDs, !broker.isEmpty, broker == other.broker { return jobID > other.jobID }
        let distance = put - other.put
        if distance > Self.slack { return true }
        if distance < .zero - Self.slack { return false }
        if haveIDs { return jobID > other.jobID }
        return key > other.key
    }
}
