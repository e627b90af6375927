import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// One provision with three volumes, hit at every single thing it does: by a crash of the worker, by a connection reset
/// before and after the effect of each request.
@Suite struct CrashTests {
    private static let job =
        "{action: provision, node: ovh001, owner: me@lab, lock_description: run/1, uuid: job-1, volumes: {count: 3, size: 10}, reply_to: replies}"

    private struct Run: Sendable {
        var effects = 0
        var requests = 0
        var hash: UInt64 = 0
        var wasKilled = false
        var violations: [String] = []
    }

    private func run(
        seed: UInt64 = 1, order: Simulation.Order = .fifo, keepsTrace: Bool = false,
        crashAt crash: Int? = nil, _ edge: Effect.Edge = .before,
        fault: (@Sendable (SimulatedHTTP.Exchange) -> SimulatedHTTP.Delivery)? = nil
    ) throws -> Run {
        let bench = try Bench(seed: seed, order: order, keepsTrace: keepsTrace)
        bench.lock("ovh001")
        let first = bench.worker("w1")
        if let crash { first.process.atEffect(crash, edge) { $0.kill() } }
        if let fault { bench.simulation.http.onRequest(fault) }
        first.start()
        return try bench.simulation.run { world in
            bench.put(.provision, Self.job)
            if crash != nil {
                let second = bench.worker("w2")
                let end = first.process.end
                // The one that takes over comes when the first is dead, or never needs to.
                _ = try await world.time.withTimeout(.seconds(600), doing: "crash") {
                    while bench.openJobs > 0, !end.isRaised { try await world.time.sleep(for: .seconds(1)) }
                }
                if end.isRaised { second.start() }
            }
            try await bench.settled()
            var run = Run()
            run.effects = first.process.effects
            run.requests = bench.simulation.http.requests
            if case .killed = first.process.end.value { run.wasKilled = true }
            run.hash = bench.simulation.trace.hash
            run.violations = Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 3))
            if bench.buried > 0 { run.violations.append("buried: \(bench.reports.map(\.message))") }
            if bench.replies("replies").last?.outcome != "done" {
                run.violations.append("replies: \(bench.replies("replies").map(\.outcome))")
            }
            return run
        }
    }

    @Test func aCrashAtEveryEffectLeavesOneServer() throws {
        let effects = try run().effects
        #expect(effects > 30)
        for index in 1...effects {
            for edge in [Effect.Edge.before, .after] {
                let run = try run(crashAt: index, edge)
                #expect(run.wasKilled)
                #expect(run.violations.isEmpty, "crash \(edge) effect \(index): \(run.violations)")
            }
        }
    }

    @Test func aResetAtEveryRequestIsSurvived() throws {
        let requests = try run().requests
        #expect(requests > 20)
        for index in 1...requests {
            let before = try run(fault: { exchange in
                exchange.index == index
                    ? .instead(.failure(.reset, of: exchange.request, mayHaveArrived: true)) : .deliver
            })
            #expect(before.violations.isEmpty, "reset before request \(index): \(before.violations)")
            let after = try run(fault: { exchange in
                exchange.index == index
                    ? .deliverThen(.failure(.reset, of: exchange.request, mayHaveArrived: true)) : .deliver
            })
            #expect(after.violations.isEmpty, "reset after request \(index): \(after.violations)")
        }
    }

    @Test(arguments: [Simulation.Order.fifo, .shuffled])
    func theSameSeedGivesTheSameTrace(order: Simulation.Order) throws {
        for seed in UInt64(1)...10 {
            let a = try run(seed: seed, order: order)
            let b = try run(seed: seed, order: order)
            #expect(a.hash == b.hash)
            #expect(a.violations.isEmpty, "seed \(seed): \(a.violations)")
        }
    }
}
