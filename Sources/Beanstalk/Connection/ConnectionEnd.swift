package import World

/// Why a connection is no more. Every job that it held is back in its tube (fact A7).
package indirect enum ConnectionEnd: Sendable, Hashable, CustomStringConvertible {
    /// The broker ended the stream: it stopped, or was restarted.
    case endedByBroker
    case network(NetworkFailure)
    /// Nothing was heard for so long while an answer was due (fact A5).
    case silent(Duration, waitingFor: Question)
    /// A reply that cannot be the answer, or one that nobody asked for.
    case desynchronised(String)
    case violation(ProtocolViolation)
    /// A reserve was cancelled: closing is the only way out of it (fact A3).
    case reserveCancelled
    /// Our right to the job ended, or was given up; closing gives it to others, if we still have it.
    case gaveBack(JobID, LeaseLoss)
    /// A settle token was neither used nor given up: an error in this program.
    case tokenDropped(JobID)
    /// The scope that owned it was left.
    case finished

    /// Whether it was our own doing, so that there is nothing to report.
    package var isOurs: Bool {
        switch self {
        case .reserveCancelled, .gaveBack, .finished: true
        case .endedByBroker, .network, .silent, .desynchronised, .violation, .tokenDropped: false
        }
    }

    package var description: String {
        switch self {
        case .endedByBroker: "the broker closed the connection"
        case .network(let failure): failure.description
        case .silent(let time, let question): "no answer to \(question) and nothing else for \(time.short)"
        case .desynchronised(let detail): "out of step with the broker: \(detail)"
        case .violation(let violation): "the peer does not speak beanstalkd's protocol: \(violation)"
        case .reserveCancelled: "closed to end a cancelled reserve"
        case .gaveBack(let job, let loss): "closed to give back job \(job): \(loss)"
        case .tokenDropped(let job): "closed to give back job \(job), which was dropped without being settled"
        case .finished: "closed by us"
        }
    }
}
