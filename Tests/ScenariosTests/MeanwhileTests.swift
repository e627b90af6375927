import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// What somebody else makes of a node while a job takes it away, and what a worker makes that has lost its job unawares.
@Suite struct MeanwhileTests {
    private static func body(_ action: JobAction, _ key: String) -> String {
        "{action: \(action.rawValue), node: ovh001, owner: me@lab, lock_description: run/1, uuid: \(key), reply_to: r}"
    }

    /// Adds a volume, or a server, with the marks of the server that is being deleted, once.
    private static func whenAServerIsDeleted(
        in bench: Bench, _ add: @escaping @Sendable (inout SandboxState, [String: String], Timestamp) -> String?
    ) {
        let hasCome = Locked(false)
        bench.simulation.http.onRequest { exchange in
            guard exchange.request.method == .delete, exchange.request.url.contains("/servers/"),
                hasCome.withLock({ before in
                    defer { before = true }
                    return !before
                })
            else { return .deliver }
            let now = bench.simulation.world.time.wallClock
            bench.sandbox.withState { state in
                let server = state.cloud.snapshot(at: now).servers.first { exchange.request.url.hasSuffix($0.id) }
                #expect(server.flatMap { add(&state, $0.metadata, now) } != nil)
            }
            return .deliver
        }
    }

    /// The older provision was still at work when the destroy looked.
    @Test(arguments: ["volume", "server"]) func aDestroyTakesWhatWasMadeAfterItsLook(kind: String) throws {
        let bench = try Bench()
        bench.lock("ovh001")
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, Self.body(.provision, "a"))
            try await bench.settled()
            Self.whenAServerIsDeleted(in: bench) { state, metadata, now in
                kind == "volume"
                    ? state.cloud.addVolume(named: "ovh001_0", metadata: metadata, at: now)
                    : state.cloud.addServer(named: "ovh001", metadata: metadata, at: now)
            }
            bench.put(.destroy, Self.body(.destroy, "b"))
            try await bench.settled()
        }
        #expect(bench.events.outcomes.map(\.kind) == [.done, .done])
        #expect(Invariants(bench).violations(of: "ovh001", .empty) == [])
    }

    /// A request of this job was long on its way, or another worker has the job, too.
    @Test(arguments: ["volume", "server"]) func aRemovalTakesWhatWasMadeAfterItsLook(kind: String) throws {
        let bench = try Bench(sandbox: { $0.allowHosts = "^other" })
        bench.lock("ovh001")
        bench.worker("w1").start()
        Self.whenAServerIsDeleted(in: bench) { state, metadata, now in
            kind == "volume"
                ? state.cloud.addVolume(named: "ovh001_0", metadata: metadata, at: now)
                : state.cloud.addServer(named: "ovh001", metadata: metadata, at: now)
        }
        try bench.simulation.run { world in
            bench.put(.provision, Self.body(.provision, "a"))
            try await bench.settled()
        }
        #expect(bench.events.outcomes.last?.kind == .rejected)
        #expect(bench.reports.first?.left == [])
        #expect(Invariants(bench).violations(of: "ovh001", .empty) == [])
    }

    /// A broker whose clock is stepped gives the job to somebody else, most of the time, and tells nobody: the first asks
    /// before it builds.
    @Test func whoHasLostItsJobUnawaresBuildsNothing() throws {
        var handovers = 0
        for seed in UInt64(1)...8 {
            let bench = try Bench(seed: seed)
            bench.lock("ovh001")
            let workers = ["w1", "w2"].map { name in bench.worker(name) { $0.slots = 1 } }
            for worker in workers { worker.start() }
            let builders = Locked<[String]>([])
            let first = Locked<String?>(nil)
            bench.simulation.http.onRequest { exchange in
                if exchange.request.url.hasSuffix("/compute/v2.1/servers"), exchange.request.method == .post {
                    builders.withLock { $0.append(exchange.process) }
                }
                if exchange.request.url.contains("/image/"), first.withLock({ $0 }) == nil {
                    first.withLock { $0 = exchange.process }
                    bench.broker.stepClock(by: .seconds(3_600))
                }
                return .deliver
            }
            try bench.simulation.run { world in
                bench.put(.provision, Self.body(.provision, "a"))
                try await bench.settled()
            }
            let found = builders.withLock { $0 }
            #expect(found.count == 1, "seed \(seed): built by \(found)")
            if found != first.withLock({ [$0] }) { handovers += 1 }
            #expect(bench.events.outcomes.last?.kind == .done)
            #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)) == [])
        }
        #expect(handovers > 0)
    }
}
