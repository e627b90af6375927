package import HTTPKit
package import World

/// What all requests to one service of one provider pass through (README, "Outages"): pause, breaker, token bucket and
/// concurrency, and at the very end the fence. Who waits is a continuation; one of those who wait keeps the time for all.
package final class Gate: Sendable {
    package let service: String
    /// Empty for services of the whole lab.
    package let provider: String

    let world: World
    let settings: GateSettings
    private let onChange: @Sendable (GateState) -> Void
    private let queue: Locked<GateQueue>

    /// - Parameter onChange: told of every change of state, at once; for logs and metrics.
    package init(
        service: String, provider: String, settings: GateSettings, world: World,
        onChange: @escaping @Sendable (GateState) -> Void = { _ in }
    ) {
        self.service = service
        self.provider = provider
        self.settings = settings
        self.world = world
        self.onChange = onChange
        queue = Locked(GateQueue(GateMachine(settings, random: world.random)))
    }

    /// Sends one request when its turn has come and returns the answer that `judge` accepts.
    ///
    /// - Parameters:
    ///   - path: method and path for people, `POST /servers`; never a query.
    ///   - judge: nil for an answer that is welcome, else what it means.
    /// - Throws: `ServiceError`; `FenceClosed`, `Outdated` and `Drained` for a mutating request that was held back and had no effect;
    ///   `Parked` after `Call.parkAfter` before a closed gate; `CancellationError`. A mutating request that was cancelled may have had its effect.
    package func send(
        _ request: HTTPRequest, _ intent: Intent, operation: String, path: String, for call: Call,
        judge: @Sendable (HTTPResponse) -> Verdict?
    ) async throws -> HTTPResponse {
        let asked = world.time.now
        let ticket = try await admitted(intent, call)
        let sent = world.time.now
        var record = RequestRecord(
            service: service, provider: provider, operation: operation, request: path, status: nil, requestID: nil,
            waited: sent - asked, took: .zero, failure: nil)
        do {
            // The last thing before the request leaves: nothing suspends between these checks and the transport.
            try Task.checkCancellation()
            if intent.isMutating {
                try call.fence.check()
                if let goodUntil = call.goodUntil, sent > goodUntil { throw Outdated() }
                if call.drain.isRaised { throw Drained() }
            }
        } catch {
            finished(ticket, .unused)
            throw error
        }
        var response: HTTPResponse
        do {
            response = try await world.http.execute(request)
        } catch let failure as HTTPFailure {
            finished(ticket, ending(of: failure))
            let error = error(failure, intent, operation, path, to: request.url)
            record.took = world.time.now - sent
            record.failure = error.message
            call.observe(record)
            throw error
        } catch {
            finished(ticket, .cut)
            record.took = world.time.now - sent
            record.failure = error is CancellationError ? "cancelled" : "\(error)"
            call.observe(record)
            throw error
        }
        var verdict = speaksTLS(response, at: request.url) ?? judge(response)
        if verdict != nil {
            // What is said of it from here on goes into logs and reports.
            response = request.withoutSecrets(response)
            verdict = speaksTLS(response, at: request.url) ?? judge(response)
        }
        let retryAfter = RetryAfter.delay(in: response.headers, now: world.time.wallClock)
        finished(ticket, ending(of: response, verdict, retryAfter))
        record.status = response.status
        record.requestID = response.requestID
        record.took = world.time.now - sent
        record.failure = verdict?.message
        call.observe(record)
        guard let verdict else { return response }
        throw ServiceError(
            service: service, provider: provider, operation: operation, request: path, status: response.status,
            requestID: response.requestID, message: verdict.message, kind: verdict.kind,
            retryAfter: retryAfter.map { min($0, settings.retryAfterLimit) }, next: verdict.next)
    }
}

extension Gate {
    /// Asks something that is not HTTP when its turn has come: a DNS server.
    /// - Throws: what `question` throws, of which a transient `ServiceError` means that nobody answered; `Parked`;
    ///   `CancellationError`.
    package func ask<Value: Sendable>(for call: Call, _ question: () async throws -> Value) async throws -> Value {
        let ticket = try await admitted(.look, call)
        do {
            let value = try await question()
            finished(ticket, .answered(.init()))
            return value
        } catch let error as ServiceError where error.kind == .transient {
            finished(ticket, .unreachable(why: error.message))
            throw error
        } catch {
            finished(ticket, .cut)
            throw error
        }
    }
}

// MARK: - State

extension Gate {
    package var state: GateState { queue.withLock { $0.machine.state(at: world.time.now) } }

