import World

/// One job as beanstalkd holds it.
struct BrokerJob: Sendable {
    enum State: Sendable, Equatable {
        case ready
        case reserved(by: UInt64)
        case delayed
        case buried
        /// A bury or a delayed release failed on a full disk: `stats-job` says reserved, nobody holds it, nothing gets
        /// it out but a restart (facts E4, I5).
        case limbo

        var name: String {
            switch self {
            case .ready: "ready"
            case .reserved, .limbo: "reserved"
            case .delayed: "delayed"
            case .buried: "buried"
            }
        }
    }

    /// What changes of it.
    struct Record: Sendable {
        var state = State.ready
        var priority: UInt32
        /// Seconds, as given by the last put or release.
        var delay: UInt32
        var deadline: Timestamp
        var reserves: UInt32 = 0
        var timeouts: UInt32 = 0
        var releases: UInt32 = 0
        var buries: UInt32 = 0
        var kicks: UInt32 = 0
    }

    let id: UInt64
    let tube: String
    let body: [UInt8]
    /// Seconds, at least 1, fixed at put (facts B1).
    let timeToRun: UInt32
    let created: Timestamp
    var record: Record
    /// The binlog file with its put, 0 for none.
    var file = 0
    /// Where in the binlog that is.
    var logPosition: UInt64 = 0
    /// Changes whenever it enters a queue.
    var stamp: UInt64 = 0

    var isUrgent: Bool { record.priority < 1_024 }

    func isReserved(by connection: UInt64) -> Bool { record.state == .reserved(by: connection) }
}
