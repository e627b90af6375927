package import Jobs
package import World

/// Why ready jobs of a tube are not taken, although a worker may have room for them.
package enum Hindrance: Sendable, Hashable {
    /// Jobs wait, and nobody is connected who would take them.
    case noWorker
    case paused(left: Duration)
    /// The burial brake of this worker is on.
    case rest(worker: String, Presence.Rest)

    /// In a sentence without its subject, the tube.
    package func text(now: Timestamp) -> String {
        switch self {
        case .noWorker: "no worker takes jobs of it"
        case .paused(let left): "paused for another \(left.short)"
        case .rest(let worker, let rest): "\(worker) takes no jobs of it: \(rest.text(now: now))"
        }
    }

    /// - Parameter provider: whose tube it is.
    package func remedy(provider: String) -> String {
        switch self {
        case .noWorker: "start a worker of \(provider)"
        case .paused: "`cirrata resume \(provider)`"
        case .rest: "mend the cause (`cirrata doctor`), then `cirrata resume \(provider)`"
        }
    }
}

extension Presence.Rest {
    /// Since when, until when, and why.
    package func text(now: Timestamp) -> String {
        "rests since \(since) until \(until) (another \(max(.zero, until - now).short)), after "
            + "\(burials.counted("burial")) of \(cause), the last one: \(message)"
    }
}
