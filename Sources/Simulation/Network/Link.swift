/// How the way between a process and an endpoint behaves.
package struct Link: Sendable, Hashable {
    package enum Dialling: Sendable, Hashable {
        case connects
        /// Nobody listens: refused after one round trip.
        case refuses
        /// Packets vanish: nothing until the dialler's time-out.
        case isBlackHole
        /// The name has no address.
        case isUnresolvable
    }

    package var dialling = Dialling.connects
    /// One way.
    package var latency = Duration.zero
    /// Reads return random pieces of what is there, as TCP may.
    package var splitsReads = false
    /// What the kernels of both ends take per direction before a writer's bytes stay `unsent`.
    package var buffer = 4 << 20

    package init() {}
}

/// What the kernels do about a peer that fell silent (facts/beanstalkd.md I7).
package struct SilenceLimits: Sendable, Hashable {
    /// TCP keep-alive of accepted connections: 7,200 s + 9 probes of 75 s.
    package var keepAlive = Duration.seconds(7_875)
    /// How long sent bytes stay unacknowledged before the sender's kernel gives up (tcp_retries2 = 15).
    package var retransmission = Duration.seconds(924)

    package init() {}
}
