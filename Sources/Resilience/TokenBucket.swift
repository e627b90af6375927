package import World

/// A rate limit: `burst` at once, then one every `1 / rate` seconds. Kept as the one moment at which the bucket would be
/// full again (the generic cell rate algorithm), so it is exact in whole nanoseconds and needs no refill.
package struct TokenBucket: Sendable, Hashable {
    private let interval: Int64
    private let tolerance: Int64
    private var fullAt: Moment?

    /// - Parameter rate: tokens per second; zero or less: no limit.
    package init(rate: Double, burst: Int) {
        interval = rate > 0 ? Int64(1e9 / rate) : 0
        tolerance = interval * Int64(max(1, burst) - 1)
    }

    /// The earliest moment at which `take` succeeds.
    package func next(at now: Moment) -> Moment {
        guard let fullAt else { return now }
        return max(now, fullAt - .nanoseconds(tolerance))
    }

    package mutating func take(at now: Moment) -> Bool {
        guard next(at: now) <= now else { return false }
        fullAt = max(fullAt ?? now, now) + .nanoseconds(interval)
        return true
    }

    /// Returns a token that was taken and not used.
    package mutating func giveBack() {
        fullAt = fullAt.map { $0 - .nanoseconds(interval) }
    }
}
