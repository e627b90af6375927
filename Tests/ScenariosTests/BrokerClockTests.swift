import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// The clock of the broker's host jumps by an hour: leases and delays end early or late, which is weather; which of two
/// jobs of one node is the newer must not change by it.
@Suite struct BrokerClockTests {
    /// When the clock jumps.
    enum Jump: String, CaseIterable, Sendable {
        case whenBothAreQueued, whileTheFirstRuns, afterTheFirstIsDone, whenTheFirstComesAgain
    }

    private static func body(_ action: JobAction, _ key: String) -> String {
        "{action: \(action.rawValue), node: ovh001, owner: me@lab, lock_description: run/1, uuid: \(key), "
            + "unlock: \(action == .destroy), volumes: {count: 1, size: 5}}"
    }

    @Test(arguments: Jump.allCases, [0, 3_600, -3_600])
    func theSecondOfTwoJobsWins(jump: Jump, seconds: Int) throws {
        for second in [JobAction.provision, .destroy] {
            for keys in [("a", "b"), ("y", "x")] {
                let found = try problems(jump, .seconds(seconds), second, keys)
                #expect(found.isEmpty, "second: \(second), keys \(keys): \(found)")
            }
        }
    }

    private func problems(
        _ jump: Jump, _ step: Duration, _ second: JobAction, _ keys: (String, String)
    ) throws -> [String] {
        let bench = try Bench(seed: 3, order: .shuffled)
        bench.lock("ovh001")
        let (first, other) = (bench.worker("w1"), bench.worker("w2"))
        return try bench.simulation.run { world in
            // Ids and clocks of their own sense: not at zero.
            try await world.time.sleep(for: .seconds(100))
            bench.put(.provision, Self.body(.provision, keys.0))
            switch jump {
            case .whenBothAreQueued:
                try await world.time.sleep(for: .seconds(60))
                bench.put(second, Self.body(second, keys.1))
                bench.broker.stepClock(by: step)
                first.start()
            case .whileTheFirstRuns, .whenTheFirstComesAgain:
                first.start()
                try await world.time.sleep(for: .seconds(10))
                if jump == .whenTheFirstComesAgain { first.process.kill() }
                bench.broker.stepClock(by: step)
                try await world.time.sleep(for: .seconds(5))
                bench.put(second, Self.body(second, keys.1))
            case .afterTheFirstIsDone:
                first.start()
                try await bench.settled()
                bench.put(second, Self.body(second, keys.1))
                bench.broker.stepClock(by: step)
            }
            other.start()
            try await bench.settled()
            var problems = Invariants(bench).violations(
                of: "ovh001", second == .provision ? .provisioned(volumes: 1) : .empty)
            if bench.buried > 0 { problems.append("buried: \(bench.reports.map(\.message))") }
            let servers = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock) }.servers
            if second == .provision, servers.first?.metadata["cirrata_key"] != keys.1 {
                problems.append("the server is of \(servers.first?.metadata["cirrata_key"] ?? "nobody")")
            }
            return problems
        }
    }
}
