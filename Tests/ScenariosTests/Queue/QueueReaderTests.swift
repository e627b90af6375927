import Beanstalk
import Configuration
import Jobs
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// The queue as operators see it, against the simulated broker.
@Suite struct QueueReaderTests {
    private static func reader(_ bench: Bench, _ world: World) throws -> QueueReader {
        try QueueReader(
            broker: Broker(bench.configuration.broker, world: world), tubes: bench.configuration.tubes, world: world)
    }

    private static func put(_ sign: Presence, in bench: Bench, _ world: World) async throws {
        let tube = try TubeName(bench.configuration.tubes.workers)
        try await Broker(bench.configuration.broker, world: world).connect { connection in
            _ = try await connection.put(sign.encoded(limit: 65_535), into: tube, priority: 1_024, ttr: .seconds(60))
        }
    }

    private static func sign(_ process: Int32, at: Timestamp, holding jobs: Int = 0) -> Presence {
        let held = (0..<jobs).map { number in
            Presence.Held(
                jobID: UInt64(number), key: "key-\(number)", action: "provision", node: "ovh00\(number)",
                step: "wait-active", since: at)
        }
        return Presence(
            host: "h", process: process, release: "1", slots: 50, started: at, at: at, draining: false, held: held)
    }

    @Test func tubesAndTheAgeOfTheNextJob() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            for node in ["ovh001", "ovh002"] {
                bench.put(.provision, "{action: provision, node: \(node), owner: me@lab, uuid: key-\(node)}")
                try await world.time.sleep(for: .seconds(30))
            }
            let before = bench.broker.jobs
            let view = try await Self.reader(bench, world).view()
            let tube = try #require(view.tubes.first { $0.statistics.name.text.contains("provision") })
            #expect(tube.statistics.jobs.ready == 2 && tube.statistics.waiting == 0)
            #expect((59...60).contains(tube.oldestReady?.seconds ?? 0))
            #expect(!view.isDraining && view.buriedElsewhere == 0)
            #expect(bench.broker.jobs == before)
        }
    }

    @Test func aRunningWorkerShowsItself() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            #expect(try await Self.reader(bench, world).workforce().workers == [])
            bench.worker("w1").start()
            try await world.time.sleep(for: .seconds(100))
            let before = bench.broker.jobs
            let workforce = try await Self.reader(bench, world).workforce()
            #expect(workforce.workers.count == 1 && workforce.isComplete)
            #expect(workforce.workers.allSatisfy { $0.isAlive(now: world.time.wallClock) && $0.held.isEmpty })
            #expect(workforce.unclaimed(now: world.time.wallClock) == 0)
            #expect(bench.broker.jobs == before)
        }
    }

    /// Only the newest sign of each counts, and others' jobs lie between them.
    @Test func signsOfLifeAmongManyJobs() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let now = world.time.wallClock
            try await Self.put(Self.sign(1, at: now - .seconds(100), holding: 2), in: bench, world)
            try await Self.put(Self.sign(2, at: now - .seconds(20)), in: bench, world)
            for number in 0..<1_200 { bench.put(.provision, "{action: provision, number: \(number)}") }
            try await Self.put(Self.sign(2, at: now, holding: 3), in: bench, world)
            let workforce = try await Self.reader(bench, world).workforce()
            #expect(workforce.workers.map(\.process) == [1, 2] && workforce.isComplete)
            #expect(workforce.workers.map { $0.isAlive(now: now) } == [false, true])
            #expect(workforce.workers.map(\.held.count) == [2, 3])
        }
    }

    @Test func reservedJobsThatNobodyAdmitsTo() {
        let now = Timestamp(seconds: 1_000_000)
        let signs = [Self.sign(1, at: now, holding: 2), Self.sign(2, at: now - .seconds(91), holding: 4)]
        #expect(Workforce(signs: signs, isComplete: true, reserved: 5).unclaimed(now: now) == 3)
        #expect(Workforce(signs: signs + [nil], isComplete: true, reserved: 5).unclaimed(now: now) == nil)
        #expect(Workforce(signs: signs, isComplete: false, reserved: 5).unclaimed(now: now) == nil)
    }

    /// A neighbouring release's sign of life is not taken for a dead one's.
    @Test func aNewerReleaseStaysVisible() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let tube = try TubeName(bench.configuration.tubes.workers)
            try await Broker(bench.configuration.broker, world: world).connect { connection in
                _ = try await connection.put(Array("v: 9\n".utf8), into: tube, priority: 1_024, ttr: .seconds(60))
            }
            bench.worker("w1").start()
            try await world.time.sleep(for: .seconds(65))
            #expect(try await Self.reader(bench, world).workforce().unreadable == 1)
            try await world.time.sleep(for: .seconds(60))
            #expect(try await Self.reader(bench, world).workforce().unreadable == 0)
        }
    }
}
