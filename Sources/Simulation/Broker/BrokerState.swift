import DequeModule
import HeapModule
import World

/// beanstalkd as a value: bytes, connections and time go in, bytes come out. Behaves as 1.12 does (facts/beanstalkd.md),
/// or as 1.13 where the two differ. All its deadlines are calendar time, so a stepped clock fires or delays them (B8).
///
/// The contract test runs one script against this and the real one.
struct BrokerState: Sendable {
    enum Action: Sendable, Equatable {
        case send([UInt8], to: UInt64)
        case close(UInt64)
    }

    struct Totals: Sendable {
        var commands: [String: UInt64] = [:]
        var timeouts: UInt64 = 0
        var jobs: UInt64 = 0
        var connections: UInt64 = 0
    }

    /// Something that time does. Kept until it comes up, and then looked at again: most are stale by then.
    struct Event: Comparable, Sendable {
        enum Kind: Sendable, Equatable {
            case delayOver(job: UInt64, stamp: UInt64)
            case pauseOver(tube: String)
            /// A waiting connection holds a job that is in its last second.
            case deadlineSoon(connection: UInt64, wait: UInt64)
            case timeToRunOver(job: UInt64, connection: UInt64, stamp: UInt64)
            case waitOver(connection: UInt64, wait: UInt64)
        }

        var at: Timestamp
        var sequence: UInt64
        var kind: Kind

        static func < (a: Event, b: Event) -> Bool { (a.at, a.sequence) < (b.at, b.sequence) }
    }

    var settings: BrokerSettings
    var now: Timestamp
    var started: Timestamp
    var instance: UInt64
    var jobs: [UInt64: BrokerJob] = [:]
    var nextJobID: UInt64 = 1
    var tubes: [String: BrokerTube] = [:]
    var tubeOrder = SwapBag<String>()
    var connections: [UInt64: BrokerConnection] = [:]
    var totals = Totals()
    var log = BrokerLog()
    var isDraining = false
    var isDiskFull = false
    private var random: SplitMix
    private var actions: [Action] = []
    /// Connections that left a reserve: what stands behind it is read when the command at hand is done.
    private var runnable: [UInt64] = []
    private var events = Heap<Event>()
    private var sequence: UInt64 = 0

    init(settings: BrokerSettings, now: Timestamp, instance: UInt64, log: BrokerLog = BrokerLog()) {
        self.settings = settings
        self.now = now
        self.instance = instance
        self.log = log
        started = now
        random = SplitMix(seed: instance)
        openTube("default")
        if settings.isPersistent { startLog() }
    }

    // MARK: What comes in

    mutating func connect(_ id: UInt64, at time: Timestamp) -> [Action] {
        tick(at: time)
        connections[id] = BrokerConnection(id: id)
        connections[id]?.watch.append("default")
        tubes["default"]?.watching += 1
        tubes["default"]?.using += 1
        totals.connections += 1
        return takeActions()
    }

    mutating func receive(_ bytes: [UInt8], from id: UInt64, at time: Timestamp) -> [Action] {
        tick(at: time)
        connections[id]?.input.append(contentsOf: bytes)
        advance(id)
        // Only what came late is left to expire here.
        if settings.expiry != .prompt { expireReservations(of: id) }
        return takeActions()
    }

    /// The connection is over: its jobs are ready at once, no counter moves (facts A7).
    /// - Parameter isEnd: the client has ended it, and may read on: what it has sent before is still obeyed, except that
    ///   a reserve does not wait (facts A4). Otherwise it broke.
    mutating func disconnect(_ id: UInt64, isEnd: Bool = true, at time: Timestamp) -> [Action] {
        tick(at: time)
        while isEnd, connections[id]?.isWaiting == true {
            stopWaiting(id, reply: "TIMED_OUT\r\n")
            advanceRunnable()
        }
        close(id)
        return takeActions()
    }

    /// Lets time pass.
    mutating func pass(to time: Timestamp) -> [Action] {
        tick(at: time)
        return takeActions()
    }

    /// When time does something next.
    mutating func nextEvent() -> Timestamp? {
        while let event = events.min {
            if isCurrent(event.kind) { return event.at }
            events.removeMin()
        }
        return nil
    }

    // MARK: Time

    mutating func at(_ time: Timestamp, _ kind: Event.Kind) {
        events.insert(Event(at: time, sequence: newSequence(), kind: kind))
    }

    mutating func newSequence() -> UInt64 {
        sequence += 1
        return sequence
    }

    private mutating func tick(at time: Timestamp) {
        now = time
        while let event = events.min, event.at <= now {
            events.removeMin()
            if isCurrent(event.kind) { happen(event.kind) }
        }
    }

    private func isCurrent(_ kind: Event.Kind) -> Bool {
        switch kind {
        case .delayOver(let job, let stamp):
            jobs[job]?.stamp == stamp && jobs[job]?.record.state == .delayed
        case .pauseOver(let tube):
            tubes[tube]?.pausedUntil != nil
        case .deadlineSoon(let connection, let wait), .waitOver(let connection, let wait):
            isWaiting(connection, wait)
        case .timeToRunOver(let job, let connection, let stamp):
            jobs[job]?.stamp == stamp && jobs[job]?.isReserved(by: connection) == true
        }
    }

