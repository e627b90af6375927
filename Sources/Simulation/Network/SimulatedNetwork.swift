package import World

/// Byte streams between simulated processes and in-process servers, and everything that can go wrong with them.
///
/// Faults name an endpoint and, if they are to hit one process only, its name.
package final class SimulatedNetwork: Sendable {
    /// Serves one accepted connection; when it returns the stream is closed.
    package typealias Server = @Sendable (any ByteStream) async -> Void

    private struct Route: Sendable {
        var client: String?
        var endpoint: Endpoint

        func matches(_ client: String, _ endpoint: Endpoint) -> Bool {
            self.endpoint == endpoint && (self.client == nil || self.client == client)
        }
    }

    private struct State {
        var servers: [Endpoint: Server] = [:]
        var links: [(route: Route, link: Link)] = []
        var partitions: [Route] = []
        var standard = Link()
        var silence = SilenceLimits()
        var connections: [UInt64: SimulatedConnection] = [:]
        var nextID: UInt64 = 0

        func link(_ client: String, _ endpoint: Endpoint) -> Link {
            links.last { $0.route.client == client && $0.route.endpoint == endpoint }?.link
                ?? links.last { $0.route.client == nil && $0.route.endpoint == endpoint }?.link ?? standard
        }

        func matching(_ route: Route) -> [SimulatedConnection] {
            connections.sorted { $0.key < $1.key }.map(\.value).filter { route.matches($0.client, $0.endpoint) }
        }
    }

    private let scheduler: Scheduler
    private let lane: Int
    private let tasks: ServerTasks
    private let trace: Trace
    private let random: SeededRandom
    private let state = Locked(State())

    init(scheduler: Scheduler, lane: Int, tasks: ServerTasks, trace: Trace, seed: UInt64) {
        self.scheduler = scheduler
        self.lane = lane
        self.tasks = tasks
        self.trace = trace
        random = SeededRandom(seed: seed)
        scheduler.addReporter { [weak self] in
            guard let self else { return [] }
            let connections = self.state.withLock { $0.connections.sorted { $0.key < $1.key }.map(\.value) }
            return connections.flatMap(\.waiting)
        }
    }

    // MARK: Servers

    /// Accepts connections to `endpoint` from now on. Nobody listening means: refused.
    package func listen(on endpoint: Endpoint, _ server: @escaping Server) {
        state.withLock { $0.servers[endpoint] = server }
    }

    /// New connections are refused; those that exist go on.
    package func stopListening(on endpoint: Endpoint) {
        state.withLock { $0.servers[endpoint] = nil }
    }

    /// Open connections to an endpoint, for assertions.
    package func connections(to endpoint: Endpoint) -> Int {
        state.withLock { state in state.connections.values.count { $0.endpoint == endpoint && !$0.isOver } }
    }

    // MARK: Links and faults

    /// Links that have no settings of their own.
    package func setStandard(_ change: (inout Link) -> Void) {
        var link = state.withLock { $0.standard }
        change(&link)
        state.withLock { $0.standard = link }
    }

    /// Changes a link, for new connections and for those that exist.
    package func setLink(to endpoint: Endpoint, from process: String? = nil, _ change: (inout Link) -> Void) {
        let route = Route(client: process, endpoint: endpoint)
        var link = state.withLock { $0.link(process ?? "", endpoint) }
        change(&link)
        let connections = state.withLock { [link] state in
            state.links.removeAll { $0.route.client == route.client && $0.route.endpoint == route.endpoint }
            state.links.append((route, link))
            return state.matching(route)
        }
        for connection in connections { connection.use(link) }
    }

    package func setSilenceLimits(_ limits: SilenceLimits) {
        state.withLock { $0.silence = limits }
    }

    /// Both ends of every connection see a reset.
    package func cut(to endpoint: Endpoint, from process: String? = nil) {
        trace.record("network: cut \(process ?? "all") - \(endpoint)")
        let route = Route(client: process, endpoint: endpoint)
        for connection in state.withLock({ $0.matching(route) }) { connection.cut() }
    }

    /// Half-open: nothing arrives any more in either direction, new connections hang, nobody is told. What TCP keeps
    /// sending arrives after `heal`, unless a kernel gave up before.
    package func partition(from process: String? = nil, to endpoint: Endpoint) {
        trace.record("network: partition \(process ?? "all") - \(endpoint)")
        let route = Route(client: process, endpoint: endpoint)
        let connections = state.withLock { state in
            state.partitions.append(route)
            return state.matching(route)
        }
        for connection in connections { connection.partition() }
    }

    package func heal(from process: String? = nil, to endpoint: Endpoint) {
        trace.record("network: heal \(process ?? "all") - \(endpoint)")
        let route = Route(client: process, endpoint: endpoint)
        let connections = state.withLock { state in
            state.partitions.removeAll { $0.endpoint == endpoint && $0.client == process }
            return state.matching(route).filter { connection in
                !state.partitions.contains { $0.matches(connection.client, connection.endpoint) }
            }
        }
        for connection in connections { connection.heal() }
    }

    // MARK: Dialling

    func connect(to endpoint: Endpoint, timeout: Duration, of process: SimulatedProcess) async throws -> any ByteStream
    {
        let doing = "connect to \(endpoint)"
        let effect = try await process.begin(.dial, "\(endpoint)")
        defer { process.left(effect) }
        trace.record("\(process.name): \(doing)")
        let deadline = scheduler.now + timeout
        let (link, isPartitioned) = state.withLock { state in
            (
                state.link(process.name, endpoint),
                state.partitions.contains { $0.matches(process.name, endpoint) }
            )
        }
        let timedOut = NetworkFailure(reason: .timeout, doing: doing, detail: "no answer within \(timeout.short)")
        if link.dialling == .isUnresolvable {
            throw NetworkFailure(reason: .resolve, doing: doing, detail: "name or service not known")
        }
        let roundTrip = link.latency + link.latency
        guard !isPartitioned, link.dialling != .isBlackHole, roundTrip <= timeout else {
            try await process.time.sleep(until: deadline)
            throw timedOut
        }
        if roundTrip > .zero { try await process.time.sleep(for: roundTrip) }
        guard link.dialling == .connects, let server = state.withLock({ $0.servers[endpoint] }) else {
            throw NetworkFailure(reason: .refused, doing: doing, detail: "connection refused")
        }
        return try await establish(endpoint, link, server, of: process)
    }

    private func establish(
        _ endpoint: Endpoint, _ link: Link, _ server: @escaping Server, of process: SimulatedProcess
    ) async throws -> any ByteStream {
        try await process.gate.pass()
        let connection = state.withLock { state in
            state.nextID += 1
            let connection = SimulatedConnection(
                id: state.nextID, client: process.name, endpoint: endpoint, link: link, silence: state.silence,
                scheduler: scheduler, lane: lane, random: random)
            state.connections[connection.id] = connection
            return connection
        }
        guard let stream = ProcessStream(connection: connection, process: process) else {
            state.withLock { $0.connections[connection.id] = nil }
            throw CancellationError()
        }
        tasks.start { [weak self] in
            await server(ServerStream(connection: connection))
            connection.close(.server)
            self?.state.withLock { $0.connections[connection.id] = nil }
        }
        return stream
    }

    func shutDown() {
        state.withLock { state in
            state.servers = [:]
            state.connections = [:]
        }
    }
}

/// `Dialer` as one process sees it.
struct ProcessDialer: Dialer {
    let process: SimulatedProcess

    func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream {
        try await process.surroundings.network.connect(to: endpoint, timeout: timeout, of: process)
    }
}
