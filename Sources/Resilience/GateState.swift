package import World

/// What a gate lets through, for people and for whoever decides whether to take more work.
package enum GateState: Sendable, Hashable {
    case open
    /// The service asked for a rest (429, 503).
    case paused(until: Moment, why: String)
    /// The service does not answer. Nothing reopens it but a request that is tried at or after `nextProbe`.
    case broken(since: Moment, why: String, nextProbe: Moment)
    /// The installation is at fault: login, endpoint, TLS.
    case closedForConfiguration(since: Moment, why: String)
    /// Everything but creates passes. Nothing reopens it but a create that is tried at or after `nextProbe`.
    case noCapacity(since: Moment, why: String, nextProbe: Moment)

    /// Whether nothing at all gets through.
    package var isClosed: Bool {
        switch self {
        case .open, .noCapacity: false
        case .paused, .broken, .closedForConfiguration: true
        }
    }

    /// `open`, `paused`, `broken`, `configuration`, `no-capacity`.
    package var name: String {
        switch self {
        case .open: "open"
        case .paused: "paused"
        case .broken: "broken"
        case .closedForConfiguration: "configuration"
        case .noCapacity: "no-capacity"
        }
    }

    package var why: String {
        switch self {
        case .open: ""
        case .paused(_, let why), .broken(_, let why, _), .closedForConfiguration(_, let why),
            .noCapacity(_, let why, _):
            why
        }
    }
}
