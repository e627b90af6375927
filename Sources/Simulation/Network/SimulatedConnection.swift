import DequeModule
import World

/// Both ends of one byte stream and what is on its way between them.
final class SimulatedConnection: Sendable {
    enum Side: Int, Sendable {
        case client = 0
        case server = 1

        var peer: Side { self == .client ? .server : .client }
    }

    /// What travels, in order.
    private enum Item {
        case bytes([UInt8])
        case end
        case reset
    }

    private struct End {
        // What has arrived here.
        var inbox = Deque<UInt8>()
        var hasEnded = false
        var failure: NetworkFailure?
        var reader: OneShot<Void>?
        // What leaves from here.
        var unsent = Deque<UInt8>()
        var flight = Deque<(at: Moment, item: Item)>()
        var bytesInFlight = 0
        var drainers: [OneShot<Void>] = []
        var isClosed = false
        /// Its host lost power: nothing leaves, nothing is taken.
        var hasVanished = false
        /// Set when bytes are sent that nobody will ever acknowledge.
        var givesUpAt: Moment?
    }

    private struct State {
        var ends = [End(), End()]
        var link: Link
        var isPartitioned = false
        var wakes: [OneShot<Void>] = []
        var timers: [(at: Moment, side: Side)] = []

        subscript(side: Side) -> End {
            get { ends[side.rawValue] }
            _modify { yield &ends[side.rawValue] }
        }
    }

    let id: UInt64
    let client: String
    let endpoint: Endpoint
    private let scheduler: Scheduler
    private let lane: Int
    private let silence: SilenceLimits
    private let random: SeededRandom
    private let state: Locked<State>

    init(
        id: UInt64, client: String, endpoint: Endpoint, link: Link, silence: SilenceLimits, scheduler: Scheduler,
        lane: Int, random: SeededRandom
    ) {
        self.id = id
        self.client = client
        self.endpoint = endpoint
        self.silence = silence
        self.scheduler = scheduler
        self.lane = lane
        self.random = random
        state = Locked(State(link: link))
    }

    // MARK: What a stream does

    func read(_ side: Side) async throws -> [UInt8]? {
        while true {
            let wait = OneShot<Void>()
            let ready: Result<[UInt8]?, NetworkFailure>? = change { state in
                if state[side].isClosed { return .failure(self.failure(.closed, "closed here")) }
                if !state[side].inbox.isEmpty { return .success(self.take(side, &state)) }
                // Like the kernel: an end that was received comes before the reset that a later write brought.
                if state[side].hasEnded { return .success(nil) }
                if let failure = state[side].failure { return .failure(failure) }
                state[side].reader = wait
                return nil
            }
            if let ready { return try ready.get() }
            try await wait.value { [weak self] in
                self?.change { state in if state[side].reader === wait { state[side].reader = nil } }
            }
        }
    }

    func write(_ bytes: [UInt8], from side: Side) {
        change { state in
            if state[side].isClosed || state[side].failure != nil || bytes.isEmpty { return }
            state[side].unsent.append(contentsOf: bytes)
            pump(side, &state)
        }
    }

    func unsent(_ side: Side) -> Int { state.withLock { $0[side].unsent.count } }

    func drained(_ side: Side) async throws {
        let wait = OneShot<Void>()
        let ready: Result<Void, NetworkFailure>? = change { state in
            if state[side].isClosed { return .failure(self.failure(.closed, "closed here")) }
            if let failure = state[side].failure { return .failure(failure) }
            if state[side].unsent.isEmpty { return .success(()) }
            state[side].drainers.append(wait)
            return nil
        }
        if let ready { return try ready.get() }
        try await wait.value()
        if let failure = state.withLock({ $0[side].failure }) { throw failure }
    }

    /// As the kernel does it, also for a process that died: a reset when unread bytes are thrown away, an end otherwise.
    func close(_ side: Side) {
        change { state in
            if state[side].isClosed { return }
            state[side].isClosed = true
            wakeAll(side, &state)
            if state[side].failure != nil || state[side].hasVanished { return }
            let isRude = !state[side].inbox.isEmpty
            state[side].inbox = []
            state[side].unsent = []
            send(isRude ? .reset : .end, from: side, &state)
        }
    }

    /// Both sides are done with it.
    var isOver: Bool {
        state.withLock { state in
            state.ends.allSatisfy { $0.isClosed || $0.failure != nil || $0.hasVanished }
        }
    }

    // MARK: Faults

    /// Both ends see a reset now; what was on its way is lost.
    func cut() {
        change { state in
            for side in [Side.client, .server] {
                state[side].flight = []
                state[side].bytesInFlight = 0
                fail(side, failure(.reset, "connection reset by peer"), &state)
            }
        }
    }

    /// Nothing arrives any more, until `heal`; nobody is told.
    func partition() {
        change { $0.isPartitioned = true }
    }

    /// What TCP kept sending meanwhile arrives now, in order.
    func heal() {
        change { state in
            state.isPartitioned = false
            for side in [Side.client, .server] {
                state[side].givesUpAt = nil
                deliverDue(from: side, &state)
            }
        }
    }

