/// How hard a gate lets us press one service, and how it waits when the service is unwell.
package struct GateSettings: Sendable, Hashable {
    /// Requests in flight at once.
    package var concurrency: Int
    /// Sustained requests per second (zero: no limit), and how many may leave at once after a quiet time.
    package var rate: Double
    package var burst: Int
    /// Longest pause that a Retry-After may ask for.
    package var retryAfterLimit: Duration
    /// First and longest pause after a 429 or 503 that names no time.
    package var pauseFirst: Duration
    package var pauseLimit: Duration
    /// Consecutive failures that open the breaker, and the first and longest time until its probe.
    package var breakerThreshold: Int
    package var breakerFirst: Duration
    package var breakerLimit: Duration
    /// After this a look that was cut off counts as not answered.
    package var silence: Duration
    /// How often one request is tried while the site's configuration is refused.
    package var configurationProbe: Duration
    /// First and longest time until one create is tried again when there was no capacity.
    package var capacityFirst: Duration
    package var capacityLimit: Duration

    package init(
        concurrency: Int = 32, rate: Double = 20, burst: Int = 20, retryAfterLimit: Duration = .seconds(300),
        pauseFirst: Duration = .seconds(1), pauseLimit: Duration = .seconds(60), breakerThreshold: Int = 5,
        breakerFirst: Duration = .seconds(1), breakerLimit: Duration = .seconds(30), silence: Duration = .seconds(10),
        configurationProbe: Duration = .seconds(30), capacityFirst: Duration = .seconds(5),
        capacityLimit: Duration = .seconds(120)
    ) {
        self.concurrency = max(1, concurrency)
        self.rate = rate
        self.burst = burst
        self.retryAfterLimit = retryAfterLimit
        self.pauseFirst = pauseFirst
        self.pauseLimit = pauseLimit
        self.breakerThreshold = breakerThreshold
        self.breakerFirst = breakerFirst
        self.breakerLimit = breakerLimit
        self.silence = silence
        self.configurationProbe = configurationProbe
        self.capacityFirst = capacityFirst
        self.capacityLimit = capacityLimit
    }
}
