package import World

/// What a process does to the outside, at the moment at which it leaves the process or has left it.
package struct Effect: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable {
        case dial, write, request, answer, datagram, child, file
    }

    package enum Edge: String, Sendable, Hashable { case before, after }

    /// Counts the process's effects from 1; both edges of one effect have the same number.
    package var index: Int
    package var kind: Kind
    package var edge: Edge
    package var detail: String

    package var description: String { "#\(index) \(edge.rawValue) \(kind.rawValue) \(detail)" }
}

/// One operating system process of a scenario: an async body with a world of its own, that can be killed, frozen and
/// thawed at an exact point.
///
/// **Killed** means: at that point all its jobs are set aside and never run again while the simulation runs. Its
/// timers vanish, its streams end at the peer, an HTTP request that has left is still carried out by the server. When
/// `Simulation.run` is over, the dead code is run to its end with every seam failing, only to give back its memory:
/// what it then calls besides the seams (a sink that a scenario handed in) should look at `isRunning` first.
///
/// Processes share one thread but must not share actors: an actor that a killed process is suspended in stays locked.
package final class SimulatedProcess: Sendable {
    package enum End: Sendable {
        case returned
        case threw(any Error)
        case killed
    }

    private enum Phase {
        case idle, running, frozen, ended, killed
    }

    private struct State {
        var phase = Phase.idle
        var root: Task<Void, Never>?
        var effects = 0
        var hook: (@Sendable (Effect) -> Void)?
        var onDeath: [UInt64: @Sendable (Death) -> Void] = [:]
        var nextOnDeath: UInt64 = 0

        mutating func takeClosers() -> [@Sendable (Death) -> Void] {
            defer { onDeath = [:] }
            return onDeath.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    /// How the peers of a dead process learn of it.
    enum Death: Sendable {
        /// The kernel closes its sockets.
        case killed
        /// Nothing is ever heard again.
        case powerLoss
    }

    package let name: String
    package let executor: DeterministicExecutor
    package let time: VirtualTime
    /// Raised when the body has returned or thrown, or the process was killed.
    package let end = Signal<End>()

    let gate: StopGate
    let surroundings: Surroundings
    private let random: SeededRandom
    private let host: HostIdentity
    private let state = Locked(State())

    init(name: String, host: HostIdentity, seed: UInt64, surroundings: Surroundings) {
        self.name = name
        self.host = host
        self.surroundings = surroundings
        executor = surroundings.scheduler.addLane(name)
        gate = StopGate()
        time = VirtualTime(
            scheduler: surroundings.scheduler, lane: executor.lane, gate: gate, start: surroundings.start, name: name)
        random = SeededRandom(seed: seed)
    }

    /// Everything impure, as this process sees it.
    package var world: World {
        World(
            executor: executor, time: time, http: ProcessTransport(process: self), dial: ProcessDialer(process: self),
            datagrams: ProcessDatagrams(process: self), children: ProcessChildren(process: self), random: random,
            files: ProcessFiles(process: self), compute: InPlaceCompute(gate: gate), host: host)
    }

    /// Started and neither frozen, ended nor dead.
    package var isRunning: Bool { state.withLock { $0.phase == .running } }
    /// How many effects it has had so far.
    package var effects: Int { state.withLock { $0.effects } }

    // MARK: Life

    /// Starts the body; once.
    package func start(_ body: @escaping @Sendable (World) async throws -> Void) {
        let starts = state.withLock { state in
            defer { if state.phase == .idle { state.phase = .running } }
            return state.phase == .idle
        }
        guard starts else { return }
        surroundings.trace.record("\(name): started")
        let world = world
        let root = Task(executorPreference: executor) {
            do {
                try await body(world)
                self.finish(.returned)
            } catch {
                self.finish(.threw(error))
            }
        }
        state.withLock { $0.root = root }
    }

    /// Cancels the body's task, as a shutdown from inside would.
    package func cancel() {
        state.withLock { $0.root }?.cancel()
    }

    /// SIGKILL, now.
    package func kill() { die(.killed) }

    /// The host loses power, now: no peer is told. They find out by their own time-outs, or by the kernel's
    /// (`SimulatedNetwork.keepAlive`).
    package func losePower() { die(.powerLoss) }

    /// SIGSTOP: from now on none of its jobs is run. Its kernel goes on: data arrives, streams stay open, clocks run.
    package func freeze() {
        let freezes = state.withLock { state in
            defer { if state.phase == .running { state.phase = .frozen } }
            return state.phase == .running
        }
        guard freezes else { return }
        surroundings.trace.record("\(name): frozen")
        gate.shut()
        surroundings.scheduler.stop(lane: executor.lane)
    }

    /// SIGCONT: timers that came due meanwhile fire now, in their order.
    package func thaw() {
        let thaws = state.withLock { state in
            defer { if state.phase == .frozen { state.phase = .running } }
            return state.phase == .frozen
        }
        guard thaws else { return }
        surroundings.trace.record("\(name): thawed")
        surroundings.scheduler.resume(lane: executor.lane)
        gate.open()
    }

    private func finish(_ end: End) {
        let (isFirst, closers) = state.withLock { state in
            guard state.phase == .running else { return (false, [@Sendable (Death) -> Void]()) }
            state.phase = .ended
            return (true, state.takeClosers())
        }
        guard isFirst else { return }
        for close in closers { close(.killed) }
        switch end {
        case .threw(let error): surroundings.trace.record("\(name): ended by \(error)")
        case .returned, .killed: surroundings.trace.record("\(name): ended")
        }
        self.end.raise(end)
    }

    private func die(_ death: Death) {
        let closers: [@Sendable (Death) -> Void]? = state.withLock { state in
            guard state.phase == .running || state.phase == .frozen || state.phase == .idle else { return nil }
            state.phase = .killed
            return state.takeClosers()
        }
        guard let closers else { return }
        surroundings.trace.record("\(name): \(death == .killed ? "killed" : "lost power")")
        gate.shut()
        surroundings.scheduler.stop(lane: executor.lane)
        surroundings.scheduler.forgetTimers(ofLane: executor.lane)
        for close in closers { close(death) }
        end.raise(.killed)
    }

    /// Ends the task when the run is over. `Scheduler.settle` then runs what that makes ready.
    func reap() {
        let (root, closers) = state.withLock { state in
            if state.phase != .ended { state.phase = .killed }
            defer { (state.root, state.hook) = (nil, nil) }
            return (state.root, state.takeClosers())
        }
        gate.reap()
        for close in closers { close(.powerLoss) }
        root?.cancel()
        surroundings.scheduler.resume(lane: executor.lane)
    }

    // MARK: Effects

    /// Called just before and just after every effect, in the middle of the seam: to kill or freeze at that point, or
    /// to count. Frozen before an effect, the process carries it out when it is thawed, however late that is.
    package func onEffect(_ hook: @escaping @Sendable (Effect) -> Void) {
        state.withLock { $0.hook = hook }
    }

    /// Kills or freezes at effect number `index`.
    package func atEffect(_ index: Int, _ edge: Effect.Edge, _ action: @escaping @Sendable (SimulatedProcess) -> Void) {
        onEffect { [weak self] effect in
            if let self, effect.index == index, effect.edge == edge { action(self) }
        }
    }

    /// Opens an effect that suspends.
    /// - Throws: `CancellationError` when the task is cancelled, or the run is over.
    func begin(_ kind: Effect.Kind, _ detail: @autoclosure () -> String) async throws -> Effect {
        try await gate.pass()
        try Task.checkCancellation()
        let effect = announce(kind, detail())
        try await gate.pass()
        return effect
    }

    /// Opens an effect that does not suspend.
    func announce(_ kind: Effect.Kind, _ detail: @autoclosure () -> String) -> Effect {
        let (index, hook) = state.withLock { state in
            state.effects += 1
            return (state.effects, state.hook)
        }
        guard let hook else { return Effect(index: index, kind: kind, edge: .before, detail: "") }
        let effect = Effect(index: index, kind: kind, edge: .before, detail: detail())
        hook(effect)
        return effect
    }

    /// The effect has left the process.
    func left(_ effect: Effect) {
        guard let hook = state.withLock({ $0.hook }) else { return }
        var after = effect
        after.edge = .after
        hook(after)
    }

    // MARK: What ends with the process

    /// - Returns: a number for `forget`, or nil when the process is dead already.
    func atDeath(_ close: @escaping @Sendable (Death) -> Void) -> UInt64? {
        state.withLock { state in
            if state.phase == .killed || state.phase == .ended { return nil }
            state.nextOnDeath += 1
            state.onDeath[state.nextOnDeath] = close
            return state.nextOnDeath
        }
    }

    func forget(atDeath id: UInt64) {
        state.withLock { $0.onDeath[id] = nil }
    }
}
