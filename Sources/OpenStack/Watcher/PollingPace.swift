/// How often a poller asks.
struct PollingPace: Sendable, Hashable {
    /// Between two looks, where only a few wait.
    var base = Duration.seconds(1)
    /// Up to this many things are looked at one by one.
    var few = 4
    /// Every so often all things are listed even where changes would do: not everything that changes counts as a change
    /// (the addresses of a server do not).
    var fullInterval = Duration.seconds(30)
    /// How much the clocks of a cloud's hosts may differ.
    var slack = Duration.seconds(5)
    var looksAtOnce = 8
    /// Failures in a row after which those who wait are told.
    var patience = 6

    /// Between two lists that somebody asked for: short for a few, who would feel it; in a crowd each list then serves
    /// more of them.
    func gap(waiting: Int) -> Duration {
        min(.seconds(1), .milliseconds(200) + .milliseconds(5) * waiting)
    }

    /// `base` for a few, growing with the number of those who wait and with what asking costs: from a second to one and a
    /// half at a thousand, which delays the average one of them by three quarters of a second.
    func interval(waiting: Int, took: Duration) -> Duration {
        max(base, min(.seconds(5), max(base + .microseconds(500) * waiting, took * 3)))
    }
}
