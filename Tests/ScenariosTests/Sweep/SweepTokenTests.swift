import Beanstalk
import Configuration
import Jobs
import Provisioning
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// Workers that sweep in turn.
@Suite struct SweepTokenTests {
    private static func bench(_ seed: Int = 1) throws -> Bench {
        try Bench(
            seed: UInt64(seed), order: .shuffled,
            site: { site in
                site.sweep.isEnabled = true
                site.slots = 1
            })
    }

    private static func tokens(_ bench: Bench) -> [BrokerJobView] {
        bench.broker.jobs.filter { $0.tube == bench.configuration.tubes.sweep }
    }

    private static func sweeps(_ bench: Bench) -> [(worker: String, report: SweepReport)] {
        bench.notices.all.compactMap { entry in
            if case .swept(let report) = entry.notice { (entry.worker, report) } else { nil }
        }
    }

    private static func failures(_ bench: Bench) -> [String] {
        bench.notices.all.compactMap { entry in
            if case .sweepFailed(let why) = entry.notice { why } else { nil }
        }
    }

    /// However many workers there are, one of them sweeps, once an hour.
    @Test(arguments: [1, 2, 5]) func onceAnHour(_ seed: Int) throws {
        let bench = try Self.bench(seed)
        for name in ["w1", "w2", "w3"] { bench.worker(name).start() }
        try bench.simulation.run { world in
            try await world.time.sleep(for: .seconds(90))
            // Those who start together may all have put one.
            #expect((1...3).contains(Self.tokens(bench).count))
            try await world.time.sleep(for: .seconds(3 * 3_600))
            #expect(Self.tokens(bench).map(\.state) == ["delayed"])
            // The first round may be several workers'.
            #expect((3...5).contains(Self.sweeps(bench).count), "\(Self.sweeps(bench).count)")
            #expect(Self.sweeps(bench).allSatisfy { $0.report.refusals.isEmpty })
            #expect(Self.failures(bench).isEmpty)
            let token = try SweepToken(parsing: try #require(Self.tokens(bench).first).body)
            #expect(token.projects.keys.sorted() == ["ovh"])
        }
    }

    @Test func theySweepWhatIsLeft() throws {
        let bench = try Self.bench()
        bench.worker("w1").start()
        bench.worker("w2").start()
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "k", volumes: 1)
            bench.leak("ovh002", key: "theirs", site: "another")
            try await world.time.sleep(for: .seconds(1_200))
            #expect(bench.names() == ["ovh002"])
            // Those who start together may both do the first round, and both see it go.
            #expect(Set(Self.sweeps(bench).flatMap(\.report.removed).map(\.remains.node)) == ["ovh001"])
        }
    }

    /// Killed at any moment of its sweep, the holder's work is done by another, and there is still one token.
    @Test(arguments: [1, 10, 30, 59, 61, 62, 63]) func aHolderThatDies(_ second: Int) throws {
        let bench = try Self.bench(second)
        let workers = ["w1", "w2"].map { bench.worker($0) }
        try bench.simulation.run { world in
            workers[0].start()
            bench.leak("ovh001", key: "k", volumes: 2)
            try await world.time.withTimeout(.seconds(700), doing: "first sweep") {
                while !Self.tokens(bench).contains(where: { $0.state == "reserved" }) {
                    try await world.time.sleep(for: .milliseconds(100))
                }
            }
            workers[1].start()
            try await world.time.sleep(for: .seconds(second))
            workers[0].process.kill()
            try await world.time.sleep(for: .seconds(300))
            #expect(bench.names().isEmpty)
            #expect(Self.tokens(bench).map(\.state) == ["delayed"])
        }
    }

    /// Stopped in the gap and woken up long after its lease: it changes nothing any more.
    @Test(arguments: 1...3) func aHolderThatSleeps(_ seed: Int) throws {
        let bench = try Self.bench(seed)
        let worker = bench.worker("w1")
        let changes = bench.watchChanges()
        try bench.simulation.run { world in
            worker.start()
            bench.leak("ovh001", key: "k")
            try await world.time.withTimeout(.seconds(700), doing: "first sweep") {
                while !Self.tokens(bench).contains(where: { $0.state == "reserved" }) {
                    try await world.time.sleep(for: .milliseconds(100))
                }
            }
            try await world.time.sleep(for: .seconds(20))
            worker.process.freeze()
            try await world.time.sleep(for: .seconds(600))
            // Just after it wakes up, the first thing that it could do.
            worker.process.thaw()
            try await world.time.sleep(for: .milliseconds(500))
            #expect(changes.all.isEmpty)
            // Its token comes back to it.
            try await world.time.sleep(for: .seconds(400))
            #expect(bench.names().isEmpty)
            #expect(Self.tokens(bench).map(\.state) == ["delayed"])
        }
    }

    @Test func aTokenThatIsLost() throws {
        let bench = try Self.bench()
        bench.worker("w1").start()
        try bench.simulation.run { world in
            for _ in 0..<3 {
                try await world.time.sleep(for: .seconds(100))
                for token in Self.tokens(bench) { bench.broker.ask(Array("delete \(token.id)\r\n".utf8)) }
                #expect(Self.tokens(bench).isEmpty)
            }
            // The broker forgets everything.
            bench.broker.restart(isPersistent: false)
            try await world.time.sleep(for: .seconds(2_000))
            #expect(Self.tokens(bench).map(\.state) == ["delayed"])
            #expect(Self.sweeps(bench).count == 1)
        }
    }

    private static func mends(_ bench: Bench) -> [String] {
        bench.notices.all.compactMap { entry in
            if case .sweepTokenMended(let why) = entry.notice { why } else { nil }
        }
    }

    /// Whatever somebody has put there, somebody sweeps within an hour or two.
    @Test(
        arguments: [(.max, 300, 1), (0, 1, 1), (0, .max, 1), (.max, .max, 2), (7_000, 300, 0)]
            as [(UInt32, UInt32, Int)])
    func aTokenThatNobodyCouldTakeIsPutRight(delay: UInt32, timeToRun: UInt32, mends: Int) throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let forged = SweepToken(at: world.time.wallClock, worker: "w")
            bench.broker.put(
                forged.encoded, tube: bench.configuration.tubes.sweep, priority: .max, delay: delay,
                timeToRun: timeToRun)
            bench.worker("w1").start()
            bench.worker("w2").start()
            try await world.time.sleep(for: .seconds(7_200))
            #expect((1...3).contains(Self.sweeps(bench).count))
            #expect(Self.mends(bench).count == mends, "\(Self.mends(bench))")
            #expect(Self.tokens(bench).map(\.state) == ["delayed"])
            #expect(Self.tokens(bench).allSatisfy { $0.delay <= 3_780 })
        }
    }

    /// A client that reserves the token and keeps it.
    @Test func aTokenThatIsKeptIsReplaced() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let token = SweepToken(at: world.time.wallClock, worker: "w")
            let tube = try TubeName(bench.configuration.tubes.sweep)
            bench.broker.put(token.encoded, tube: tube.text, timeToRun: .max)
            try await Broker(bench.configuration.broker, world: world).connect(Tubes(watching: [tube])) { keeper in
                _ = try await keeper.reserve(timeout: .zero)
                bench.worker("w1").start()
                try await world.time.sleep(for: .seconds(7_000))
                #expect(Self.sweeps(bench).isEmpty && Self.mends(bench).isEmpty)
                try await world.time.sleep(for: .seconds(1_000))
                #expect(Self.sweeps(bench).count == 1)
                #expect(Self.mends(bench).count == 1)
            }
        }
    }

    /// A token of a newer release, or no token at all, is released like any other.
    @Test func aTokenThatCannotBeRead() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            bench.broker.put(Array("{v: 2}".utf8), tube: bench.configuration.tubes.sweep)
            bench.worker("w1").start()
            try await world.time.sleep(for: .seconds(100))
            #expect(Self.sweeps(bench).count == 1)
            #expect(Self.tokens(bench).map(\.state) == ["delayed"])
        }
    }

    @Test func theProjectChanges() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let before = SweepToken(at: world.time.wallClock, worker: "w", projects: ["ovh": "another"])
            bench.broker.put(before.encoded, tube: bench.configuration.tubes.sweep)
            bench.leak("ovh001", key: "k")
            bench.worker("w1").start()
            try await world.time.sleep(for: .seconds(300))
            #expect(Self.sweeps(bench).map(\.report.causes) == [["project-changed"]])
            #expect(bench.names() == ["ovh001"])
            try await world.time.sleep(for: .seconds(3_700))
            #expect(Self.sweeps(bench).map(\.report.causes) == [["project-changed"], []])
            #expect(bench.names().isEmpty)
        }
    }

    /// `cirrata sweep` takes what the workers' token remembers, and tells it.
    @Test func byHand() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let before = SweepToken(at: world.time.wallClock, worker: "w", projects: ["ovh": "another", "rh": "x"])
            bench.broker.put(before.encoded, tube: bench.configuration.tubes.sweep, delay: 1_000)
            bench.leak("ovh001", key: "k")
            let sweeper = try bench.sweeper(world)
            #expect(try await sweeper.sweepByHand().causes == ["project-changed"])
            let tokens = Self.tokens(bench)
            let token = try SweepToken(parsing: try #require(tokens.first).body)
            #expect(tokens.map(\.state) == ["delayed"] && token.projects["ovh"] != "another")
            #expect(token.projects["rh"] == "x" && (990...1_000).contains(tokens[0].delay))
            #expect(try await sweeper.sweepByHand().removed.count == 1)
            // A token that is right stays as it is.
            #expect(Self.tokens(bench).map(\.id) == tokens.map(\.id))
        }
    }

    /// SIGTERM in the middle of a sweep: it ends at once, and the token is free for others.
    @Test func drain() throws {
        let bench = try Self.bench()
        let worker = bench.worker("w1")
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "k")
            bench.broker.put(
                SweepToken(at: world.time.wallClock, worker: "w").encoded, tube: bench.configuration.tubes.sweep)
            worker.start()
            try await world.time.sleep(for: .seconds(30))
            #expect(Self.tokens(bench).map(\.state) == ["reserved"])
            let began = world.time.now
            worker.drain()
            _ = try await worker.process.end.wait()
            #expect(world.time.now - began < .seconds(1))
            try await world.time.sleep(for: .seconds(1))
            #expect(Self.tokens(bench).map(\.state) == ["ready"])
            #expect(bench.names() == ["ovh001"])
        }
    }

    @Test func switchedOff() throws {
        let bench = try Bench(site: { $0.sweep.isEnabled = false })
        bench.worker("w1").start()
        try bench.simulation.run { world in
            try await world.time.sleep(for: .seconds(7_200))
            #expect(Self.tokens(bench).isEmpty && Self.sweeps(bench).isEmpty)
        }
    }
}
