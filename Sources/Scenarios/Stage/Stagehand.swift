import HTTPKit
import Jobs
import Sandbox
import Simulation
import World

/// Makes things go wrong when it is their turn, and puts the lab right again.
final class Stagehand: Sendable {
    /// Requests of one kind: method and path, with ids left out.
    private struct Route: Sendable, Hashable {
        var method: HTTPMethod
        var path: String

        init(_ request: HTTPRequest) {
            method = request.method
            let path = request.url.utf8.prefix { $0 != UInt8(ascii: "?") }
            let parts = path.split(separator: UInt8(ascii: "/")).map { part -> String in
                let isID =
                    part.count >= 32
                    && part.allSatisfy { $0 == 45 || (48...57).contains($0) || (97...102).contains($0) }
                return isID ? "*" : String(decoding: Array(part), as: UTF8.self)
            }
            self.path = parts.joined(separator: "/")
        }
    }

    private struct State {
        var lasting: [(route: Route, fault: RequestFault)] = []
        var due: [(at: Moment, undo: @Sendable () -> Void)] = []
        var interfered = false
        /// The lab was put right: nothing lasts from now on.
        var isHealed = false
        var hidesLosses = false
        var agesLie = false
        var stoppedAt: Moment?
        var thawedAt: Moment?
        var brokerLostAt: Moment?
    }

    private let bench: Bench
    private let company: Company
    private let producer: Producer
    private let troubles: [Trouble]
    private let state = Locked(State())

    init(_ bench: Bench, _ company: Company, _ producer: Producer, _ troubles: [Trouble]) {
        self.bench = bench
        self.company = company
        self.producer = producer
        self.troubles = troubles
        if troubles.contains(where: { if case .effect = $0.point { true } else { false } }) {
            company.first.process.onEffect { [weak self] effect in self?.meet(effect) }
        }
    }

    /// People or chance changed whose the node is, or what is there.
    var interfered: Bool { state.withLock { $0.interfered } }
    /// The broker may give a job away without the first worker knowing: then only its own clock tells it.
    var hidesLosses: Bool { state.withLock { $0.hidesLosses } }
    /// The broker's clock was stepped: the ages of its jobs are wrong by as much (facts B8).
    var agesLie: Bool { state.withLock { $0.agesLie } }
    /// When the first worker last went on after it was stopped: what was on its way then may leave now.
    var thawedAt: Moment? { state.withLock { $0.thawedAt } }
    /// When the first worker was last stopped.
    var stoppedAt: Moment? { state.withLock { $0.stoppedAt } }
    /// Whether every connection to the broker was lost while the first worker was stopped: it went on without knowing.
    var lostBrokerWhileStopped: Bool {
        state.withLock { state in
            guard let stoppedAt = state.stoppedAt, let lostAt = state.brokerLostAt else { return false }
            return lostAt >= stoppedAt
        }
    }
    var stoppedProcess: String { company.first.process.name }
    /// When every connection to the broker was last lost.
    var brokerLostAt: Moment? { state.withLock { $0.brokerLostAt } }

    // MARK: When

    private func meet(_ effect: Effect) {
        for trouble in troubles where trouble.point == .effect(effect.index, effect.edge) {
            for act in trouble.acts { _ = carryOut(act, on: nil) }
        }
    }

    /// The fate of a request that leaves.
    func meet(_ exchange: SimulatedHTTP.Exchange) -> SimulatedHTTP.Delivery {
        var delivery: SimulatedHTTP.Delivery?
        for trouble in troubles where trouble.point == .request(exchange.index) {
            for act in trouble.acts { delivery = carryOut(act, on: exchange.request) ?? delivery }
        }
        if let delivery { return delivery }
        let lasting = state.withLock { $0.lasting }
        guard !lasting.isEmpty else { return .deliver }
        let route = Route(exchange.request)
        return lasting.first { $0.route == route }?.fault.delivery(of: exchange.request) ?? .deliver
    }

    /// Undoes what was to last only for a while.
    func look(at now: Moment) {
        let due = state.withLock { state in
            let due = state.due.filter { $0.at <= now }
            state.due.removeAll { $0.at <= now }
            return due
        }
        for (_, undo) in due { undo() }
    }

    /// Undoes everything that can be undone.
    func heal() {
        let due = state.withLock { state in
            defer { (state.due, state.lasting, state.isHealed) = ([], [], true) }
            return state.due
        }
        for (_, undo) in due.sorted(by: { $0.at < $1.at }) { undo() }
    }

    private func later(_ delay: Duration, _ undo: @escaping @Sendable () -> Void) {
        let at = bench.simulation.world.time.now + delay
        state.withLock { $0.due.append((at, undo)) }
    }

    // MARK: What

