import Beanstalk
import Configuration
import Jobs
import Pipelines
import Scenarios
import Simulation
import Testing
import WorkerCore
import World
import YAMLKit

/// `cirrata failed edit` on jobs that really failed, against the simulated broker.
@Suite struct FailedJobEditTests {
    private static let tube = "cirrata.provision.\(Bench.provider)"

    private static func body(_ version: String, more: String = "") -> [UInt8] {
        Array(
            "{action: provision, node: ovh001, owner: me@lab, lock_description: run/1, os_version: '\(version)'\(more)}"
                .utf8)
    }

    /// A provision of an image that does not exist has failed.
    private static func fail(in bench: Bench, _ world: World, body: [UInt8] = body("1.0")) async throws -> FailedJob {
        bench.lock("ovh001")
        bench.broker.put(body, tube: tube, priority: 77, timeToRun: 240)
        try await bench.work(as: "w1", world)
        return try #require(try await bench.reader(world).survey().current.first)
    }

    private static func begin(_ job: FailedJob, _ bench: Bench, _ world: World) async throws -> FailedJobEdit {
        let names = bench.configuration.providers.map(\.name)
        let beginning = try await FailedJobEdit.begin(
            job, bench.reader(world), tubes: try WorkerTubes(bench.configuration.tubes, providers: names),
            body: JobBody(labDomain: Bench.domain, providers: names))
        guard case .ready(let edit) = beginning else { throw Unexpected(what: "\(beginning)") }
        return edit
    }

    @Test func theJobIsPutAnewAndTheOldOneDiscarded() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let job = try await Self.fail(in: bench, world)
            let edit = try await Self.begin(job, bench, world)
            #expect(edit.body == Self.body("1.0"))
            #expect(edit.problems(in: Self.body("22.04"), source: "") == [])
            let result = try await edit.replace(with: Self.body("22.04"), bench.reader(world))
            let new = try #require(bench.provisions.first)
            #expect(result == .replaced(by: JobID(new.id)) && bench.provisions.count == 1)
            #expect(new.id != job.report.jobID && new.priority == 77 && new.state == "ready")
            #expect(bench.reports.isEmpty)
            #expect(String(decoding: new.body, as: UTF8.self).contains("\"uuid\": \"\(job.report.key)\""))

