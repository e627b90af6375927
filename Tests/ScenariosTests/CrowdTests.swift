import Configuration
import DequeModule
import HTTPKit
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

    @Test(arguments: [(nodes: 200, volumes: 0, most: 2.0), (nodes: 200, volumes: 3, most: 8.0)])
    func provisionsAtOnce(nodes: Int, volumes: Int, most: Double) throws {
        let bench = try Bench(
            sandbox: {
                $0.nodes = [.init(machineType: Bench.provider, count: nodes)]; $0.addresses = "127.77.0.0/16"
            },
            site: { $0.slots = nodes * 5 / 4 })
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
            print(
                "\(nodes) nodes with \(volumes) volumes: \(requests) OpenStack requests, \((world.time.now - began).short)"
            )
        }
    }
}

@Suite struct LimitTests {
    /// Also not by jobs that share a `uuid`: a server of one is not another's.
    @Test(arguments: [false, true]) func maxServersIsNeverPassed(sharingAKey: Bool) throws {
        let bench = try Bench(
            sandbox: { $0.nodes = [.init(machineType: Bench.provider, count: 9)] },
            site: { site in
                site.slots = 12
                site.capacityDelay = .seconds(5)
                site.providers[0].settings.maximumServers = 4
            })
        let names = (1...9).map { "ovh00\($0)" }
        for name in names { bench.lock(name) }
        bench.worker("w1").start()
        try bench.simulation.run { world in
            for name in names {
                bench.put(
                    .provision,
                    "{action: provision, node: \(name), owner: me@lab, lock_description: run/1, uuid: \(sharingAKey ? "same" : name)}"
                )
            }
            try await world.time.sleep(for: .seconds(120))
            bench.sandbox.withState { state in
                #expect(state.cloud.snapshot(at: world.time.wallClock).servers.count == 4)
                #expect(state.cloud.serversCreated == 4)
            }
            #expect(bench.openJobs == 5)
            for name in names {
                bench.put(
                    .destroy,
                    "{action: destroy, node: \(name), owner: me@lab, lock_description: run/1, uuid: d-\(name)}")
                try await world.time.sleep(for: .seconds(60))
            }
            try await bench.settled()
            #expect(bench.buried == 0)
            bench.sandbox.withState { state in
                #expect(state.cloud.snapshot(at: world.time.wallClock).servers.count <= 4)
            }
        }
    }
}
