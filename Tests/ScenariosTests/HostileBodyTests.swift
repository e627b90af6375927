import Configuration
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// Bodies that would keep a slot, or keep others waiting, for as long as they like.
@Suite struct HostileBodyTests {
    private static let job = "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001"

    private static func bench(maximumJobSize: Int = 65_535) throws -> Bench {
        let bench = try Bench()
        bench.broker.setMaximumJobSize(maximumJobSize)
        bench.lock("ovh001")
        bench.worker("w1").start()
        return bench
    }

    /// Whatever is in it, a job that cannot work is buried with a report and a reply at its first delivery.
    @Test(arguments: [
        "\(job), reply_to: r, os_version: '\(String(repeating: "x", count: 60_000))'}",
        "{action: '\(String(repeating: "x", count: 65_000))', reply_to: r}",
        "{action: \"\(String(repeating: "\\x01", count: 16_000))\", reply_to: r}",
        "{action: \"\(String(repeating: "\\e", count: 30_000))\", node: \"\(String(repeating: "\\n", count: 900))\", reply_to: r}",
        "\(job), reply_to: r, volumes: [\(String(repeating: "'\t',", count: 15_000))]}",
        "{action: provision, reply_to: r, machine_type: \(String(repeating: "é", count: 30_000))}",
    ])
    func aBodyOfAnyContentIsSettled(body: String) throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            #expect(bench.put(.provision, body) != nil)
            try await world.time.sleep(for: .seconds(30))
            #expect(bench.buried == 1 && bench.reports.map(\.outcome) == ["rejected"])
            #expect(bench.replies("r").map(\.outcome) == ["rejected"])
            #expect(bench.events.outcomes.count == 1)
        }
    }

    private static func isTold(_ bench: Bench, _ isMeant: (WorkerNotice) -> Bool) -> Bool {
        bench.notices.all.contains { isMeant($0.notice) }
    }

    /// A broker that was started with a small `-z` gets a shorter report and a shorter reply.
    @Test func aSmallBrokerGetsShorterReports() throws {
        let bench = try Self.bench(maximumJobSize: 1_500)
        try bench.simulation.run { world in
            let names = String(repeating: "name of the run/", count: 15)
            bench.put(.provision, "\(Self.job), reply_to: r, os_version: 1.2.3, name: \(names)}")
            try await world.time.sleep(for: .seconds(30))
            #expect(bench.buried == 1 && bench.reports.map(\.cause) == ["no-image"])
            #expect(bench.replies("r").map(\.outcome) == ["rejected"])
            #expect(
                Self.isTold(bench) { notice in
                    if case .shortened(_, let why) = notice { why.contains("JOB_TOO_BIG") } else { false }
                })
        }
    }

    /// Where not even the shortest report fits, the job is buried without one and the log has it.
    @Test func aTinyBrokerKeepsNoSlot() throws {
        let bench = try Self.bench(maximumJobSize: 150)
        try bench.simulation.run { world in
            bench.put(.provision, "{action: provision, owner: me@lab, os_version: 1.2.3, node: ovh001, reply_to: r}")
            try await world.time.sleep(for: .seconds(30))
            #expect(bench.buried == 1 && bench.reports.isEmpty && bench.replies("r").isEmpty)
            #expect(bench.events.outcomes.count == 1)
            #expect(
                Self.isTold(bench) { notice in
                    if case .reportRefused(_, _, let report, let isBuried) = notice {
                        isBuried && report.contains("no-image")
                    } else {
                        false
                    }
                })
            #expect(Self.isTold(bench) { if case .replyRefused = $0 { true } else { false } })
        }
    }

    /// Thousands of them may stand before a job of ours: each costs one round trip, and afterwards they stand behind.
    @Test func aFloodOfForeignBodiesIsPassedQuickly() throws {
        let bench = try Self.bench()
        let commands = Locked<[String: Int]>([:])
        bench.broker.onBytes { _, bytes in
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\r\n") {
                commands.withLock { $0[String(line.prefix { $0 != " " }), default: 0] += 1 }
            }
        }
        let tube = "cirrata.provision.\(Bench.provider)"
        try bench.simulation.run { world in
            for number in 0..<2_000 {
                bench.broker.put(
                    Array((number % 2 == 0 ? "foo: \(number)" : "{action: provision, v: 2}").utf8), tube: tube,
                    priority: 0)
            }
            bench.put(.provision, "\(Self.job)}")
            try await world.time.sleep(for: .seconds(20))
            #expect(bench.events.records.contains { $0.isStart(of: "claim") })
            let foreign = bench.broker.jobs.filter { $0.tube == tube && $0.state == "delayed" }
            #expect(foreign.count == 2_000 && foreign.allSatisfy { $0.delay == 60 && $0.priority == .max })
            let counts = commands.withLock { $0 }
            #expect((2_000...2_100).contains(counts["release", default: 0]), "\(counts)")
            #expect((2_000...2_100).contains(counts["stats-job", default: 0]))
            #expect(counts["touch", default: 0] + counts["put", default: 0] + counts["watch", default: 0] < 200)
            #expect(
                bench.notices.all.count { if case .foreignJob = $0.notice { true } else { false } } == 1)
        }
    }

    /// They come round ever more rarely and end buried; a kick gives them another day.
    @Test func aForeignBodyIsBuriedAfterADay() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let id = try #require(bench.put(.provision, "{name: run, owner: me}"))
            try await world.time.sleep(for: .seconds(23 * 3_600))
            #expect(bench.buried == 0)
            try await world.time.sleep(for: .seconds(4 * 3_600))
            #expect(bench.broker.jobs.filter { $0.id == id }.map(\.state) == ["buried"])
            #expect(bench.broker.jobs.filter { $0.id == id }.map(\.releases) == [30])
            #expect(bench.reports.isEmpty && bench.events.outcomes.isEmpty)
            #expect(
                Self.isTold(bench) { notice in
                    if case .foreignJob(_, let why, _, true) = notice { why.contains("no 'action'") } else { false }
                })
            bench.broker.ask(Array("kick-job \(id)\r\n".utf8))
            try await world.time.sleep(for: .seconds(60))
            #expect(bench.broker.jobs.filter { $0.id == id }.map(\.state) == ["delayed"])
        }
    }

    /// With a put time before all others its server would be newer than every job that could take it away.
    @Test(arguments: ["-9223372036854775808", "-9222000000000", "0"])
    func aForgedFirstPutIsRefused(firstPut: String) throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            bench.put(.provision, "\(Self.job), uuid: evil, first_put: \(firstPut)}")
            try await world.time.sleep(for: .seconds(10))
            #expect(bench.events.outcomes.map(\.cause) == ["malformed"])
            #expect(bench.reports.first?.message.contains("first_put") == true)
        }
    }

    /// Such a server may be there from before, or by another's hand: a destroy takes it.
    @Test func aServerWithAForgedPutTimeIsDestroyed() throws {
        let bench = try Self.bench()
        let id = bench.sandbox.withState { state in
            state.cloud.addServer(
                named: "ovh001",
                metadata: [
                    "cirrata_site": Bench.site, "cirrata_key": "evil", "cirrata_node": "ovh001",
                    "cirrata_put": "-9223372036854", "cirrata_owner": "me@lab", "cirrata_lock": "run/1",
                    "cirrata_spec": "s", "cirrata_v": "1",
                ], at: bench.simulation.world.time.wallClock)
        }
        #expect(id != nil)
        try bench.simulation.run { _ in
            bench.put(.destroy, "{action: destroy, owner: me@lab, lock_description: run/1, node: ovh001}")
            try await bench.settled()
            #expect(bench.events.outcomes.map(\.kind) == [.done])
            let now = bench.simulation.world.time.wallClock
            #expect(bench.sandbox.withState { $0.cloud.snapshot(at: now) }.servers.isEmpty)
        }
    }

    /// One that says that it comes from the future must not keep those behind it.
    @Test func aForgedSignOfLifeGoesWithTheOthers() throws {
        let bench = try Bench()
        let future = try #require(Timestamp(parsing: "9999-01-01"))
        try bench.simulation.run { world in
            let forged = Presence(
                host: "h", process: 1, release: "x", slots: 1, started: world.time.wallClock,
                at: future, draining: false, held: [])
            let tube = bench.configuration.tubes.workers
            for _ in 0..<3 { bench.broker.put(forged.encoded(limit: 65_535), tube: tube) }
            bench.worker("w1").start()
            try await world.time.sleep(for: .seconds(150))
            #expect(bench.broker.jobs.count { $0.tube == tube } == 1)
        }
    }
}
