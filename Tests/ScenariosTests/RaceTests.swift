import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Two jobs of one node and two workers, in shuffled order, at every distance of some seconds: they come to rest, and
/// what is there then is whole.
@Suite struct RaceTests {
    private static func body(_ action: JobAction, _ key: String, unlock: Bool = false) -> String {
        "{action: \(action.rawValue), node: ovh001, owner: me@lab, lock_description: run/1, uuid: \(key), unlock: \(unlock), volumes: {count: 1, size: 5}}"
    }

    @Test(arguments: [
        (first: JobAction.provision, second: JobAction.provision), (.provision, .destroy), (.destroy, .provision),
    ])
    func twoJobsOfOneNodeComeToRest(first: JobAction, second: JobAction) throws {
        for seed in UInt64(1)...40 {
            let bench = try Bench(seed: seed, order: .shuffled)
            // The random keys of real jobs say nothing about their order.
            let keys = seed % 2 == 0 ? ("a", "b") : ("y", "x")
            bench.lock("ovh001")
            bench.worker("w1").start()
            bench.worker("w2").start()
            let found: [String] = try bench.simulation.run { world in
                if first == .destroy {
                    bench.put(.provision, Self.body(.provision, "before"))
                    try await bench.settled()
                }
                bench.put(first, Self.body(first, keys.0))
                try await world.time.sleep(for: .milliseconds(Int(seed) * 850))
                // Unlocking is what cancels a provision that has built nothing yet.
                bench.put(second, Self.body(second, keys.1, unlock: second == .destroy))
                try await bench.settled()
                return self.problems(bench, second, keys.1, at: world.time.wallClock)
            }
            #expect(found.isEmpty, "seed \(seed): \(found)")
        }
    }

    /// The second job is the newer one, so its wish holds in the end.
    private func problems(_ bench: Bench, _ second: JobAction, _ key: String, at now: Timestamp) -> [String] {
        var problems: [String] = []
        if bench.buried > 0 { problems.append("buried: \(bench.reports.map(\.message))") }
        let expectation: Invariants.Expectation = second == .provision ? .provisioned(volumes: 1) : .empty
        problems += Invariants(bench).violations(of: "ovh001", expectation)
        bench.sandbox.withState { state in
            let servers = state.cloud.snapshot(at: now).servers
            if second == .provision, servers.first?.metadata["cirrata_key"] != key {
                problems.append("the server is of \(servers.first?.metadata["cirrata_key"] ?? "nobody")")
            }
        }
        return problems
    }
}
