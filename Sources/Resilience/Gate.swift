package import HTTPKit
package import World

/// What all requests to one service of one provider pass through (README, "Outages"): pause, breaker, token bucket and
/// concurrency, and at the very end the fence. Who waits is a continuation; one of those who wait keeps the time for all.
package actor Gate {
    package nonisolated let service: String
    /// Empty for services of the whole lab.
    package nonisolated let provider: String

    private enum Turn: Sendable {
        case go
        /// Keep the time from now on: sleep until the alarm.
        case keepTime
        case drained
        /// Stood before a closed gate for long enough.
        case parked
    }

    let world: World
    let settings: GateSettings
    private let onChange: @Sendable (GateState) -> Void
    private var machine: GateMachine
    private var waiting: [GateMachine.Ticket: Signal<Turn>] = [:]
    private var timekeeper: GateMachine.Ticket?
    /// When the next request may leave, and when the timekeeper will wake up.
    private var alarm: Moment?
    private var armed: Moment?
    private var announced = GateState.open
    private var watchers: [Signal<Void>] = []

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
        machine = GateMachine(settings, random: world.random)
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
        let response: HTTPResponse
        do {
            response = try await world.http.execute(request)
        } catch let failure as HTTPFailure {
            finished(ticket, ending(of: failure))
            let error = error(failure, intent, operation, path)
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
        let verdict = judge(response)
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
    package var state: GateState { machine.state(at: world.time.now) }

    /// Returns as soon as the state is another one than `known`, at once if it already is.
    /// - Throws: `CancellationError`.
    package func state(otherThan known: GateState) async throws -> GateState {
        while state == known {
            let changed = Signal<Void>()
            watchers.append(changed)
            defer { watchers.removeAll { $0 === changed } }
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
        return state
    }

    /// How many creates would get through right now; nil: no limit but the gate's own.
    package var createRoom: Int? { machine.createRoom(at: world.time.now) }

    /// When, since it was made, this gate let nothing through: nobody's fault, so it costs a job neither patience nor
    /// budget.
    package var closures: TimeSpans { machine.closures(at: world.time.now) }

    /// Lets nothing through until `reopen`.
    package func closeForConfiguration(_ why: String) {
        machine.closeForConfiguration(why, probing: false, at: world.time.now)
        settle()
    }

    /// Forgets every reason to hold anything back.
    package func reopen() {
        machine.reopen(at: world.time.now)
        settle()
    }

    /// There is no room for another server: found out otherwise than by the answer to a create (`fault` of a server).
    package func closeForCapacity(_ why: String) {
        machine.closeForCapacity(why, at: world.time.now)
        settle()
    }

    /// A server came up, so there was room for it.
    package func capacityProved() {
        machine.capacityProved()
        settle()
    }

    /// Something of this provider is gone: the next create need not wait for its time.
    package func capacityFreed() {
        machine.capacityFreed(at: world.time.now)
        settle()
    }
}

// MARK: - Waiting

extension Gate {
    /// Returns when the request may leave; its end must be told to `finished`.
    private func admitted(_ intent: Intent, _ call: Call) async throws -> GateMachine.Ticket {
        try Task.checkCancellation()
        let drain = intent.isMutating ? call.drain : nil
        if let drain, drain.isRaised { throw Drained() }
        let ticket = machine.arrive(intent)
        var parkAt = call.parkAfter.map { world.time.now + $0 }
        settle()
        while !machine.isRunning(ticket) {
            let turn = Signal<Turn>()
            waiting[ticket] = turn
            do {
                switch try await wait(ticket, turn, until: drain, parkAt: parkAt) {
                case .drained: throw Drained()
                case .parked:
                    let state = state
                    let isHeld = state.isClosed || (intent == .create && state != .open)
                    if isHeld { throw Parked(cause: "\(service)-\(state.name)", why: "\(service): \(state.why)") }
                    parkAt = call.parkAfter.map { world.time.now + $0 }
                case .go, .keepTime: break
                }
            } catch {
                if machine.isRunning(ticket) { finished(ticket, .unused) } else { leave(ticket) }
                throw error
            }
        }
        return ticket
    }

    private func wait(
        _ ticket: GateMachine.Ticket, _ turn: Signal<Turn>, until drain: Signal<Void>?, parkAt: Moment?
    ) async throws -> Turn {
        let alarm = timekeeper == ticket ? alarm : nil
        if alarm == nil, drain == nil, parkAt == nil { return try await turn.wait() }
        return try await withThrowingTaskGroup(of: Void.self) { [time = world.time] group in
            if let alarm {
                armed = alarm
                group.addTask {
                    try await time.sleep(until: alarm)
                    await self.alarmRang()
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

    private func alarmRang() {
        armed = nil
        settle()
    }

    private func leave(_ ticket: GateMachine.Ticket) {
        machine.leave(ticket)
        waiting[ticket] = nil
        if timekeeper == ticket { timekeeper = nil }
        settle()
    }

    private func finished(_ ticket: GateMachine.Ticket, _ ending: GateMachine.Ending) {
        machine.finished(ticket, ending, at: world.time.now)
        settle()
    }

    /// After every event: admits whom it can, sees that somebody keeps the time, tells of a changed state.
    private func settle() {
        let (admitted, alarm) = machine.admit(at: world.time.now)
        for ticket in admitted {
            waiting.removeValue(forKey: ticket)?.raise(.go)
            if timekeeper == ticket { timekeeper = nil }
        }
        self.alarm = alarm
        if timekeeper == nil { armed = nil }
        if let alarm, armed.map({ alarm < $0 }) ?? true {
            if timekeeper == nil { timekeeper = machine.firstWaiting }
            if let timekeeper { waiting[timekeeper]?.raise(.keepTime) }
        }
        let state = state
        guard state != announced else { return }
        announced = state
        let told = watchers
        watchers = []
        for watcher in told { watcher.raise(()) }
        onChange(state)
    }
}
