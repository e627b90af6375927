/// How long one touch gives us the right to work on a job, and what follows from it (README, "Holding a job").
package struct LeaseTerms: Sendable, Hashable {
    /// Longer times to run are not used: a stopped process must notice its loss within about a minute.
    package static let usualLimit = Duration.seconds(60)

    /// From the sending of a touch that the broker answered.
    package let length: Duration
    /// Between touches.
    package let interval: Duration
    /// What is left unused at the end: for clocks that do not run alike, and for what was sent just before it.
    package let margin: Duration

    package init(ttr: Duration, limit: Duration = LeaseTerms.usualLimit) {
        length = max(.zero, min(ttr, limit))
        interval = length / 4
        margin = length / 10
    }

    /// From a touch's sending to the end of the lease.
    package var reach: Duration { length - margin }
}
