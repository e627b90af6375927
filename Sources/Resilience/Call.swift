package import World

/// The right to change anything outside. Tested where a mutating request leaves, after gate and token bucket.
package protocol Fence: Sendable {
    /// - Throws: `FenceClosed` when the lease behind it has ended.
    func check() throws

    /// Asks whoever gave the right whether we still have it: before something is made, committed or taken back.
    /// - Throws: as `check`; `CancellationError`.
    func confirm() async throws
}

extension Fence {
    package func confirm() async throws { try check() }
}

/// Our lease ended; whatever we were doing belongs to somebody else now.
package struct FenceClosed: Error, Sendable, Hashable, CustomStringConvertible {
    package var reason: String

    package init(reason: String) {
        self.reason = reason
    }

    package var description: String { "the lease ended: \(reason)" }
}

/// SIGTERM was received: a mutating request that had not left yet was held back. Nothing was cut off.
package struct Drained: Error, Sendable, Hashable, CustomStringConvertible {
    package init() {}

    package var description: String { "held back: this worker is stopping" }
}

/// A request was held back that had been decided on what was seen too long before its turn came. It had no effect.
package struct Outdated: Error, Sendable, Hashable, CustomStringConvertible {
    package init() {}

    package var description: String { "held back: what it was decided on was seen too long before" }
}

/// For work that holds no lease: the command line's looks, `cirrata run`.
package struct OpenFence: Fence {
    package init() {}

    package func check() {}
}

/// What every request of one job carries with it down to the gate.
package struct Call: Sendable {
    package var fence: any Fence
    /// Raised by SIGTERM: no new mutating request starts after it.
    package var drain: Signal<Void>
    /// How long a request may stand before a closed gate until `Parked` is thrown; nil: as long as it takes.
    package var parkAfter: Duration?
    /// A mutating request that has not left by then does not leave: since the look that it was decided on it stood at the
    /// gate, or this process was stopped, for too long.
    package var goodUntil: Moment?
    /// Told of every request when it has ended.
    package var observe: @Sendable (RequestRecord) -> Void

    package init(
        fence: any Fence = OpenFence(), drain: Signal<Void> = Signal(), parkAfter: Duration? = nil,
        observe: @escaping @Sendable (RequestRecord) -> Void = { _ in }
    ) {
        self.fence = fence
        self.drain = drain
        self.parkAfter = parkAfter
        self.observe = observe
    }

    /// The same, for a request that is right only until then.
    package func good(until moment: Moment) -> Call {
        var call = self
        call.goodUntil = moment
        return call
    }
}

/// One request as it went, for the log, the report and the metrics.
package struct RequestRecord: Sendable, Hashable {
    package var service: String
    package var provider: String
    package var operation: String
    /// `POST /servers`
    package var request: String
    package var status: Int?
    package var requestID: String?
    /// Time at the gate, and from sending to the end of the answer.
    package var waited: Duration
    package var took: Duration
    /// What went wrong, if anything did.
    package var failure: String?

    package init(
        service: String, provider: String, operation: String, request: String, status: Int?, requestID: String?,
        waited: Duration, took: Duration, failure: String?
    ) {
        self.service = service
        self.provider = provider
        self.operation = operation
        self.request = request
        self.status = status
        self.requestID = requestID
        self.waited = waited
        self.took = took
        self.failure = failure
    }
}
