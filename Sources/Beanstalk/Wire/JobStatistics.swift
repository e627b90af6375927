/// The answer to `stats-job`.
package struct JobStatistics: Sendable, Hashable {
    package enum State: String, Sendable, Hashable { case ready, delayed, reserved, buried }

    package var id: JobID
    package var tube: TubeName
    package var state: State
    package var priority: UInt32
    /// Since `put`, through queueing, delays, downtime and bury; whole seconds (fact I1).
    package var age: Duration
    package var delay: Duration
    /// Fixed by the producer (fact B1).
    package var ttr: Duration
    /// Of a reservation or a delay; below zero when the broker is late (facts B9, I9).
    package var timeLeft: Duration
    /// The counters are hints only: not all changes reach the binlog (facts D1, D2).
    package var reserves: Int
    package var timeouts: Int
    package var releases: Int
    package var buries: Int
    package var kicks: Int
    /// The binlog file, 0 without one.
    package var file: Int

    package init(
        id: JobID, tube: TubeName, state: State, priority: UInt32, age: Duration, delay: Duration, ttr: Duration,
        timeLeft: Duration, reserves: Int, timeouts: Int, releases: Int, buries: Int, kicks: Int, file: Int
    ) {
        self.id = id
        self.tube = tube
        self.state = state
        self.priority = priority
        self.age = age
        self.delay = delay
        self.ttr = ttr
        self.timeLeft = timeLeft
        self.reserves = reserves
        self.timeouts = timeouts
        self.releases = releases
        self.buries = buries
        self.kicks = kicks
        self.file = file
    }

    package init(parsing bytes: [UInt8]) throws(ProtocolViolation) {
        let document = try StatisticsDocument(parsing: bytes)
        let id = try document.number("id")
        guard id >= 0 else { throw ProtocolViolation("statistics of the job \(id)") }
        let name = try document.text("state")
        guard let state = State(rawValue: name) else {
            throw ProtocolViolation("statistics with the unknown state '\(name.prefix(40))'")
        }
        self.init(
            id: JobID(UInt64(id)), tube: try document.tube("tube"), state: state,
            // Negative after the broker's clock was stepped back (facts B8): nothing was put in the future.
            priority: UInt32(clamping: try document.number("pri")), age: max(.zero, try document.seconds("age")),
            delay: try document.seconds("delay"), ttr: try document.seconds("ttr"),
            timeLeft: try document.seconds("time-left"), reserves: try document.count("reserves"),
            timeouts: try document.count("timeouts"), releases: try document.count("releases"),
            buries: try document.count("buries"), kicks: try document.count("kicks"),
            file: try document.countIfKnown("file"))
    }
}
