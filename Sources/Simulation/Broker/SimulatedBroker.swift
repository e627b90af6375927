package import World

/// A beanstalkd in the simulation: `BrokerState` behind an endpoint of the simulated network, with a clock of its own and
/// the things that go wrong with real ones.
package final class SimulatedBroker: Sendable {
    private struct State: Sendable {
        var broker: BrokerState
        var streams: [UInt64: any ByteStream] = [:]
        /// Names of the processes at the other ends.
        var peers: [UInt64: String] = [:]
        var nextConnection: UInt64 = 0
        var timer: (at: Moment, id: UInt64)?
        var isUp = true
        var onBytes: (@Sendable (String, [UInt8]) -> Void)?
    }

    package let endpoint: Endpoint
    private let name: String
    /// The broker host's clock. Step it through `stepClock`.
    package let clock: VirtualTime
    private let surroundings: Surroundings
    private let random: SeededRandom
    private let state: Locked<State>

    init(_ surroundings: Surroundings, endpoint: Endpoint, settings: BrokerSettings, seed: UInt64) {
        self.surroundings = surroundings
        self.endpoint = endpoint
        name = "\(endpoint)"
        clock = VirtualTime(
            scheduler: surroundings.scheduler, lane: surroundings.servers.lane, gate: StopGate(),
            start: surroundings.start, name: name)
        random = SeededRandom(seed: seed)
        state = Locked(
            State(broker: BrokerState(settings: settings, now: clock.wallClock, instance: random.next())))
        listen()
    }

    // MARK: Faults

    /// SIGUSR1: puts are refused until a restart (facts G3).
    package func drain() {
        surroundings.trace.record("\(name): draining")
        state.withLock { $0.broker.isDraining = true }
    }

    /// With `-b` nothing more can be written: see facts E4 and I5.
    package func setDiskFull(_ isFull: Bool) {
        surroundings.trace.record("\(name): disk \(isFull ? "full" : "has room")")
        state.withLock { $0.broker.isDiskFull = isFull }
    }

    /// As if it had been started with this `-z`.
    package func setMaximumJobSize(_ bytes: Int) {
        state.withLock { $0.broker.settings.maximumJobSize = bytes }
    }

    /// Every client sees the end of its stream, and the broker goes on.
    package func dropConnections() {
        surroundings.trace.record("\(name): drops all connections")
        for (_, stream) in streams() { stream.close() }
    }

    /// SIGKILL or SIGTERM, which are the same to it (facts E8): clients see the end of their streams, then refusals.
    package func stop() {
        surroundings.trace.record("\(name): stopped")
        surroundings.network.stopListening(on: endpoint)
        let open = streams()
        state.withLock { state in
            state.isUp = false
            state.streams = [:]
            state.peers = [:]
            state.timer = nil
        }
        for (_, stream) in open { stream.close() }
    }

    /// Starts a stopped broker. What it knows then is what its log kept, or nothing.
    /// - Parameter isPersistent: with `-b`; nil as before.
    /// - Returns: false when it does not come up, because its disk is full.
    @discardableResult
    package func start(isPersistent: Bool? = nil) -> Bool {
        let isUp = state.withLock { state in
            var settings = state.broker.settings
            settings.isPersistent = isPersistent ?? settings.isPersistent
            if state.isUp { return true }
            if settings.isPersistent, state.broker.isDiskFull { return false }
            state.broker = state.broker.restarted(
                with: settings, at: clock.wallClock, instance: random.next())
            state.isUp = true
            return true
        }
        surroundings.trace.record("\(name): \(isUp ? "started" : "cannot start, disk full")")
        guard isUp else { return false }
        listen()
        change { $0.pass(to: self.clock.wallClock) }
        return true
    }

    /// Stops and starts at once.
    @discardableResult
    package func restart(isPersistent: Bool? = nil) -> Bool {
        stop()
        return start(isPersistent: isPersistent)
    }

    /// The host's calendar clock jumps: time-outs and delays fire early or late (facts B8).
    package func stepClock(by duration: Duration) {
        surroundings.trace.record("\(name): clock stepped by \(duration.short)")
        clock.stepWallClock(by: duration)
        change { $0.pass(to: self.clock.wallClock) }
    }

    // MARK: Looking and putting

    /// All jobs, by id.
    package var jobs: [BrokerJobView] {
        state.withLock { state in
            state.broker.jobs.values.sorted { $0.id < $1.id }.map { BrokerJobView($0) }
        }
    }

    /// Who holds a job, and for how long by the broker's clock since it was reserved or touched; nil: nobody.
    package func holder(of job: UInt64) -> (process: String, renewedAgo: Duration)? {
        state.withLock { state in
            guard let job = state.broker.jobs[job], case .reserved(let connection) = job.record.state,
                let peer = state.peers[connection]
            else { return nil }
            let renewed = job.record.deadline - .seconds(Int64(job.timeToRun))
            return (peer, clock.wallClock - renewed)
        }
    }

    /// Whether a full disk has left a job to nobody, until a restart (facts I5).
    package var hasLimbo: Bool { state.withLock { $0.broker.jobs.values.contains { $0.record.state == .limbo } } }

    /// How many jobs of the tubes with these beginnings are neither done nor buried.
    package func unfinishedJobs(inTubes prefixes: [String]) -> Int {
        state.withLock { state in
            state.broker.jobs.values.count { job in
                job.record.state != .buried && prefixes.contains { job.tube.hasPrefix($0) }
            }
        }
    }

    /// Puts a job, as some client elsewhere would.
    /// - Returns: its id; nil when the broker refused it.
    @discardableResult
    package func put(
        _ body: [UInt8], tube: String, priority: UInt32 = 1_024, delay: UInt32 = 0, timeToRun: UInt32 = 60
    ) -> UInt64? {
        let answer = ask(
            Array("use \(tube)\r\nput \(priority) \(delay) \(timeToRun) \(body.count)\r\n".utf8) + body + [13, 10])
        let words = answer.split(whereSeparator: \.isWhitespace)
        return words.count == 4 && words[2] == "INSERTED" ? UInt64(words[3]) : nil
    }

    /// What a client gets that connects, sends this, ends its sending, and reads to the end.
    @discardableResult
    package func ask(_ bytes: [UInt8]) -> String {
        let answer = Locked([UInt8]())
        change { broker in
            let id = UInt64.max
            let now = self.clock.wallClock
            let actions =
                broker.connect(id, at: now) + broker.receive(bytes, from: id, at: now) + broker.disconnect(id, at: now)
            return actions.filter { action in
                guard case .send(let bytes, to: id) = action else { return true }
                answer.withLock { $0 += bytes }
                return false
            }
        }
        return String(decoding: answer.withLock { $0 }, as: UTF8.self)
    }

    /// Told of what a process sends, before the broker acts on it.
    package func onBytes(_ hook: @escaping @Sendable (String, [UInt8]) -> Void) {
        state.withLock { $0.onBytes = hook }
    }

    /// Lets go of what a hook holds: often what holds the broker.
    func shutDown() {
        let hook = state.withLock { $0.onBytes.take() }
        withExtendedLifetime(hook) {}
    }

    // MARK: Serving

    private func listen() {
        surroundings.network.listen(on: endpoint) { [weak self] stream in await self?.serve(stream) }
    }

    private func serve(_ stream: any ByteStream) async {
        let id: UInt64? = state.withLock { state in
            guard state.isUp else { return nil }
            state.nextConnection += 1
            state.streams[state.nextConnection] = stream
            state.peers[state.nextConnection] = (stream as? ServerStream)?.connection.client
            return state.nextConnection
        }
        guard let id else { return }
        change { $0.connect(id, at: self.clock.wallClock) }
        var isEnd = true
        do {
            while let bytes = try await stream.read() {
                surroundings.trace.record("\(name) \(id) < \(Self.firstLine(bytes))")
                let (hook, peer) = state.withLock { ($0.onBytes, $0.peers[id]) }
                if let hook, let peer { hook(peer, bytes) }
                change(of: id) { $0.receive(bytes, from: id, at: self.clock.wallClock) }
            }
        } catch {
            surroundings.trace.record("\(name) \(id) broke")
            isEnd = false
        }
        change(of: id) { [isEnd] in $0.disconnect(id, isEnd: isEnd, at: self.clock.wallClock) }
        state.withLock { state in
            state.streams[id] = nil
            state.peers[id] = nil
        }
    }

    private func streams() -> [(key: UInt64, value: any ByteStream)] {
        state.withLock { $0.streams.sorted { $0.key < $1.key } }
    }

    /// - Parameter connection: nothing happens when the broker was restarted since it was accepted.
    private func change(
        of connection: UInt64? = nil, _ body: (inout BrokerState) -> [BrokerState.Action]
    ) {
        let (actions, streams): ([BrokerState.Action], [UInt64: any ByteStream]) = state.withLock { state in
            if let connection, state.streams[connection] == nil { return ([], [:]) }
            guard state.isUp else { return ([], [:]) }
            return (body(&state.broker), state.streams)
        }
        for action in actions {
            switch action {
            case .send(let bytes, let id):
                surroundings.trace.record("\(name) \(id) > \(Self.firstLine(bytes))")
                streams[id]?.write(bytes)
            case .close(let id): streams[id]?.close()
            }
        }
        setTimer()
    }

    private func setTimer() {
        let scheduler = surroundings.scheduler
        let (old, next): (UInt64?, Moment?) = state.withLock { state in
            guard state.isUp, let event = state.broker.nextEvent() else {
                defer { state.timer = nil }
                return (state.timer?.id, nil)
            }
            let at = scheduler.now + max(.zero, event - clock.wallClock)
            if let timer = state.timer, timer.at == at { return (nil, nil) }
            defer { state.timer = nil }
            return (state.timer?.id, at)
        }
        if let old { scheduler.cancel(timer: old) }
        guard let next else { return }
        let id = scheduler.schedule(at: next, lane: surroundings.servers.lane) { [weak self] in
            guard let self else { return }
            self.state.withLock { $0.timer = nil }
            self.change { $0.pass(to: self.clock.wallClock) }
        }
        state.withLock { $0.timer = (next, id) }
    }

    private static func firstLine(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix { $0 != 13 }.prefix(80), as: UTF8.self)
    }
}