            try await bench.work(as: "w2", world)
            #expect(bench.events.outcomes.map(\.kind) == [.rejected, .done])
            #expect(bench.events.records.allSatisfy { $0.job.key == job.report.key })
        }
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)) == [])
    }

    @Test func whatAWorkerWouldRefuseIsTold() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let edit = try await Self.begin(try await Self.fail(in: bench, world), bench, world)
            func told(_ text: String) -> String {
                edit.problems(in: Array(text.utf8), source: "new").map(\.description).joined(separator: "\n")
            }
            #expect(told("action: provision\nowner: me\nnode: [").hasPrefix("new:4:1: not YAML"))
            #expect(told("action: provision\nowner: me\nnode: A B").contains("new:3:1: node"))
            #expect(told("action: destroy\nowner: me\nnode: ovh001").contains("new:1:1: action"))
            #expect(told("owner: me\nnode: ovh001").contains("no 'action'"))
            #expect(told("{action: provision, owner: me, reply_to: '-no'}").contains("reply_to"))
            #expect(told("{action: provision, owner: me, uuid: other}").contains("new:1:32: uuid"))
            #expect(told("? action\n: provision\n? owner\n: me").contains("add uuid: "))
        }
    }

    /// The old report is the only one that names what is left, so the job stays at its node until that is gone.
    @Test func whatIsLeftIsNotForgotten() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            var job = try await Self.fail(in: bench, world)
            let elsewhere = Array(
                "{action: provision, node: ovh002, owner: me@lab, lock_description: run/1, os_version: '22.04'}".utf8)
            #expect(try await Self.begin(job, bench, world).problems(in: elsewhere, source: "") == [])
            job.report.left = ["server ovh001 1"]
            let edit = try await Self.begin(job, bench, world)
            let told = edit.problems(in: elsewhere, source: "").map(\.description)
            #expect(told.count == 1 && told.first?.contains("failed undo \(job.reference)") == true, "\(told)")
            #expect(edit.problems(in: Self.body("22.04"), source: "") == [])
        }
    }

    /// Of all who edit one job at once, one has it: there is one new job, and the old one is gone.
    @Test func twoOperatorsAtOnce() throws {
        for seed in UInt64(1)...30 {
            let bench = try Bench(seed: seed, order: .shuffled)
            let results = Locked<[FailedJobEdit.Result]>([])
            try bench.simulation.run { world in
                let job = try await Self.fail(in: bench, world)
                let names = ["a", "b", "c"]
                for name in names {
                    bench.simulation.process(name).start { world in
                        let edit = try await Self.begin(job, bench, world)
                        let result = try await edit.replace(
                            with: Self.body("22.04", more: ", name: \(name)"), bench.reader(world))
                        results.withLock { $0.append(result) }
                    }
                }
                try await bench.until { results.withLock { $0.count } == names.count }
                let replaced = results.withLock { $0 }.compactMap { result in
                    if case .replaced(let id) = result { id } else { nil }
                }
                #expect(replaced.count == 1, "seed \(seed): \(results.withLock { $0 })")
                #expect(bench.provisions.map { JobID($0.id) } == replaced)
            }
        }
    }

    /// Another operator sends the old job back between the put and the discard: the new one is withdrawn.
    @Test func aRetryInBetweenWins() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let job = try await Self.fail(in: bench, world)
            let edit = try await Self.begin(job, bench, world)
            let isPut = Locked(false)
            bench.broker.onBytes { _, bytes in
                let text = String(decoding: bytes, as: UTF8.self)
                if isPut.withLock({ $0 }), text.hasPrefix("stats-job") { bench.kick(job.reference) }
                if text.contains("put ") { isPut.withLock { $0 = true } }
            }
            let result = try await edit.replace(with: Self.body("22.04"), bench.reader(world))
            #expect(result == .skipped("it is ready now, not buried"))
            #expect(bench.provisions.map { JobID($0.id) } == [job.reference])
        }
    }

    /// Whoever dies in between loses nothing: the old job with its report is there, or the new one.
    @Test func aCrashAnywhereLosesNothing() throws {
        func run(_ crash: (Int, Effect.Edge)?) throws -> Int {
            let bench = try Bench()
            return try bench.simulation.run { world in
                let job = try await Self.fail(in: bench, world)
                let process = try await bench.operate("op", crash: crash.map { ($0.0, $0.1) }) { world in
                    let edit = try await Self.begin(job, bench, world)
                    _ = try await edit.replace(with: Self.body("22.04"), bench.reader(world))
                }
                try await world.time.sleep(for: .seconds(20))
                let old = bench.provisions.first { $0.id == job.report.jobID }
                let new = bench.provisions.filter { $0.id != job.report.jobID }
                let hasReport = bench.reports.contains { $0.jobID == job.report.jobID }
                let where_ = "crash at \(String(describing: crash))"
                #expect(old?.state == "buried" && hasReport || new.map(\.state) == ["ready"], "\(where_)")
                // If both are left, they are one job twice.
                if old != nil { bench.kick(job.reference) }
                try await bench.work(as: "w2", world)
                if !new.isEmpty {
                    #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)) == [], "\(where_)")
                }
                return process.effects
            }
        }
        for index in 1...(try run(nil)) {
            for edge in [Effect.Edge.before, .after] { _ = try run((index, edge)) }
        }
    }

    /// The broker begins anew, and the number is another job's (facts/beanstalkd.md D5).
    @Test func aNumberUsedAgain() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let job = try await Self.fail(in: bench, world)
            let edit = try await Self.begin(job, bench, world)
            bench.broker.restart(isPersistent: false)
            let other = Self.body("22.04", more: ", name: other")
            while bench.provisions.last?.id != job.report.jobID { bench.broker.put(other, tube: Self.tube) }
            let before = bench.broker.jobs
            _ = bench.broker.ask(
                Array("watch \(Self.tube)\r\nreserve-job \(job.reference)\r\nbury \(job.reference) 1\r\n".utf8))
            #expect(bench.provisions.last?.state == "buried")
            #expect(
                try await edit.replace(with: Self.body("22.04"), bench.reader(world))
                    == .skipped("the number is another job's now"))
            #expect(bench.broker.jobs.map(\.id) == before.map(\.id))
        }
    }

    /// What is added to a body must fit, too; what does not fit changes nothing.
    @Test func aBodyAtTheBrokersLimit() throws {
        let limit = 65_535
        let bench = try Bench()
        try bench.simulation.run { world in
            func padded(_ size: Int) -> [UInt8] {
                let bare = Self.body("22.04", more: ", padding: ''").count
                return Self.body("22.04", more: ", padding: '\(String(repeating: "x", count: size - bare))'")
            }
            let job = try await Self.fail(in: bench, world, body: Self.body("1.0", more: ", secret: hunter2"))
            let edit = try await Self.begin(job, bench, world)
            let before = bench.provisions
            guard case .failed(let why) = try await edit.replace(with: padded(limit), bench.reader(world)) else {
                return unexpected("taken")
            }
            #expect(why.contains("JOB_TOO_BIG") && !why.contains("hunter2"))
            #expect(bench.provisions == before && bench.reports.count == 1)
            let added = "\"uuid\": \"\(job.report.key)\", \"first_put\": \"2026-11-22T15:00:00Z\", ".utf8.count
            #expect(
                try await edit.replace(with: padded(limit - added), bench.reader(world))
                    == .replaced(by: JobID(try #require(bench.provisions.first?.id))))
            #expect(bench.provisions.first?.body.count == limit)
        }
    }

    @Test func aBrokerThatTakesNothing() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let job = try await Self.fail(in: bench, world)
            let edit = try await Self.begin(job, bench, world)
            let before = bench.provisions
            bench.broker.drain()
            guard case .failed(let why) = try await edit.replace(with: Self.body("22.04"), bench.reader(world)) else {
                return unexpected("taken")
            }
            #expect(why.contains("DRAINING") && bench.provisions == before && bench.reports.count == 1)
        }
    }

    /// A newer job has the node by now: the edited one stands where the old one stood, and leaves it alone.
    @Test func aNewerJobKeepsTheNode() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let job = try await Self.fail(in: bench, world)
            bench.put(
                .provision,
                "{action: provision, node: ovh001, owner: me@lab, lock_description: run/1, uuid: newer, volumes: {count: 1, size: 5}}"
            )
            try await bench.work(as: "w2", world)
            let edit = try await Self.begin(job, bench, world)
            _ = try await edit.replace(with: Self.body("22.04"), bench.reader(world))
            try await bench.work(as: "w3", world)
            #expect(bench.events.outcomes.map(\.kind) == [.rejected, .done, .superseded])
        }
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 1)) == [])
    }
}