    private mutating func happen(_ kind: Event.Kind) {
        switch kind {
        case .delayOver(let id, _):
            guard let tube = jobs[id]?.tube else { return }
            tubes[tube]?.delayed.left()
            enqueue(id)
        case .pauseOver(let name):
            guard let until = tubes[name]?.pausedUntil else { return }
            if until > now { return at(until, .pauseOver(tube: name)) }
            tubes[name]?.pausedUntil = nil
            tubes[name]?.pause = 0
            matchWaiting()
        case .deadlineSoon(let connection, _):
            stopWaiting(connection, reply: "DEADLINE_SOON\r\n")
        case .timeToRunOver(let id, let connection, _):
            guard let deadline = jobs[id]?.record.deadline else { return }
            // It was touched meanwhile.
            if deadline > now { return at(deadline, kind) }
            let isLate = settings.expiry == .late || settings.expiry == .asMeasured && random.next() % 2 == 0
            if !isLate { expire(id, heldBy: connection) }
        case .waitOver(let connection, _):
            stopWaiting(connection, reply: "TIMED_OUT\r\n")
        }
    }

    /// Silently: nobody is told (facts B2).
    private mutating func expire(_ id: UInt64, heldBy connection: UInt64) {
        totals.timeouts += 1
        jobs[id]?.record.timeouts += 1
        unreserve(id, from: connection)
        enqueue(id)
    }

    private mutating func expireReservations(of connection: UInt64) {
        for id in connections[connection]?.reserved ?? [] {
            if let deadline = jobs[id]?.record.deadline, deadline <= now { expire(id, heldBy: connection) }
        }
    }

    // MARK: Connections

    mutating func reply(_ text: String, to id: UInt64) {
        actions.append(.send(Array(text.utf8), to: id))
    }

    mutating func reply(_ head: String, _ body: [UInt8], to id: UInt64) {
        actions.append(.send(Array("\(head) \(body.count)\r\n".utf8) + body + [13, 10], to: id))
    }

    /// Works off what a connection has sent, up to the next thing it must wait for.
    mutating func advance(_ id: UInt64) {
        while true {
            guard let phase = connections[id]?.phase else { return }
            switch phase {
            case .command, .swallowingLine:
                guard let line = connections[id]?.nextLine() else { return }
                switch line {
                case .tooLong: reply("BAD_FORMAT\r\n", to: id)
                case .command(let bytes): dispatch(bytes, from: id)
                }
            case .body(let put):
                guard let input = connections[id]?.input, input.count >= put.size + 2 else { return }
                let body = Array(input.prefix(put.size + 2))
                connections[id]?.input.removeFirst(put.size + 2)
                connections[id]?.phase = .command
                finish(put, body, from: id)
            case .swallowing(let left, let refusal):
                let count = min(left, connections[id]?.input.count ?? 0)
                connections[id]?.input.removeFirst(count)
                if count < left {
                    connections[id]?.phase = .swallowing(left - count, reply: refusal)
                    return
                }
                connections[id]?.phase = .command
                reply(refusal, to: id)
            case .waiting, .closed:
                return
            }
        }
    }

    mutating func quit(_ id: UInt64) {
        actions.append(.close(id))
        close(id)
    }

    private mutating func close(_ id: UInt64) {
        guard let connection = connections[id] else { return }
        leaveWaiting(id)
        connections[id]?.phase = .closed
        for job in connection.reserved {
            unreserve(job, from: id)
            enqueue(job)
        }
        var watch = connection.watch
        while let name = watch.items.first {
            watch.remove(name)
            tubes[name]?.watching -= 1
            dropIfUnused(name)
        }
        tubes[connection.use]?.using -= 1
        dropIfUnused(connection.use)
        connections[id] = nil
    }

    private mutating func takeActions() -> [Action] {
        advanceRunnable()
        defer { actions = [] }
        return actions
    }

    private mutating func advanceRunnable() {
        while !runnable.isEmpty { advance(runnable.removeFirst()) }
    }

    // MARK: Waiting

    func isWaiting(_ id: UInt64, _ wait: UInt64) -> Bool {
        if case .waiting(let current) = connections[id]?.phase { current == wait } else { false }
    }

    mutating func startWaiting(_ id: UInt64, timeout: Int32?) {
        guard let connection = connections[id] else { return }
        let wait = newSequence()
        connections[id]?.phase = .waiting(id: wait)
        for name in connection.watch.items { tubes[name]?.waiting.append(id) }
        if let soonest = soonestDeadline(of: connection) {
            at(soonest - .seconds(1), .deadlineSoon(connection: id, wait: wait))
        }
        if let timeout, timeout >= 0 { at(now + .seconds(timeout), .waitOver(connection: id, wait: wait)) }
        matchWaiting()
        // What is due already is answered before anything else is read.
        tick(at: now)
    }

    mutating func leaveWaiting(_ id: UInt64) {
        guard let connection = connections[id], connection.isWaiting else { return }
        connections[id]?.phase = .command
        for name in connection.watch.items { tubes[name]?.waiting.remove(id) }
        runnable.append(id)
    }

    private mutating func stopWaiting(_ id: UInt64, reply text: String) {
        leaveWaiting(id)
        reply(text, to: id)
    }

    func soonestDeadline(of connection: BrokerConnection) -> Timestamp? {
        connection.reserved.compactMap { jobs[$0]?.record.deadline }.min()
    }
}
