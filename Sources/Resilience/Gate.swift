/// What all requests to one service of one provider pass through.
package struct GateSettings: Sendable, Hashable {
    /// Requests in flight at once.
    package var concurrency: Int
    /// Sustained requests per second, and how many may leave at once after a quiet time.
    package var rate: Double
    package var burst: Int
    /// Longest pause that a Retry-After may ask for.
    package var retryAfterLimit: Duration
    /// Consecutive failures that open the breaker, and the first and longest time until its probe.
    package var breakerThreshold: Int
    package var breakerFirst: Duration
    package var breakerLimit: Duration

    package init(
        concurrency: Int = 32, rate: Double = 20, burst: Int = 20, retryAfterLimit: Duration = .seconds(300),
        breakerThreshold: Int = 5, breakerFirst: Duration = .seconds(1), breakerLimit: Duration = .seconds(30)
    ) {
        self.concurrency = concurrency
        self.rate = rate
        self.burst = burst
        self.retryAfterLimit = retryAfterLimit
        self.breakerThreshold = breakerThreshold
        self.breakerFirst = breakerFirst
        self.breakerLimit = breakerLimit
    }
}
