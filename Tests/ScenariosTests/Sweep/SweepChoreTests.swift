import Configuration
import Jobs
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// What a sweep tidies up in the broker, and what it leaves there.
@Suite struct SweepChoreTests {
    private static let uuid = "0f3c7a52-9f6e-4f7e-8f2e-3d1c5a7b9e10"

    private static func fail(_ nodes: [String], in bench: Bench, _ world: World) async throws {
        let worker = bench.worker("w1")
        worker.start()
        for node in nodes {
            bench.lock(node)
            bench.put(
                .provision,
                "{action: provision, node: \(node), owner: me@lab, lock_description: run/1, uuid: key-\(node), os_version: '1.0'}"
            )
            try await bench.settled()
        }
        worker.drain()
        try await world.time.sleep(for: .seconds(2))
    }

    /// One of a job that is still buried, one of a job that is gone, one of a job that was kicked.
    @Test func reports() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail(["ovh001", "ovh002", "ovh003"], in: bench, world)
            let buried = bench.broker.jobs.filter { $0.state == "buried" }.map(\.id)
            bench.broker.ask(Array("delete \(buried[1])\r\nkick-job \(buried[2])\r\n".utf8))
            bench.broker.put(Array("{v: 2, outcome: failed}".utf8), tube: bench.configuration.tubes.reports)

            // Somebody may be reading about what he has just deleted; and a report is put before its job is buried.
            #expect(try await bench.sweep(world).chores.reports == 0)
            try await world.time.sleep(for: .seconds(3_601))
            #expect(try await bench.sweep(world, isDryRun: true).chores.reports == 2)
            #expect(bench.reports.count == 3)
            #expect(try await bench.sweep(world).chores.reports == 2)
            #expect(bench.reports.map(\.node) == ["ovh001.front.lab.test"] || bench.reports.map(\.node) == ["ovh001"])
            // What cannot be read is a newer release's.
            #expect(bench.broker.jobs.count { $0.tube == bench.configuration.tubes.reports } == 2)
            #expect(bench.broker.jobs.filter { $0.state == "buried" }.map(\.id) == [buried[0]])
        }
    }

    @Test func replies() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let mine = ReplyTube.name(uuid: Self.uuid)
            let others = ["cirrata.reply.mine", "my-replies", "cirrata.reply.\(Self.uuid)x", "cirrata.replies"]
            for tube in others + [mine, mine] { bench.broker.put(Array("{}".utf8), tube: tube) }
            try await world.time.sleep(for: .seconds(86_400))
            bench.broker.put(Array("{}".utf8), tube: mine)
            try await world.time.sleep(for: .seconds(60))
            #expect(try await bench.sweep(world, isDryRun: true).chores.replies == 3)
            #expect(bench.broker.jobs.count { $0.tube == mine } == 3)
            #expect(try await bench.sweep(world).chores.replies == 2)
            #expect(bench.broker.jobs.count { $0.tube == mine } == 1)
            for tube in others { #expect(bench.broker.jobs.count { $0.tube == tube } == 1, "\(tube)") }
        }
    }

    @Test func presences() throws {
        let bench = try Bench()
        let (dead, alive) = (bench.worker("w1"), bench.worker("w2"))
        dead.start()
        try bench.simulation.run { world in
            try await world.time.sleep(for: .seconds(45))
            dead.process.kill()
            try await world.time.sleep(for: .seconds(80))
            alive.start()
            try await world.time.sleep(for: .seconds(1))
            alive.process.freeze()
            func count() -> Int { bench.broker.jobs.count { $0.tube == bench.configuration.tubes.workers } }
            #expect(count() == 1 || count() == 2)
            let before = count()
            try await world.time.sleep(for: .seconds(30))
            let report = try await bench.sweep(world)
            #expect(count() == 1 && report.chores.presences == before - 1)
        }
    }

    @Test func reportsThatSomebodyHolds() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail(["ovh001"], in: bench, world)
            bench.broker.ask(Array("pause-tube \(bench.configuration.tubes.reports) 1000\r\n".utf8))
            let report = try await bench.sweep(world)
            #expect(report.causes == ["reports-unavailable"])
        }
    }
}

@Suite struct ReplyTubeTests {
    @Test(arguments: [
        "cirrata.reply.", "cirrata.reply", "cirrata.reply.x", "my.cirrata.reply.0f3c7a52-9f6e-4f7e-8f2e-3d1c5a7b9e10",
        "cirrata.reply.0F3C7A52-9f6e-4f7e-8f2e-3d1c5a7b9e10", "cirrata.reply.0f3c7a529f6e-4f7e-8f2e-3d1c5a7b9e10",
        "cirrata.reply.gf3c7a52-9f6e-4f7e-8f2e-3d1c5a7b9e10",
    ])
    func othersNames(_ name: String) { #expect(!ReplyTube.isPrivate(name)) }

    @Test func ourNames() {
        var random = SplitMix(seed: 1)
        for _ in 0..<100 {
            #expect(ReplyTube.isPrivate(ReplyTube.name(uuid: Words(random.next(), random.next()).uuid())))
        }
    }

    private struct Words: RandomSource {
        let words: Locked<[UInt64]>
        init(_ a: UInt64, _ b: UInt64) { words = Locked([a, b]) }
        func next() -> UInt64 { words.withLock { $0.removeFirst() } }
    }
}
