package import World

/// How long to pause before the next attempt: exponential, with full jitter.
package struct ReconnectBackoff: Sendable, Hashable {
    package var base: Duration
    package var limit: Duration

    package init(base: Duration = .milliseconds(200), limit: Duration = .seconds(10)) {
        self.base = base
        self.limit = limit
    }

    /// - Parameter failures: how many attempts have failed, at least 1.
    func pause(after failures: Int, _ random: any RandomSource) -> Duration {
        let doublings = min(max(0, failures - 1), 30)
        return random.jitter(upTo: min(limit, base * (1 << doublings)))
    }
}

/// What happens between a broker and us: for the log and the status page.
package enum BrokerEvent: Sendable, Hashable {
    case connected(Endpoint)
    case connectFailed(BrokerError, attempt: Int, pause: Duration)
    case lost(BrokerError)
}

/// One beanstalkd and how we connect to it.
package struct Broker: Sendable {
    package let endpoint: Endpoint
    package let settings: ConnectionSettings
    package let backoff: ReconnectBackoff

    private let world: World
    private let observe: @Sendable (BrokerEvent) -> Void

    package init(
        _ endpoint: Endpoint, settings: ConnectionSettings = ConnectionSettings(),
        backoff: ReconnectBackoff = ReconnectBackoff(), world: World,
        observe: @escaping @Sendable (BrokerEvent) -> Void = { _ in }
    ) {
        self.endpoint = endpoint
        self.settings = settings
        self.backoff = backoff
        self.world = world
        self.observe = observe
    }

    /// Connects once, for commands that somebody waits for, and runs `body` with the connection, which ends with it.
    /// - Throws: `BrokerError` when no connection comes about; what `body` throws.
    package func connect<Value>(
        _ tubes: Tubes = .standard, _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        switch try await use(dial().get(), tubes, body) {
        case .failure(let error): throw error
        case .success(let value): return value
        }
    }

    /// Connects as soon as it is possible, however long that takes, and runs `body` with the connection.
    /// - Returns: nil if `drain` was raised first.
    /// - Throws: what `body` throws; `CancellationError`.
    package func connectPatiently<Value>(
        _ tubes: Tubes = .standard, unless drain: Signal<Void>, _ body: (Connection) async throws -> Value
    ) async throws -> Value? {
        var failures = 0
        while !drain.isRaised {
            let error: BrokerError
            switch try await drain.unlessRaised({ try await dial() }) {
            case nil:
                return nil
            case .failure(let reason):
                error = reason
            case .success(let stream):
                switch try await use(stream, tubes, body) {
                case .success(let value): return value
                case .failure(let reason): error = reason
                }
            }
            failures += 1
            let pause = backoff.pause(after: failures, world.random)
            observe(.connectFailed(error, attempt: failures, pause: pause))
            _ = try await drain.unlessRaised { try await world.time.sleep(for: pause) }
        }
        return nil
    }

    /// - Returns: why the connection was of no use; what `body` throws is thrown.
    private func use<Value>(
        _ stream: any ByteStream, _ tubes: Tubes, _ body: (Connection) async throws -> Value
    ) async throws -> Result<Value, BrokerError> {
        let isConnected = Locked(false)
        return try await Connection.with(stream, to: endpoint, settings: settings, time: world.time) { error in
            if isConnected.withLock({ $0 }) { observe(.lost(error)) }
        } _: { connection in
            do {
                try await connection.apply(tubes)
            } catch let error as BrokerError {
                return .failure(error)
            }
            isConnected.withLock { $0 = true }
            observe(.connected(endpoint))
            return .success(try await body(connection))
        }
    }

    /// - Throws: `CancellationError`.
    private func dial() async throws -> Result<any ByteStream, BrokerError> {
        do {
            return .success(try await world.dial.connect(to: endpoint, timeout: settings.connectTimeout))
        } catch let failure as NetworkFailure {
            return .failure(BrokerError(broker: endpoint, doing: "connect", cause: .unreachable(failure)))
        }
    }
}
