package import World

/// Which of two jobs of one node is the newer: by put time; where those are too close to tell, by the broker's job id,
/// which only grows while the broker has jobs; else by key. paddles cannot exclude two jobs of one owner, so this order
/// does.
package struct JobOrder: Sendable, Hashable {
    package var put: Timestamp
    /// 0: not known.
    package var jobID: UInt64
    package var key: String

    package init(put: Timestamp, jobID: UInt64 = 0, key: String) {
        self.put = put
        self.jobID = jobID
        self.key = key
    }

    /// Put times are derived from `now − age` in whole seconds and jitter between deliveries (facts/beanstalkd.md I1).
    package static let slack = Duration.seconds(3)

    package func isNewer(than other: JobOrder) -> Bool {
        guard key != other.key else { return false }
        let distance = put - other.put
        if distance > Self.slack { return true }
        if distance < .zero - Self.slack { return false }
        if jobID != other.jobID, jobID != 0, other.jobID != 0 { return jobID > other.jobID }
        return key > other.key
    }
}