/// One job as an onlooker sees it.
package struct BrokerJobView: Sendable, Hashable {
    package var id: UInt64
    package var tube: String
    /// `ready`, `reserved`, `delayed` or `buried`.
    package var state: String
    package var priority: UInt32
    package var delay: UInt32
    package var body: [UInt8]
    package var reserves: UInt32
    package var timeouts: UInt32
    package var releases: UInt32
    package var buries: UInt32
    package var kicks: UInt32

    init(_ job: BrokerJob) {
        id = job.id
        tube = job.tube
        state = job.record.state.name
        priority = job.record.priority
        delay = job.record.delay
        body = job.body
        reserves = job.record.reserves
        timeouts = job.record.timeouts
        releases = job.record.releases
        buries = job.record.buries
        kicks = job.record.kicks
    }
}

extension Simulation {
    /// A beanstalkd that listens at `endpoint` from now on.
    package func broker(
        at endpoint: Endpoint = .tcp(host: "beanstalk", port: 11_300), _ settings: BrokerSettings = BrokerSettings()
    ) -> SimulatedBroker {
        let broker = SimulatedBroker(surroundings, endpoint: endpoint, settings: settings, seed: seed ^ 0xB20C)
        brokers.withLock { $0.append(broker) }
        return broker
    }
}
