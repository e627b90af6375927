package import World

/// Which of two jobs of one node is the newer: by put time, and where those are too close to tell, by key. paddles
/// cannot exclude two jobs of one owner, so this order does.
package struct JobOrder: Sendable, Hashable {
    package var put: Timestamp
    package var key: String

    package init(put: Timestamp, key: String) {
        self.put = put
        self.key = key
    }

    /// Put times are derived from `now − age` in whole seconds and jitter between deliveries (facts/beanstalkd.md I1).
    package static let slack = Duration.seconds(3)

    package func isNewer(than other: JobOrder) -> Bool {
        guard key != other.key else { return false }
        let distance = put - other.put
        if distance > Self.slack { return true }
        if distance < .zero - Self.slack { return false }
        return key > other.key
    }
}
