import Beanstalk
import Configuration
import HTTPKit
import Jobs
import Pipelines
import Provisioning
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// What happens between the judgement and the deletion, and beside it.
@Suite struct SweepFenceTests {
    /// Runs `change` when the sweep looks at the server once more, which it does just before it deletes it.
    private func sweep(
        _ bench: Bench, _ world: World, when change: @escaping @Sendable () -> SimulatedHTTP.Delivery
    ) async throws -> (SweepReport, ChangeLog) {
        let id = bench.leak("ovh001", key: "k", volumes: 1) ?? ""
        let log = ChangeLog()
        let isDone = Locked(false)
        bench.simulation.http.onRequest { exchange in
            log.note(exchange)
            guard exchange.request.method == .get, exchange.request.url.hasSuffix("/servers/\(id)"),
                isDone.withLock({ isDone in
                    defer { isDone = true }
                    return !isDone
                })
            else { return .deliver }
            return change()
        }
        let report = try await bench.sweep(world)
        return (report, log)
    }

    private func expectNothing(_ result: (report: SweepReport, changes: ChangeLog), _ bench: Bench) {
        #expect(result.report.only?.fate == .stopped, "\(result.report.entries)")
        #expect(!result.changes.all.contains { $0.contains("DELETE") }, "\(result.changes.all)")
        #expect(bench.names() == ["ovh001", "ovh001_0"])
    }

