import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// The same job twice in the queue, as after a put whose answer was lost: both are taken at once, one builds, and both
/// are answered `done`. Found by ops/chaos (seeds 1 and 2): one took the volumes of the other's finished node away.
@Suite struct TwinTests {
    private static func body(volumes: Int, more: String = ", node: ovh001, lock_description: run/1") -> String {
        "{action: provision, owner: me@lab, uuid: same, reply_to: replies, volumes: {count: \(volumes), size: 5}\(more)}"
    }

    private func violations(_ bench: Bench, puts: Int, node: String = "ovh001", volumes: Int) -> [String] {
        var found = Invariants(bench).violations(of: node, .provisioned(volumes: volumes))
        let replies = bench.replies("replies")
        let outcomes = replies.map(\.outcome)
        // Each tells of the one node that there is, whichever job built it.
        let servers = bench.sandbox.withState { $0.cloud.snapshot(at: bench.simulation.world.time.wallClock).servers }
        if let reply = replies.first(where: { $0.server?.id != servers.first?.id || $0.osType.isEmpty }) {
            found.append("a reply tells of server \(reply.server?.id ?? "none") with '\(reply.osType)'")
        }
        if outcomes != Array(repeating: "done", count: puts) { found.append("answered \(outcomes)") }
        if bench.buried > 0 { found.append("buried: \(bench.reports.map(\.message))") }
        return found
    }

    /// At every distance of some seconds, from the same moment on.
    @Test(arguments: [0, 2])
    func twoOfTheSameJobMakeOneNode(volumes: Int) throws {
        for seed in UInt64(0)...40 {
            let bench = try Bench(seed: seed, order: .shuffled)
            bench.lock("ovh001")
            bench.worker("w1").start()
            bench.worker("w2").start()
            let found: [String] = try bench.simulation.run { world in
                bench.put(.provision, Self.body(volumes: volumes))
                try await world.time.sleep(for: .milliseconds(Int(seed) * 900))
                bench.put(.provision, Self.body(volumes: volumes))
                try await bench.settled()
                return self.violations(bench, puts: 2, volumes: volumes)
            }
            #expect(found.isEmpty, "seed \(seed): \(found)")
        }
    }

    /// Three, on nodes that they lock themselves, while every tenth request gets no answer.
    @Test func threeOfTheSameJobLockOneNode() throws {
        for seed in UInt64(1)...20 {
            let bench = try Bench(seed: seed, order: .shuffled)
            var trouble = FaultRule.breaking(.reset, takesEffect: seed % 2 == 0)
            trouble.probability = 0.1
            let rule = trouble
            bench.sandbox.withState { state in _ = state.faults.add(rule) }
            for name in ["w1", "w2", "w3"] { bench.worker(name).start() }
            let found: [String] = try bench.simulation.run { world in
                for _ in 1...3 {
                    bench.put(.provision, Self.body(volumes: 1, more: ", lock: true"))
                    try await world.time.sleep(for: .milliseconds(Int(seed) * 300))
                }
                try await world.time.sleep(for: .seconds(200))
                bench.sandbox.withState { $0.faults.removeAll() }
                try await bench.settled()
                let locked = bench.sandbox.withState { state in state.paddles.nodes.filter(\.locked).map(\.name) }
                guard locked.count == 1, let node = locked.first?.split(separator: ".").first else {
                    return ["locked: \(locked)"]
                }
                return self.violations(bench, puts: 3, node: String(node), volumes: 1)
            }
            #expect(found.isEmpty, "seed \(seed): \(found)")
        }
    }

    /// The one that builds is gone for good: nobody waits for it, and what it built is not left.
    @Test func aTwinThatWasDeletedIsReplaced() throws {
        let bench = try Bench()
        bench.lock("ovh001")
        let first = bench.worker("w1")
        first.start()
        try bench.simulation.run { world in
            let job = bench.put(.provision, Self.body(volumes: 1))
            try await world.time.sleep(for: .seconds(10))
            bench.put(.provision, Self.body(volumes: 1))
            try await world.time.sleep(for: .seconds(1))
            first.process.kill()
            try await world.time.sleep(for: .seconds(1))
            #expect(bench.broker.ask(Array("delete \(try #require(job))\r\n".utf8)) == "DELETED\r\n")
            bench.worker("w2").start()
            try await bench.settled()
        }
        #expect(violations(bench, puts: 1, volumes: 1).isEmpty)
    }
}
