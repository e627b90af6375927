package import World

/// Growing, capped delays with full jitter: many that fail together do not come back together.
package struct Backoff: Sendable, Hashable {
    package let first: Duration
    package let limit: Duration
    /// No delay is shorter.
    package let floor: Duration
    package private(set) var attempts = 0

    package init(first: Duration, limit: Duration, floor: Duration = .zero) {
        self.first = first
        self.limit = limit
        self.floor = floor
    }

    /// What the next delay is drawn from: `first`, doubled with every attempt, at most `limit`.
    package var ceiling: Duration {
        var value = first
        for _ in 0..<attempts where value < limit { value = value * 2 }
        return min(value, limit)
    }

    /// Uniform between `floor` and the ceiling.
    package mutating func next(_ random: any RandomSource) -> Duration {
        let top = ceiling
        attempts += 1
        return top <= floor ? top : floor + random.jitter(upTo: top - floor)
    }

    package mutating func reset() {
        attempts = 0
    }
}
