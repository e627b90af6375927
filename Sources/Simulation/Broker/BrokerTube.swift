import World

struct BrokerTube: Sendable {
    let name: String
    var ready = JobQueue()
    var delayed = JobQueue()
    var buried = JobQueue()
    /// Connections that wait in a reserve.
    var waiting = SwapBag<UInt64>()
    /// Jobs in any state: with users and watchers what keeps the tube alive.
    var jobs = 0
    var using = 0
    var watching = 0
    var urgent = 0
    var reserved = 0
    var totalJobs: UInt64 = 0
    var deletes: UInt64 = 0
    var pauses: UInt64 = 0
    /// Seconds of the pause, and its end while it lasts.
    var pause: UInt32 = 0
    var pausedUntil: Timestamp?

    init(name: String) {
        self.name = name
    }
}