    @Test func withoutAChangeItGoes() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let (report, _) = try await sweep(bench, world) { .deliver }
            #expect(report.removed.count == 1 && bench.names().isEmpty)
        }
    }

    @Test func aJobOfItsKeyIsPut() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            expectNothing(
                try await sweep(bench, world) {
                    bench.put(.provision, "{action: provision, node: ovh004, owner: me@lab, uuid: k}")
                    return .deliver
                }, bench)
        }
    }

    @Test func aJobOfItsNodeIsPut() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            expectNothing(
                try await sweep(bench, world) {
                    bench.put(.destroy, "{action: destroy, node: ovh001, owner: me@lab, uuid: k2}")
                    return .deliver
                }, bench)
        }
    }

    @Test func theNodeIsLockedForIt() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            expectNothing(
                try await sweep(bench, world) {
                    bench.lock("ovh001")
                    return .deliver
                }, bench)
        }
    }

    @Test func paddlesDescribesItsServer() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            expectNothing(
                try await sweep(bench, world) {
                    let mac = bench.cloud().servers.first?.addresses.first?.mac
                    bench.change("ovh001") { $0.macAddress = mac }
                    return .deliver
                }, bench)
        }
    }

    @Test(arguments: ["cirrata_site", "cirrata_key", "cirrata_node"])
    func itsMarkIsAnotherNow(_ member: String) throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            expectNothing(
                try await sweep(bench, world) {
                    guard let server = bench.cloud().servers.first else { return .deliver }
                    var metadata = server.metadata.mapValues { JSONValue.string($0) }
                    metadata[member] = "another"
                    let body: JSONValue = [
                        "server": [
                            "id": .string(server.id), "name": "ovh001", "status": "ACTIVE",
                            "created": .string(server.created.description), "metadata": .object(JSONObject(metadata)),
                        ]
                    ]
                    return .instead(.response(HTTPResponse(status: 200, body: body.bytes)))
                }, bench)
        }
    }

    @Test func theBrokerIsRestarted() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "k")
            let changes = bench.watchChanges()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await world.time.sleep(for: .seconds(30))
                    bench.broker.restart()
                }
                group.addTask {
                    let error = await #expect(throws: BrokerError.self) { try await bench.sweep(world) }
                    #expect(error?.isConnectionLost == true)
                }
                try await group.waitForAll()
            }
            #expect(changes.all.isEmpty && bench.names() == ["ovh001"])
        }
    }

    /// Jobs cannot be counted by a broker that takes none.
    @Test func theBrokerTakesNoJob() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "k")
            bench.broker.drain()
            let report = try await bench.sweep(world)
            #expect(report.causes == ["queue-unknown"] && bench.names() == ["ovh001"])
        }
    }

    // MARK: Beside others

    /// Twenty provisions under way, all of them made to look old, and sweeps without a pause: no sweep changes anything.
    @Test(arguments: 1...4) func besideProvisions(_ seed: Int) throws {
        let bench = try Bench(
            seed: UInt64(seed), order: .shuffled,
            sandbox: { $0.nodes = [.init(machineType: Bench.provider, count: 20)] },
            site: { $0.slots = 12 })
        let changes = bench.watchChanges()
        bench.worker("w1").start()
        bench.worker("w2").start()
        try bench.simulation.run { world in
            for number in 1...20 {
                let node = number < 10 ? "ovh00\(number)" : "ovh0\(number)"
                // Half of them lock for themselves.
                if number % 2 == 0 { bench.lock(node) }
                bench.put(
                    .provision,
                    "{action: provision, node: \(node), owner: me@lab, lock_description: run/1, uuid: k\(number), lock: true, volumes: {count: 1, size: 1}}"
                )
            }
            var sweeps = 0
            while bench.openJobs > 0 {
                bench.sandbox.withState { state in
                    state.cloud.age(by: .seconds(10_000))
                    for var node in state.paddles.nodes {
                        node.lockedSince = node.lockedSince.map { $0 - .seconds(10_000) }
                        state.paddles.put(node)
                    }
                }
                let report = try await bench.sweep(world, gap: .seconds(1))
                #expect(report.removed.isEmpty && report.refusals.isEmpty, "\(report.refusals)")
                #expect(report.entries.allSatisfy { $0.fate != .stopped }, "\(report.entries.map(\.why))")
                sweeps += 1
            }
            #expect(sweeps > 3)
            #expect(changes.all.filter { $0.hasPrefix("main") }.isEmpty)
            #expect(!changes.all.contains { $0.contains("DELETE") })
            #expect(bench.events.outcomes.filter { $0.kind == .done }.count == 20)
        }
    }

    /// Three sweeps at once come to the same end as one.
    @Test(arguments: 1...12) func sweepsAtOnce(_ seed: Int) throws {
        let bench = try Bench(seed: UInt64(seed), order: .shuffled)
        try bench.simulation.run { world in
            for node in ["ovh001", "ovh002"] { bench.leak(node, key: "k-\(node)", volumes: 2) }
            bench.leak("ovh003", key: "theirs", site: "another", volumes: 1)
            bench.lock("ovh004")
            bench.leak("ovh004", key: "locked")
            let reports = try await withThrowingTaskGroup(of: SweepReport.self) { group in
                for _ in 0..<3 { group.addTask { try await bench.sweep(world) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(reports.allSatisfy { $0.refusals.isEmpty && !$0.needsPerson })
            #expect(bench.names() == ["ovh003", "ovh004", "ovh003_0"])
        }
    }

    /// A sweep beside a destroy and a new provision of the same nodes: whatever the order, the new one stands.
    @Test(arguments: 1...12) func besideNewJobsOfTheNode(_ seed: Int) throws {
        let bench = try Bench(seed: UInt64(seed), order: .shuffled)
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "old", volumes: 2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await bench.sweep(world, gap: .seconds(3)) }
                group.addTask {
                    try await world.time.sleep(for: .milliseconds(seed * 400))
                    bench.lock("ovh001", description: "run/2")
                    bench.put(
                        .provision,
                        "{action: provision, node: ovh001, owner: me@lab, lock_description: run/2, uuid: new, volumes: {count: 1, size: 1}}"
                    )
                    try await bench.settled()
                }
                try await group.waitForAll()
            }
            #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 1)).isEmpty)
            #expect(bench.cloud().servers.map { $0.metadata["cirrata_key"] } == ["new"])
        }
    }
}
