package import Jobs
package import World

/// Which workers show themselves, and what they hold.
package struct Workforce: Sendable, Hashable {
    /// The newest sign of life of each, by host and process.
    package var workers: [Presence]
    /// Signs of life that this release cannot read: of a newer one.
    package var unreadable: Int
    /// Whether every sign of life was found.
    package var isComplete: Bool
    /// Jobs of our tubes that the broker says are reserved, by whomever.
    package var reserved: Int

    package init(signs: [Presence?], isComplete: Bool, reserved: Int) {
        var newest: [String: Presence] = [:]
        for sign in signs.compactMap({ $0 }) {
            let name = sign.name
            if let known = newest[name], known.at >= sign.at { continue }
            newest[name] = sign
        }
        workers = newest.values.sorted { a, b in (a.host, a.process) < (b.host, b.process) }
        unreadable = signs.count { $0 == nil }
        self.isComplete = isComplete
        self.reserved = reserved
    }

    /// Jobs that are reserved, and no living worker says that it holds them: their worker has vanished and the broker has
    /// not noticed yet, or it took them since its last sign of life. Unknown where not every sign was read.
    package func unclaimed(now: Timestamp) -> Int? {
        guard isComplete, unreadable == 0 else { return nil }
        let held = workers.filter { $0.isAlive(now: now) }.reduce(0) { $0 + $1.holding }
        return max(0, reserved - held)
    }
}

extension Presence {
    package var name: String { "\(host):\(process)" }

    /// Whether its last sign of life is younger than three intervals.
    package func isAlive(now: Timestamp) -> Bool { now - at <= PresenceKeeper.dead }
}
