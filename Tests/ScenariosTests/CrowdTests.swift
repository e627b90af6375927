import Configuration
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Many at once through one worker.
@Suite struct CrowdTests {
    private static let cloudServices: [SandboxService] = [.identity, .compute, .image, .network, .volume]

    @Test(arguments: [(nodes: 200, volumes: 0, most: 2.0), (nodes: 50, volumes: 3, most: 8.0)])
    func provisionsAtOnce(nodes: Int, volumes: Int, most: Double) throws {
        let bench = try Bench(
            sandbox: { $0.nodes = [.init(machineType: Bench.provider, count: nodes)]; $0.addresses = "127.77.0.0/16" },
            site: { $0.slots = nodes + 2 })
        let names = (1...nodes).map { number in
            "ovh" + String(repeating: "0", count: 3 - String(number).count) + String(number)
        }
        for name in names { bench.lock(name) }
        bench.worker("w1").start()
        try bench.simulation.run { world in
            let began = world.time.now
            for name in names {
                bench.put(
                    .provision,
                    "{action: provision, node: \(name), owner: me@lab, lock_description: run/1, uuid: u-\(name), volumes: {count: \(volumes), size: 10}}"
                )
            }
            try await bench.settled()
            #expect(bench.events.outcomes.map(\.kind) == Array(repeating: .done, count: nodes))
            let violations = names.flatMap {
                Invariants(bench).violations(of: $0, .provisioned(volumes: volumes))
            }
            #expect(violations.isEmpty, "\(violations.prefix(5))")
            let requests = bench.sandbox.withState { state in
                Self.cloudServices.reduce(0) { $0 + (state.journal.counts[$1]?.total ?? 0) }
            }
            #expect(Double(requests) / Double(nodes) <= most, "\(requests) OpenStack requests for \(nodes) nodes")
            print("\(nodes) nodes with \(volumes) volumes: \(requests) OpenStack requests, \((world.time.now - began).short)")
        }
    }
}
