package import World

/// A job as it came to us.
package struct Delivery: Sendable, Hashable {
    package let id: JobID
    package let body: [UInt8]
    /// As they were right after the reserve.
    package let statistics: JobStatistics
    package let broker: Endpoint
}

/// The one right to end our dealings with a delivery. Exactly one of `delete`, `release`, `bury` and `abandon` uses it
/// up. Dropping it while the lease is live is an error of this program: the connection is closed, which gives the job
/// back, and reported as lost.
package struct SettleToken: ~Copyable, Sendable {
    package let delivery: Delivery
    package let lease: Lease

    init(_ delivery: Delivery, _ lease: Lease) {
        self.delivery = delivery
        self.lease = lease
    }

    package consuming func delete() async -> Settlement {
        await lease.settle(by: .delete(delivery.id))
    }

    /// - Parameter delay: rounded up to whole seconds; at least 1 s after a failure, or it is the next job served
    ///   (facts C1, C2).
    package consuming func release(priority: UInt32, delay: Duration) async -> Settlement {
        await lease.settle(
            by: .release(delivery.id, priority: priority, delay: WireSeconds(roundingUp: delay)))
    }

    package consuming func bury(priority: UInt32) async -> Settlement {
        await lease.settle(by: .bury(delivery.id, priority: priority))
    }

    /// Gives the job back by closing its connection: counted by the broker neither as a release nor as a time-out.
    package consuming func abandon(because why: String) {
        lease.lose(.abandoned(why))
    }

    deinit {
        if lease.isLive { lease.lose(.dropped) }
    }
}