    private func carryOut(_ act: Trouble.Act, on request: HTTPRequest?) -> SimulatedHTTP.Delivery? {
        if act.isInterference { state.withLock { $0.interfered = true } }
        let process = company.first.process
        switch act {
        case .fault(let fault, let lasting):
            guard let request else { return nil }
            if lasting {
                state.withLock { state in
                    if !state.isHealed { state.lasting.append((Route(request), fault)) }
                }
            }
            return fault.delivery(of: request)
        case .late(let duration): return .deliverLate(duration)
        case .kill: process.kill()
        case .losePower: process.losePower()
        case .freeze(let duration):
            process.freeze()
            let now = bench.simulation.world.time.now
            state.withLock { $0.stoppedAt = now }
            later(duration) { [weak self] in
                guard let self else { return }
                let now = self.bench.simulation.world.time.now
                self.state.withLock { $0.thawedAt = now }
                process.thaw()
            }
        case .drain: company.first.drain()
        case .brokerRestarts, .brokerForgets, .brokerDropsConnections, .brokerIsFull, .brokerDrains, .brokerClock,
            .brokerUnreachable:
            disturbBroker(act)
        case .unlock, .relock, .removeServer, .failServer, .markDown, .noQuota, .revokeTokens:
            disturbLab(act)
        }
        return nil
    }

    private func disturbBroker(_ act: Trouble.Act) {
        let (broker, network, endpoint) = (bench.broker, bench.simulation.network, bench.broker.endpoint)
        let process = company.first.process.name
        let now = bench.simulation.world.time.now
        switch act {
        case .brokerRestarts:
            restartBroker()
        case .brokerForgets:
            state.withLock { $0.brokerLostAt = now }
            producer.brokerForgets()
        case .brokerDropsConnections:
            state.withLock { $0.brokerLostAt = now }
            broker.dropConnections()
        case .brokerIsFull(let duration):
            broker.setDiskFull(true)
            later(duration) { [weak self] in
                broker.setDiskFull(false)
                // It may have died meanwhile, and could not come up again.
                broker.start()
                // A disk that fills up between a worker's probe and its release costs a job; this brings it back.
                if broker.hasLimbo { self?.restartBroker() }
            }
        case .brokerDrains(let duration):
            broker.drain()
            later(duration) { [weak self] in self?.restartBroker() }
        case .brokerClock(let duration):
            state.withLock { ($0.hidesLosses, $0.agesLie) = (true, true) }
            broker.stepClock(by: duration)
        case .brokerUnreachable(let duration):
            state.withLock { $0.hidesLosses = true }
            network.partition(from: process, to: endpoint)
            later(duration) { network.heal(from: process, to: endpoint) }
        default: break
        }
    }

    /// One that was once started without its log has none from then on.
    private func restartBroker() {
        let now = bench.simulation.world.time.now
        state.withLock { $0.brokerLostAt = now }
        if producer.hasReordered { producer.brokerForgets() } else { bench.broker.restart() }
    }

    private func disturbLab(_ act: Trouble.Act) {
        let now = bench.simulation.world.time.wallClock
        let sandbox = bench.sandbox
        let node = "\(Scenery.node).\(Bench.domain)"
        sandbox.withState { state in
            switch act {
            case .unlock: Scenery.unlock(Scenery.node, in: &state)
            case .relock: Scenery.lock(Scenery.node, for: "they@lab", "their run", in: &state)
            case .removeServer:
                for id in Self.ours(&state, now) { state.cloud.removeServer(id, at: now) }
            case .failServer:
                for id in Self.building(&state, now) {
                    state.cloud.failServer(id, "Build of instance aborted: simulated", at: now)
                }
            case .markDown:
                guard var record = state.paddles.node(node) else { return }
                record.up = false
                state.paddles.put(record)
            case .noQuota:
                var quotas = CloudQuotas.roomy
                (quotas.instances, quotas.volumes) = (0, 0)
                state.cloud.setQuotas(quotas)
            case .revokeTokens: state.cloud.revokeTokens()
            default: return
            }
        }
        switch act {
        case .markDown(let duration):
            later(duration) {
                sandbox.withState { state in
                    guard var record = state.paddles.node(node) else { return }
                    record.up = true
                    state.paddles.put(record)
                }
            }
        case .noQuota(let duration):
            later(duration) { sandbox.withState { $0.cloud.setQuotas(.roomy) } }
        default: break
        }
    }

    private static func ours(_ state: inout SandboxState, _ now: Timestamp) -> [String] {
        state.cloud.snapshot(at: now).servers.filter { server in
            server.name == Scenery.node && server.metadata["cirrata_site"] == Bench.site
        }.map(\.id)
    }

    private static func building(_ state: inout SandboxState, _ now: Timestamp) -> [String] {
        state.cloud.snapshot(at: now).servers.filter { server in
            server.name == Scenery.node && server.metadata["cirrata_site"] == Bench.site && server.status == "BUILD"
        }.map(\.id)
    }
}
