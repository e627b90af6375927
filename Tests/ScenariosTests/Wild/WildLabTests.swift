import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Failures from the wild: everything around the servers.
@Suite struct WildLabTests {
    /// How a provision fails after something was built.
    enum Failure: String, CaseIterable, Sendable { case build, refusedName, unlocked, volumes }

    private func failed(_ failure: Failure) throws -> WildLab {
        let lab = try WildLab(sandbox: { if failure == .refusedName { $0.allowHosts = "^other" } })
        lab.change { cloud, _ in
            if failure == .build { cloud.plan(server: .hostsExhausted, times: 3) }
            if failure == .volumes { cloud.plan(volume: .createFails, times: 100) }
        }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            lab.provision(volumes: 2)
            if failure == .unlocked {
                try await world.time.sleep(for: .seconds(22))
                lab.bench.sandbox.withState { state in
                    guard var node = state.paddles.node("\(WildLab.node).\(Bench.domain)") else { return }
                    node.locked = false
                    node.lockedBy = nil
                    state.paddles.put(node)
                }
            }
            try await lab.bench.settled()
        }
        #expect(lab.cloud.serversCreated > 0)
        #expect(lab.outcomes.last != .done)
        return lab
    }

    /// We create none ourselves: Nova makes them with the server and takes them with it.
    @Test("15: a provision that fails leaves no port", arguments: Failure.allCases)
    func ports(failure: Failure) throws {
        let lab = try failed(failure)
        #expect(lab.bench.sandbox.withState { $0.cloud.portCount } == 0)
        #expect(lab.requests(.network).allSatisfy { $0.method == .get })
        #expect(lab.violations(.empty).isEmpty)
    }

    /// Servers are reached at the addresses of their own networks; floating ones are not supported.
    @Test("16: floating addresses are never asked for, so none can be left", arguments: Failure.allCases)
    func floatingAddresses(failure: Failure) throws {
        let lab = try failed(failure)
        #expect(lab.requests(.network).allSatisfy { !$0.path.contains("floatingips") })
        #expect(lab.requests(.compute).allSatisfy { !$0.path.contains("floating") })
    }

    @Test("24: more than a thousand servers are read to the last page", arguments: [true, false])
    func manyServers(isOlder: Bool) throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            // Listed newest first, so ours is on the last page.
            lab.provision(key: "old")
            try await lab.bench.settled()
            lab.change { cloud, now in
                for number in 1...1_100 { cloud.addServer(named: "stranger-\(number)", at: now) }
            }
            if isOlder {
                lab.provision(key: "new")
            } else {
                lab.destroy()
            }
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done, .done])
        #expect(lab.violations(isOlder ? .provisioned(volumes: 0) : .empty).isEmpty)
        #expect(lab.cloud.servers.count == 1_100 + (isOlder ? 1 : 0))
        #expect(lab.requests(.compute, .get, "/v2.1/servers/detail").contains { $0.path.contains("marker=") })
    }

    private static let passing: [NsupdateWeb.Trouble] = [
        .wrongKey, .keyFileMissing, .nameServerDown(at: "127.0.0.1#53"), .zoneRefuses, .timeout(applied: false),
        .timeout(applied: true), .warning("a warning"), .silentFailure, .programMissing,
    ]

    @Test("29: DNS that fails for ten minutes keeps the server that is up", arguments: passing)
    func dnsFails(trouble: NsupdateWeb.Trouble) throws {
        let lab = try WildLab(nodes: 3)
        lab.bench.sandbox.withState { $0.nsupdate.trouble = trouble }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            for node in lab.nodes { lab.provision(node, key: "u-\(node)", volumes: 1) }
            try await world.time.sleep(for: .seconds(600))
            #expect(lab.cloud.servers.count == 3)
            lab.bench.sandbox.withState { $0.nsupdate.trouble = nil }
            let back = world.time.now
            try await lab.bench.settled()
            #expect(world.time.now - back < .seconds(300), "took \((world.time.now - back).short)")
        }
        #expect(lab.cloud.serversCreated == 3 && lab.cloud.volumesCreated == 3)
        #expect(lab.requests(.compute, .delete).isEmpty && lab.requests(.volume, .delete).isEmpty)
        #expect(lab.bench.buried == 0)
        #expect(lab.nodes.flatMap { lab.violations(.provisioned(volumes: 1), of: $0) }.isEmpty)
    }

    @Test("29: a name that is refused for good takes the server with it", arguments: [400, 403])
    func dnsRefuses(status: Int) throws {
        let lab = try WildLab()
        _ = lab.fault(.nsupdate, is: .answering(status, body: "no"))
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 1)
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.rejected])
        #expect(lab.bench.reports.map(\.status) == [status])
        #expect(lab.violations(.empty).isEmpty)
    }

    @Test("30: host keys are those of the server that has the address now, not of the one that had it before")
    func recycledAddress() throws {
        let lab = try WildLab(
            sandbox: { $0.addresses = "203.0.113.0/30" }, site: { $0.ssh.checksHostKeys = true })
        let key: @Sendable (String) -> String = { id in "ssh-ed25519 AAAA" + id.filter { $0 != "-" } }
        lab.bench.simulation.children.handle { command in
            let host = command.arguments.last ?? ""
            let server = lab.cloud.servers.first { $0.addresses.contains { $0.address == host } }
            guard let server, server.status == "ACTIVE" else {
                return .ended(ChildResult(end: .exited(1), output: [], errors: []))
            }
            return .ended(
                ChildResult(end: .exited(0), output: Array("\(host) \(key(server.id))\n".utf8), errors: []),
                after: .seconds(1))
        }
        lab.bench.simulation.network.listen(on: .tcp(host: "203.0.113.2", port: 22)) { _ in }
        let keys = Locked<[String?]>([])
        let addresses = Locked<[String]>([])
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            for round in 1...3 {
                lab.provision(key: "p\(round)")
                try await lab.bench.settled()
                let server = lab.cloud.servers.first
                #expect(lab.record?.sshPublicKey == server.map { key($0.id) })
                keys.withLock { $0.append(lab.record?.sshPublicKey) }
                addresses.withLock { $0 += server?.addresses.map(\.address) ?? [] }
                if round == 2 { continue }
                lab.destroy(key: "d\(round)")
                try await lab.bench.settled()
                #expect(lab.record?.sshPublicKey == nil)
            }
        }
        #expect(Set(addresses.withLock { $0 }).count == 1)
        #expect(Set(keys.withLock { $0 }).count == 3)
        #expect(lab.bench.buried == 0)
    }

    enum Body: String, CaseIterable, Sendable {
        case html502, empty500, text503, html504, empty502, html200, cut200

        func rule(_ service: SandboxService) -> FaultRule {
            let page =
                "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
            let html: HTTPHeaders = ["Content-Type": "text/html"]
            switch self {
            case .html502: return .answering(502, body: page, headers: html)
            case .empty500: return .answering(500)
            case .text503:
                return .answering(503, body: "upstream connect error", headers: ["Content-Type": "text/plain"])
            case .html504: return .answering(504, body: page, headers: html)
            case .empty502: return .answering(502)
            case .html200: return .answering(200, body: page, headers: html)
            case .cut200: return .breaking(.truncated(keep: 30), takesEffect: true)
            }
        }
    }

    @Test(
        "31: error bodies that are HTML, text or nothing are survived everywhere", arguments: SandboxService.allCases,
        Body.allCases)
    func foreignBodies(service: SandboxService, body: Body) throws {
        let lab = try WildLab()
        let rule = lab.fault(service, times: 3, is: body.rule(service))
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 1)
            try await lab.bench.settled()
            let struck = lab.bench.sandbox.withState { $0.faults.strikes(of: rule) }
            // A cut answer of nsupdate-web is not repeated: DNS itself is asked.
            #expect(struck == (service == .nsupdate && body == .cut200 ? 1 : 3))
        }
        #expect(lab.bench.buried == 0, "\(lab.bench.reports.map(\.message))")
        #expect(lab.outcomes.last == .done)
        #expect(lab.violations(.provisioned(volumes: 1)).isEmpty)
        #expect(lab.cloud.serversCreated == 1 && lab.cloud.volumesCreated == 1)
        // What is told to people is text.
        #expect(lab.warnings.allSatisfy { !$0.contains("<html") && !$0.contains("<center") }, "\(lab.warnings)")
    }

    enum Blink: String, CaseIterable, Sendable { case error, shutoff }

    /// Only while it is created is ERROR the end: a migration shows it too, and operators stop servers.
    @Test("32: a finished server that is in ERROR or stopped for a while is not replaced", arguments: Blink.allCases)
    func blinks(blink: Blink) throws {
        let lab = try WildLab()
        let first = lab.bench.worker("w1")
        // The commit has arrived, the job was not settled: it is delivered again.
        lab.bench.simulation.http.onAnswer { exchange, _ in
            let request = exchange.request
            if request.method == .put, String(decoding: request.body, as: UTF8.self).contains("22.04") {
                first.process.kill()
            }
        }
        first.start()
        try lab.bench.simulation.run { world in
            lab.provision(volumes: 1)
            try await world.time.sleep(for: .seconds(60))
            #expect(lab.record?.osType == "ubuntu")
            #expect(!first.process.isRunning)
            lab.change { cloud, now in
                for id in cloud.servers(named: WildLab.node) {
                    if blink == .error {
                        cloud.failServer(id, "migrating", at: now)
                    } else {
                        cloud.stopServer(id, at: now)
                    }
                }
            }
            lab.bench.worker("w2").start()
            try await lab.bench.settled()
            lab.change { cloud, now in
                for id in cloud.servers(named: WildLab.node) { cloud.recoverServer(id, at: now) }
            }
        }
        #expect(lab.outcomes == [.done])
        #expect(lab.cloud.serversCreated == 1)
        #expect(lab.requests(.compute, .delete).isEmpty)
        #expect(lab.violations(.provisioned(volumes: 1)).isEmpty)
    }
}