    /// Returns as soon as the state is another one than `known`, at once if it already is.
    /// - Throws: `CancellationError`.
    package func state(otherThan known: GateState) async throws -> GateState {
        while true {
            let (state, changed) = queue.withLock { queue in
                let state = queue.machine.state(at: world.time.now)
                return (state, state == known ? queue.watch() : nil)
            }
            guard let changed else { return state }
            defer { queue.withLock { $0.unwatch(changed) } }
            guard case .paused(let until, _) = known else {
                try await changed.wait()
                continue
            }
            // The one state that ends without an event.
            try await withThrowingTaskGroup(of: Void.self) { [time = world.time] group in
                group.addTask {
                    try await time.sleep(until: until)
                    changed.raise(())
                }
                defer { group.cancelAll() }
                try await changed.wait()
            }
        }
    }

    /// When, since it was made, this gate let nothing through: nobody's fault, so it costs a job neither patience nor
    /// budget.
    package var closures: TimeSpans { queue.withLock { $0.machine.closures(at: world.time.now) } }

    /// Lets nothing through until `reopen`.
    package func closeForConfiguration(_ why: String) {
        change { $0.machine.closeForConfiguration(why, probing: false, at: $1) }
    }

    /// Forgets every reason to hold anything back.
    package func reopen() {
        change { $0.machine.reopen(at: $1) }
    }

    /// There is no room for another server: found out otherwise than by the answer to a create (`fault` of a server).
    package func closeForCapacity(_ why: String) {
        change { $0.machine.closeForCapacity(why, at: $1) }
    }

    /// A server came up, so there was room for it.
    package func capacityProved() {
        change { queue, _ in queue.machine.capacityProved() }
    }

    /// Something of this provider is gone: the next create need not wait for its time.
    package func capacityFreed() {
        change { $0.machine.capacityFreed(at: $1) }
    }
}

// MARK: - Waiting

extension Gate {
    /// Returns when the request may leave; its end must be told to `finished`.
    private func admitted(_ intent: Intent, _ call: Call) async throws -> GateMachine.Ticket {
        try Task.checkCancellation()
        let drain = intent.isMutating ? call.drain : nil
        if let drain, drain.isRaised { throw Drained() }
        let ticket = change { queue, _ in queue.machine.arrive(intent) }
        var parkAt = call.parkAfter.map { world.time.now + $0 }
        while let (turn, alarm) = queue.withLock({ $0.wait(ticket) }) {
            do {
                switch try await wait(turn, until: alarm, drain: drain, parkAt: parkAt) {
                case .drained: throw Drained()
                case .parked:
                    let state = state
                    let isHeld = state.isClosed || (intent == .create && state != .open)
                    if isHeld { throw Parked(cause: "\(service)-\(state.name)", why: "\(service): \(state.why)") }
                    parkAt = call.parkAfter.map { world.time.now + $0 }
                case .go, .keepTime: break
                }
            } catch {
                change { $0.giveUp(ticket, at: $1) }
                throw error
            }
        }
        return ticket
    }

    private func wait(
        _ turn: Signal<GateQueue.Turn>, until alarm: Moment?, drain: Signal<Void>?, parkAt: Moment?
    ) async throws -> GateQueue.Turn {
        if alarm == nil, drain == nil, parkAt == nil { return try await turn.wait() }
        return try await withThrowingTaskGroup(of: Void.self) { [time = world.time] group in
            if let alarm {
                group.addTask {
                    try await time.sleep(until: alarm)
                    self.change { queue, _ in queue.alarmRang() }
                }
            }
            if let parkAt {
                group.addTask {
                    try await time.sleep(until: parkAt)
                    turn.raise(.parked)
                }
            }
            if let drain {
                group.addTask {
                    try await drain.wait()
                    turn.raise(.drained)
                }
            }
            defer { group.cancelAll() }
            return try await turn.wait()
        }
    }

    private func finished(_ ticket: GateMachine.Ticket, _ ending: GateMachine.Ending) {
        change { $0.machine.finished(ticket, ending, at: $1) }
    }

    /// One event and all that follows from it.
    @discardableResult
    private func change<Value: Sendable>(_ event: (inout GateQueue, Moment) -> Value) -> Value {
        let (value, news) = queue.withLock { queue in
            let now = world.time.now
            let value = event(&queue, now)
            return (value, queue.settle(at: now))
        }
        for (turn, kind) in news.turns { turn.raise(kind) }
        if let state = news.state {
            for watcher in news.watchers { watcher.raise(()) }
            onChange(state)
        }
        return value
    }
}
