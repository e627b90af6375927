package import Simulation
import World

/// Something that goes wrong at one point of a scenario.
package struct Trouble: Sendable, Hashable, CustomStringConvertible {
    package enum Point: Sendable, Hashable {
        /// Just before or after the first worker's n-th effect.
        case effect(Int, Effect.Edge)
        /// As the n-th request of all workers leaves.
        case request(Int)
    }

    package enum Act: Sendable, Hashable {
        // The request of this point.
        /// - lasting: and every later one of its kind, until the lab is put right.
        case fault(RequestFault, lasting: Bool)
        /// It arrives only after a while, whatever has become of its worker by then.
        case late(Duration)
        // The first worker.
        case kill
        case losePower
        /// SIGSTOP, and SIGCONT after a while.
        case freeze(Duration)
        /// SIGTERM.
        case drain
        // The broker.
        case brokerRestarts
        /// Without its binlog: producers put again what they had no reply for.
        case brokerForgets
        case brokerDropsConnections
        case brokerIsFull(Duration)
        /// Drain mode, until a restart after a while.
        case brokerDrains(Duration)
        case brokerClock(Duration)
        /// Nothing arrives in either direction between the first worker and the broker, for a while.
        case brokerUnreachable(Duration)
        // People and the cloud.
        case unlock
        /// Unlocked, and locked for somebody else.
        case relock
        case removeServer
        case failServer
        case markDown(Duration)
        case noQuota(Duration)
        case revokeTokens
    }

    package var point: Point
    package var acts: [Act]

    package init(_ point: Point, _ acts: [Act]) {
        self.point = point
        self.acts = acts
    }

    package var description: String {
        let what = acts.map(\.description).joined(separator: ", ")
        return switch point {
        case .effect(let index, let edge): "\(edge.rawValue) effect \(index) of w1: \(what)"
        case .request(let index): "at request \(index): \(what)"
        }
    }
}

extension Trouble.Act: CustomStringConvertible {
    package var description: String {
        switch self {
        case .fault(let fault, let lasting): "\(fault)\(lasting ? ", for ever" : "")"
        case .late(let duration): "it arrives \(duration.short) later"
        case .kill: "kill"
        case .losePower: "power loss"
        case .freeze(let duration): "stopped for \(duration.short)"
        case .drain: "SIGTERM"
        case .brokerRestarts: "broker restarts"
        case .brokerForgets: "broker restarts without its jobs"
        case .brokerDropsConnections: "broker drops all connections"
        case .brokerIsFull(let duration): "broker's disk full for \(duration.short)"
        case .brokerDrains(let duration): "broker draining for \(duration.short)"
        case .brokerClock(let duration): "broker's clock steps by \(duration.short)"
        case .brokerUnreachable(let duration): "w1 cannot reach the broker for \(duration.short)"
        case .unlock: "node unlocked"
        case .relock: "node locked for another"
        case .removeServer: "server removed by somebody"
        case .failServer: "server goes to ERROR"
        case .markDown(let duration): "node marked down for \(duration.short)"
        case .noQuota(let duration): "no quota for \(duration.short)"
        case .revokeTokens: "tokens revoked"
        }
    }

    /// Whether people change whose the node is, or what is there: then less can be said of what must be at the end.
    package var isInterference: Bool {
        switch self {
        case .unlock, .relock, .removeServer: true
        default: false
        }
    }
}
