import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// After its commit point a provision removes nothing, however often it is delivered again.
@Suite struct CommitTests {
    /// What becomes of the node between the commit and the next delivery.
    enum Change: String, CaseIterable, Sendable { case nothing, markedDown, unlocked, otherOwner, expired, error }

    private static func apply(_ change: Change, to lab: WildLab) {
        lab.bench.sandbox.withState { state in
            guard var node = state.paddles.node("\(WildLab.node).\(Bench.domain)") else { return }
            switch change {
            case .nothing, .expired: return
            case .markedDown: node.up = false
            case .unlocked:
                node.locked = false
                node.lockedBy = nil
            case .otherOwner: node.lockedBy = "you@lab"
            case .error:
                for id in state.cloud.servers(named: WildLab.node) { state.cloud.failServer(id, "gone", at: lab.now) }
                return
            }
            state.paddles.put(node)
        }
    }

    @Test(arguments: Change.allCases)
    func whatWasCommittedStays(change: Change) throws {
        let lab = try WildLab()
        let first = lab.bench.worker("w1")
        lab.bench.simulation.http.onAnswer { exchange, _ in
            let request = exchange.request
            if request.method == .put, String(decoding: request.body, as: UTF8.self).contains("22.04") {
                first.process.kill()
            }
        }
        first.start()
        try lab.bench.simulation.run { world in
            lab.provision(volumes: 2, more: ", expire: '\(lab.now + .seconds(100))'")
            try await world.time.sleep(for: .seconds(120))
            #expect(!first.process.isRunning)
            let before = lab.cloud
            #expect(before.servers.count == 1 && before.volumes.count == 2)
            Self.apply(change, to: lab)
            lab.bench.simulation.http.onAnswer { _, _ in }
            lab.bench.worker("w2").start()
            try await lab.bench.settled()
            #expect(lab.cloud.servers.map(\.id) == before.servers.map(\.id))
            #expect(lab.cloud.volumes.map(\.id) == before.volumes.map(\.id))
        }
        #expect(lab.bench.replies("replies").last?.outcome == "done")
        #expect(lab.bench.replies("replies").last?.server != nil)
        #expect(lab.requests(.compute, .delete).isEmpty && lab.requests(.volume, .delete).isEmpty)
        let addresses = lab.bench.sandbox.withState { $0.nsupdate.zone.addresses(of: "ovh001.\(Bench.domain)") }
        #expect(lab.cloud.servers.first?.addresses.map(\.address) == addresses)
    }

    /// A node that makes its host keys anew while its commit has to wait: what paddles gets is the key of then.
    @Test func aCommitThatWaitedWritesTheHostKeyOfThen() throws {
        let lab = try WildLab(
            // Room for one server, so that its address is known before.
            sandbox: { $0.addresses = "127.77.0.0/30" }, site: { $0.ssh.checksHostKeys = true })
        let bench = lab.bench
        bench.simulation.network.listen(on: .tcp(host: "127.77.0.2", port: 22)) { _ in }
        let scans = Locked(0)
        bench.simulation.children.handle { _ in
            let isFirst = scans.withLock { count in
                count += 1
                return count == 1
            }
            if isFirst { _ = lab.fault(.paddles, .put, is: .answering(503, body: "away")) }
            let output = "127.77.0.2 ssh-ed25519 \(isFirst ? "AAAAC3NzaC1lZDI1NTE5" : "AAAAC3NzaC1lZDI1NTE6")\n"
            return .ended(ChildResult(end: .exited(0), output: Array(output.utf8), errors: []))
        }
        bench.worker("w1").start()
        try bench.simulation.run { world in
            lab.provision()
            try await world.time.sleep(for: .seconds(120))
            lab.mend()
            try await bench.settled()
        }
        #expect(lab.outcomes.contains(.retry) && lab.outcomes.last == .done, "\(lab.outcomes)")
        #expect(lab.record?.sshPublicKey == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE6")
        #expect(bench.replies("replies").last?.publicKey == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE6")
        #expect(lab.cloud.serversCreated == 1)
    }

    /// The commit replaces the description by which a lock of our own is found, so a job without a node has to find its
    /// server.
    @Test func aJobWithoutANodeIsFinishedOnTheNodeThatItBuilt() throws {
        let body =
            "{action: provision, owner: you@lab, lock_description: run/7, uuid: k, reply_to: replies, volumes: {count: 1, size: 5}}"
        func run(_ crash: Int?, _ edge: Effect.Edge) throws -> (effects: Int, wrong: [String]) {
            let lab = try WildLab(nodes: 1, sandbox: { $0.nodes = [.init(machineType: Bench.provider, count: 3)] })
            let first = lab.bench.worker("w1")
            if let crash { first.process.atEffect(crash, edge) { $0.kill() } }
            first.start()
            return try lab.bench.simulation.run { world in
                lab.bench.put(.provision, body)
                if crash != nil {
                    while lab.bench.openJobs > 0, first.process.isRunning {
                        try await world.time.sleep(for: .seconds(1))
                    }
                    lab.bench.worker("w2").start()
                }
                try await lab.bench.settled()
                var wrong: [String] = []
                let mine = lab.bench.sandbox.withState { $0.paddles.nodes.filter { $0.lockedBy == "you@lab" } }
                if mine.map(\.description) != ["run/7"] { wrong.append("locked: \(mine.map(\.description))") }
                let node = String(mine.first?.name.prefix(6) ?? "?")
                wrong += lab.violations(.provisioned(volumes: 1), of: node)
                if lab.cloud.servers.count != 1 { wrong.append("\(lab.cloud.servers.count) servers") }
                if lab.bench.replies("replies").last?.outcome != "done" { wrong.append("not done") }
                return (first.process.effects, wrong)
            }
        }
        let undisturbed = try run(nil, .before)
        #expect(undisturbed.wrong.isEmpty, "\(undisturbed.wrong)")
        for index in 1...undisturbed.effects {
            for edge in [Effect.Edge.before, .after] {
                let found = try run(index, edge).wrong
                #expect(found.isEmpty, "crash \(edge) effect \(index): \(found)")
            }
        }
    }

    /// A job without a node whose lock is lost while it builds finds what it built, and takes it away.
    @Test func aJobWithoutANodeFindsWhatItBuilt() throws {
        let bench = try Bench()
        let first = bench.worker("w1")
        first.start()
        try bench.simulation.run { world in
            bench.put(
                .provision, "{action: provision, owner: me@lab, uuid: k, volumes: {count: 1, size: 5}, reply_to: r}")
            try await bench.until { bench.events.records.contains { $0.isStart(of: "attach-volumes") } }
            first.process.kill()
            bench.sandbox.withState { state in
                for var node in state.paddles.nodes where node.locked {
                    (node.locked, node.lockedBy, node.description) = (false, nil, nil)
                    state.paddles.put(node)
                }
            }
            bench.worker("w2").start()
            try await bench.settled()
            let cloud = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock) }
            #expect(cloud.servers.isEmpty && cloud.volumes.isEmpty)
            #expect(bench.sandbox.withState { $0.paddles.nodes.allSatisfy { !$0.locked } })
        }
        #expect(bench.replies("r").map(\.outcome) == ["obsolete"])
    }
}
