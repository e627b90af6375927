package import World

package struct ConnectionSettings: Sendable, Hashable {
    package var connectTimeout: Duration
    /// How long the broker may be silent while an answer is due, beyond the time-out of a reserve. Silence is noticed
    /// after at least this and at most twice this.
    package var replyTimeout: Duration
    /// The largest reply body accepted, in bytes.
    package var bodyLimit: Int

    package init(
        connectTimeout: Duration = .seconds(5), replyTimeout: Duration = .seconds(15),
        bodyLimit: Int = ReplyParser.usualBodyLimit
    ) {
        self.connectTimeout = connectTimeout
        self.replyTimeout = replyTimeout
        self.bodyLimit = bodyLimit
    }
}

/// One connection to a beanstalkd: a thin shell around `ConnectionMachine`. It lives as long as the scope of `with`;
/// commands may be called concurrently and are pipelined in the order of the calls.
///
/// A cancelled call returns at once and its reply is dropped when it comes; cancelling a reserve closes the connection,
/// because nothing else ends one (fact A3).
package final class Connection: Sendable {
    typealias Machine = ConnectionMachine<Waiter>

    enum Outcome: Sendable {
        case reply(Reply)
        case failed(BrokerError.Cause)
        case cancelled
    }

    enum Waiter: Sendable {
        case single(CheckedContinuation<Outcome, Never>)
        case batch(Batch, Int)

        func resume(_ outcome: Outcome) {
            switch self {
            case .single(let continuation): continuation.resume(returning: outcome)
            case .batch(let batch, let index): batch.settle(index, outcome)
            }
        }
    }

    private struct State: ~Copyable {
        var machine: Machine
        /// The tube of the last `use` that was sent: where a put sent now goes.
        var usedTube = TubeName.standard
        /// Waits for a command to be in flight.
        var watchdog: CheckedContinuation<Void, Never>?
    }

    package let broker: Endpoint
    /// Raised as soon as the connection is no more, whoever ended it.
    package let lost = Signal<BrokerError>()

    private let stream: any ByteStream
    let time: any TimeSource
    private let replyTimeout: Duration
    private let onLoss: @Sendable (BrokerError) -> Void
    private let state: Locked<State>

    private init(
        _ stream: any ByteStream, to broker: Endpoint, settings: ConnectionSettings, time: any TimeSource,
        onLoss: @escaping @Sendable (BrokerError) -> Void
    ) {
        self.stream = stream
        self.broker = broker
        self.time = time
        self.onLoss = onLoss
        replyTimeout = settings.replyTimeout
        state = Locked(State(machine: Machine(replyTimeout: settings.replyTimeout, bodyLimit: settings.bodyLimit)))
    }

    /// Runs `body` with a connection over `stream`, which reads as a child task of the caller and is closed when
    /// `body` ends. Nothing has been sent on it yet. `onLoss` is told if it ends before, and not by our own doing.
    package static func with<Value>(
        _ stream: any ByteStream, to broker: Endpoint, settings: ConnectionSettings = ConnectionSettings(),
        time: any TimeSource, onLoss: @escaping @Sendable (BrokerError) -> Void = { _ in },
        _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        let connection = Connection(stream, to: broker, settings: settings, time: time, onLoss: onLoss)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await connection.readReplies() }
            group.addTask { await connection.watchForSilence() }
            defer {
                connection.close(.finished)
                group.cancelAll()
            }
            return try await body(connection)
        }
    }

    var now: Moment { time.now }

    /// Why the connection is no more; known before the broker can hear of it, so before anybody else can have its jobs.
    var ended: BrokerError? {
        state.withLock { $0.machine.end }.map { BrokerError(broker: broker, doing: "connection", cause: .ended($0)) }
    }

    /// Ends the connection; the broker gives every job that it holds to others. May be called more than once.
    package func close(_ reason: ConnectionEnd) {
        perform(state.withLock { $0.machine.ended(reason) })
    }

    /// Sends one command and waits for its answer, which may be an error reply.
    /// - Throws: `BrokerError` when there is no answer; `CancellationError`.
    package func call(_ command: Command) async throws -> Reply {
        let ticket = state.withLock { $0.machine.newTicket() }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = Waiter.single(continuation)
                if let refusal = submit([(command, ticket, waiter)]) { waiter.resume(refusal) }
            }
        } onCancel: {
            cancel(ticket)
        }
        return try unwrap(outcome, of: command)
    }

    /// Sends many commands in one piece and waits for all of their answers, in order. Error replies are among them.
    /// - Throws: `BrokerError` of the first command without an answer; `CancellationError`.
    package func pipeline(_ commands: [Command]) async throws -> [Reply] {
        if commands.isEmpty { return [] }
        let tickets = state.withLock { state in commands.map { _ in state.machine.newTicket() } }
        let outcomes = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let batch = Batch(count: commands.count, continuation)
                let entries = commands.indices.map { (commands[$0], tickets[$0], Waiter.batch(batch, $0)) }
                if let refusal = submit(entries) { batch.end(filling: refusal) }
            }
        } onCancel: {
            for ticket in tickets { cancel(ticket) }
        }
        return try zip(outcomes, commands).map { outcome, command in try unwrap(outcome, of: command) }
    }

    func failure(_ cause: BrokerError.Cause, of command: Command) -> BrokerError {
        BrokerError(broker: broker, command, usedTube: usedTube, cause: cause)
    }

    /// Where a put that is sent now goes.
    var usedTube: TubeName { state.withLock { $0.usedTube } }

    private func unwrap(_ outcome: Outcome, of command: Command) throws -> Reply {
        switch outcome {
        case .reply(let reply): return reply
        case .failed(let cause): throw failure(cause, of: command)
        case .cancelled: throw CancellationError()
        }
    }

    /// Sends all or, when one is refused, those before it.
    /// - Returns: why one was refused.
    private func submit(_ entries: [(command: Command, ticket: Machine.Ticket, waiter: Waiter)]) -> Outcome? {
        let (refusal, watchdog) = state.withLock {
            state -> (Outcome?, CheckedContinuation<Void, Never>?) in
            // Cancelled from here on, the handler finds the ticket; cancelled before, it does not.
            if Task.isCancelled { return (.cancelled, nil) }
            var bytes: [UInt8] = []
            var refusal: Outcome?
            let now = time.now
            for entry in entries {
                if let cause = state.machine.submit(
                    entry.command, entry.ticket, for: entry.waiter, at: now, writing: &bytes)
                {
                    refusal = .failed(cause)
                    break
                }
                if case .use(let tube) = entry.command { state.usedTube = tube }
            }
            // Under the lock, because the order of the bytes is the order of the slots. `write` only queues.
            if !bytes.isEmpty { stream.write(bytes) }
            return (refusal, state.watchdog.take())
        }
        watchdog?.resume()
        return refusal
    }

    private func cancel(_ ticket: Machine.Ticket) {
        switch state.withLock({ $0.machine.cancelled(ticket) }) {
        case .nothing:
            break
        case .forget(let waiter):
            waiter.resume(.cancelled)
        case .close(let reason, let waiter, let others):
            waiter.resume(.cancelled)
            perform(.close(reason, others))
        }
    }

    private func readReplies() async {
        do {
            while let bytes = try await stream.read() {
                let actions = state.withLock { $0.machine.received(bytes, at: time.now) }
                for action in actions { perform(action) }
            }
            close(.endedByBroker)
        } catch let failure as NetworkFailure {
            close(.network(failure))
        } catch {
            close(.finished)
        }
    }

    /// Looks whether the broker has gone silent; sleeps while nothing is due.
    private func watchForSilence() async {
        while await somethingIsDue() {
            let now = time.now
            let deadline = state.withLock { $0.machine.deadline } ?? .distantFuture
            do {
                // A command sent meanwhile may be due earlier than the one that this sleep is for.
                try await time.sleep(until: min(deadline, now + replyTimeout))
            } catch {
                return
            }
            perform(state.withLock { $0.machine.silence(at: time.now) })
        }
    }

    /// - Returns: false once the connection has ended.
    private func somethingIsDue() async -> Bool {
        await withCheckedContinuation { continuation in
            let waits = state.withLock { state in
                guard state.machine.end == nil, state.machine.inFlight == 0 else { return false }
                state.watchdog = continuation
                return true
            }
            if !waits { continuation.resume() }
        }
        return state.withLock { $0.machine.end == nil }
    }

    private func perform(_ action: Machine.Action?) {
        switch action {
        case nil:
            break
        case .answer(let waiter, let reply):
            waiter.resume(.reply(reply))
        case .close(let reason, let waiters):
            stream.close()
            let watchdog = state.withLock { $0.watchdog.take() }
            watchdog?.resume()
            let error = BrokerError(broker: broker, doing: "connection", cause: .ended(reason))
            if !reason.isOurs { onLoss(error) }
            lost.raise(error)
            for waiter in waiters { waiter.resume(.failed(.ended(reason))) }
        }
    }
}
