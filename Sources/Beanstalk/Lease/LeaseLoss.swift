import World

/// Why we may not work on a job any more.
package enum LeaseLoss: Sendable, Hashable, CustomStringConvertible {
    /// By our own clock: no touch was answered in time. Stays so, whatever the broker answers later (fact I9).
    case expired
    /// The broker says that this connection does not hold the job.
    case notFound
    case connectionLost(BrokerError)
    /// Given up by us: cancelled while settling, or abandoned.
    case abandoned(String)
    /// Its token was dropped unsettled.
    case dropped
    /// Not a loss: the job is being settled, or is settled. Nothing may be changed on its behalf any more.
    case settled

    package var description: String {
        switch self {
        case .expired: "no touch was answered in time"
        case .notFound: "the broker has taken it back"
        case .connectionLost(let error): error.description
        case .abandoned(let why): "given up: \(why)"
        case .dropped: "dropped without being settled"
        case .settled: "it is settled"
        }
    }
}

/// Thrown where the lease is checked: whatever was about to be done belongs to somebody else now.
package struct LeaseLost: Error, Sendable, Hashable, CustomStringConvertible {
    package let job: JobID
    package let loss: LeaseLoss

    package var description: String { "no lease on job \(job): \(loss)" }
}