    /// The host of this side loses power.
    func vanish(_ side: Side) {
        change { state in
            state[side].hasVanished = true
            state[side].flight = []
            state[side].bytesInFlight = 0
            if side == .client { state.timers.append((scheduler.now + silence.keepAlive, side.peer)) }
        }
    }

    func use(_ link: Link) {
        change { $0.link = link }
    }

    /// Who waits here, for the report of a deadlock.
    var waiting: [String] {
        state.withLock { state in
            var waiting: [String] = []
            if state[.client].reader != nil { waiting.append("\(client) reads from \(endpoint)") }
            if !state[.client].drainers.isEmpty { waiting.append("\(client) drains to \(endpoint)") }
            if state[.server].reader != nil { waiting.append("\(endpoint) reads from \(client)") }
            if !state[.server].drainers.isEmpty { waiting.append("\(endpoint) drains to \(client)") }
            return waiting
        }
    }

    // MARK: Transport

    /// Every change: under the lock first, then timers are set and tasks are woken outside it.
    @discardableResult
    private func change<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        let (value, wakes, timers) = state.withLock { state in
            let value = body(&state)
            defer { (state.wakes, state.timers) = ([], []) }
            return (value, state.wakes, state.timers)
        }
        for timer in timers {
            scheduler.schedule(at: timer.at, lane: lane) { [weak self] in self?.tick(timer.side) }
        }
        for wake in wakes { wake.resolve(.success(())) }
        return value
    }

    private func tick(_ side: Side) {
        change { state in
            deliverDue(from: side, &state)
            let peer = state[side.peer]
            guard peer.hasVanished || state.isPartitioned else { return }
            let keepAlive = side == .server && peer.hasVanished && state[side].givesUpAt == nil
            if keepAlive || state[side].givesUpAt.map({ $0 <= scheduler.now }) == true {
                fail(side, failure(.timeout, "connection timed out"), &state)
            }
        }
    }

    private func take(_ side: Side, _ state: inout State) -> [UInt8] {
        var count = state[side].inbox.count
        if state.link.splitsReads { count = 1 + Int(random.next() % UInt64(count)) }
        let bytes = Array(state[side].inbox.prefix(count))
        state[side].inbox.removeFirst(count)
        pump(side.peer, &state)
        return bytes
    }

    /// Hands to the kernel what it takes.
    private func pump(_ side: Side, _ state: inout State) {
        let used = state[side].bytesInFlight + state[side.peer].inbox.count
        let room = min(state.link.buffer - used, state[side].unsent.count)
        if room > 0 {
            let bytes = Array(state[side].unsent.prefix(room))
            state[side].unsent.removeFirst(room)
            send(.bytes(bytes), from: side, &state)
        }
        if state[side].unsent.isEmpty {
            state.wakes += state[side].drainers
            state[side].drainers = []
        }
    }

    private func send(_ item: Item, from side: Side, _ state: inout State) {
        if state[side].hasVanished { return }
        if state[side.peer].hasVanished || state.isPartitioned, state[side].givesUpAt == nil {
            let at = scheduler.now + silence.retransmission
            state[side].givesUpAt = at
            state.timers.append((at, side))
        }
        let at = scheduler.now + state.link.latency
        if case .bytes(let bytes) = item { state[side].bytesInFlight += bytes.count }
        state[side].flight.append((at, item))
        if state.link.latency > .zero {
            state.timers.append((at, side))
        } else {
            deliverDue(from: side, &state)
        }
    }

    private func deliverDue(from side: Side, _ state: inout State) {
        if state.isPartitioned || state[side.peer].hasVanished { return }
        while let first = state[side].flight.first, first.at <= scheduler.now {
            state[side].flight.removeFirst()
            deliver(first.item, from: side, &state)
        }
    }

    private func deliver(_ item: Item, from side: Side, _ state: inout State) {
        let peer = side.peer
        switch item {
        case .bytes(let bytes):
            state[side].bytesInFlight -= bytes.count
            if state[peer].isClosed {
                if state[side].failure == nil { send(.reset, from: peer, &state) }
                return
            }
            state[peer].inbox.append(contentsOf: bytes)
        case .end:
            state[peer].hasEnded = true
        case .reset:
            fail(peer, failure(.reset, "connection reset by peer"), &state)
        }
        if let reader = state[peer].reader {
            state[peer].reader = nil
            state.wakes.append(reader)
        }
    }

    private func fail(_ side: Side, _ failure: NetworkFailure, _ state: inout State) {
        if state[side].failure == nil { state[side].failure = failure }
        state[side].unsent = []
        wakeAll(side, &state)
    }

    private func wakeAll(_ side: Side, _ state: inout State) {
        if let reader = state[side].reader { state.wakes.append(reader) }
        state.wakes += state[side].drainers
        state[side].reader = nil
        state[side].drainers = []
    }

    private func failure(_ reason: NetworkFailure.Reason, _ detail: String) -> NetworkFailure {
        NetworkFailure(reason: reason, doing: "stream to \(endpoint)", detail: detail)
    }
}
