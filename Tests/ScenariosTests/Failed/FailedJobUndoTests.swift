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

/// `cirrata failed undo` on provisions whose removal was really not finished, against the simulated broker and cloud.
@Suite struct FailedJobUndoTests {
    private static let body =
        "{action: provision, node: ovh001, owner: me@lab, lock_description: run/1, uuid: k, volumes: {count: 2, size: 5}}"

    private static func refusing(_ service: SandboxService) -> FaultRule {
        var rule = FaultRule.answering(403)
        rule.service = service
        rule.method = .delete
        return rule
    }

    private static func bench(seed: UInt64 = 1, order: Simulation.Order = .fifo) throws -> Bench {
        try Bench(seed: seed, order: order, sandbox: { $0.allowHosts = "^other" }) { configuration in
            configuration.retryFor = .seconds(60)
            configuration.steps.removal.patience = .seconds(5)
        }
    }

    /// The name was refused, and the cloud then deleted nothing: a server and two volumes are left.
    private static func leave(
        in bench: Bench, _ world: World, body: String = body, refused: [SandboxService] = [.compute, .volume]
    ) async throws -> FailedJob {
        bench.lock("ovh001")
        for service in refused { bench.sandbox.withState { _ = $0.faults.add(refusing(service)) } }
        bench.put(.provision, body)
        try await bench.work(as: "w1", world)
        bench.sandbox.withState { $0.faults.removeAll() }
        let job = try #require(try await bench.reader(world).survey().current.first)
        #expect(job.report.outcome == "removal-incomplete" && job.mayHaveLeft)
        return job
    }

    private static func undo(_ bench: Bench, _ world: World, drain: Signal<Void> = Signal()) throws -> FailedJobUndo {
        FailedJobUndo(
            try bench.reader(world), site: try Site(bench.configuration, world: world),
            settings: try WorkerSettings(bench.configuration, release: "bench"), sinks: [bench.events], drain: drain)
    }

    private static func seen(_ undo: FailedJobUndo, _ job: FailedJob) async throws -> Leftovers {
        let look = try await undo.look(at: job)
        guard case .found(let leftovers) = look else { throw Unexpected(what: "\(look)") }
        return leftovers
    }

    private static func perform(_ bench: Bench, _ world: World, _ job: FailedJob) async throws -> FailedJobUndo.End {
        let undo = try undo(bench, world)
        return try await undo.perform(on: job, seen: try await seen(undo, job))
    }

    private static func cloud(_ bench: Bench) -> CloudSnapshot {
        bench.sandbox.withState { $0.cloud.snapshot(at: bench.simulation.world.time.wallClock) }
    }

    @Test func whatIsLeftGoesAndTheReportSaysSo() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            #expect(job.report.left.count == 3)
            let undo = try Self.undo(bench, world)
            let requests = Requests(of: bench)
            let seen = try await Self.seen(undo, job)
            #expect(Set(job.report.left).isSubset(of: seen.labels) && seen.ids.count == 3)
            // Keystone's logins aside.
            #expect(requests.all.allSatisfy { $0.method == .get || $0.url.contains("/identity/") })

            let end = try await undo.perform(on: job, seen: seen)
            #expect(end.result == .done && end.reportTrouble == "")
            #expect(Set(job.report.left).isSubset(of: end.removed))
            #expect(Invariants(bench).violations(of: "ovh001", .empty) == [])

            let after = try await bench.reader(world).survey()
            let undone = try #require(after.current.first)
            #expect(after.jobs.count == 1 && undone.reference == job.reference && undone.reportID != job.reportID)
            #expect(undone.report.left == [] && undone.report.cause == "undone" && !undone.mayHaveLeft)
            #expect(undone.report.ended == job.report.ended && undone.report.message == job.report.message)
            #expect(undone.report.steps.map(\.step).suffix(2) == ["removal", "undo removal"])
            #expect(undone.report.warnings.last?.hasSuffix("nothing is left") == true)
            // The broker's journal of it: under the job's own number.
            #expect(bench.events.records.last?.job.jobID == job.report.jobID)

            // Once more finds nothing, and tells nothing new.
            let again = try await Self.perform(bench, world, undone)
            #expect(again.result == .done && again.reportTrouble == "")
            #expect(try await bench.reader(world).survey().jobs.map(\.reportID) == [undone.reportID])
            // It is still there to be tried again.
            bench.acceptNames()
            bench.kick(job.reference)
            try await bench.work(as: "w2", world)
        }
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 2)) == [])
    }

    @Test func whatIsStillRefusedIsStillNamed() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            bench.sandbox.withState { _ = $0.faults.add(Self.refusing(.volume)) }
            let end = try await Self.perform(bench, world, job)
            guard case .left(let left, let why, let next) = end.result else { return unexpected("\(end.result)") }
            let volumes = Self.cloud(bench).volumes.map { "volume \($0.name) \($0.id)" }
            #expect(left.sorted() == volumes.sorted() && left.count == 2)
            #expect(why.contains("403") && next.contains("undo"))
            let report = try #require(try await bench.reader(world).survey().current.first?.report)
            #expect(report.left.sorted() == left.sorted() && report.outcome == "removal-incomplete")
            #expect(report.removed.contains { $0.hasPrefix("server ovh001") })
        }
    }

    /// A service that does not answer: what it has is named, and no more than that is said.
    @Test func anOutageIsNoSuccess() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let undo = try Self.undo(bench, world)
            let seen = try await Self.seen(undo, job)
            bench.simulation.http.onRequest { exchange in
                exchange.request.url.contains("/volume")
                    ? .instead(.response(HTTPResponse(status: 500))) : .deliver
            }
            let end = try await undo.perform(on: job, seen: seen)
            guard case .left(let left, _, _) = end.result else { return unexpected("\(end.result)") }
            #expect(!left.isEmpty && Self.cloud(bench).volumes.count == 2)
        }
    }

    /// Another operator sends the job back while the first act is under way: what comes after is not done.
    @Test func aRetryInBetweenStopsIt() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let undo = try Self.undo(bench, world)
            let seen = try await Self.seen(undo, job)
            bench.simulation.http.onRequest { exchange in
                if exchange.request.method == .delete { bench.kick(job.reference) }
                return .deliver
            }
            let end = try await undo.perform(on: job, seen: seen)
            #expect(end.result == .skipped("it is ready now, not buried: nothing more is removed"))
            #expect(end.removed.count == 1 && Self.cloud(bench).volumes.count == 2)
            // The job goes on from there.
            bench.acceptNames()
            try await bench.work(as: "w2", world)
        }
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 2)) == [])
    }

    @Test func moreThanWasSeenStays() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let undo = try Self.undo(bench, world)
            let seen = try await Self.seen(undo, job)
            let server = try #require(Self.cloud(bench).servers.first)
            bench.sandbox.withState { state in
                _ = state.cloud.addServer(named: "ovh001", metadata: server.metadata, at: world.time.wallClock)
            }
            let requests = Requests(of: bench)
            let end = try await undo.perform(on: job, seen: seen)
            #expect(end.result == .skipped("there is more of this job than there was") && end.removed == [])
            #expect(requests.count(.delete, "/") == 0 && Self.cloud(bench).servers.count == 2)
        }
    }

    /// The same job was put once more, found the server and finished it.
    @Test func whatWasCommittedStays() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            bench.acceptNames()
            bench.put(.provision, Self.body)
            try await bench.work(as: "w2", world)
            #expect(bench.events.outcomes.last?.kind == .done)
            let undo = try Self.undo(bench, world)
            guard case .not(.committed(let why)) = try await undo.look(at: job) else { return unexpected("found") }
            #expect(why.contains("another delivery finished it"))
        }
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 2)) == [])
    }

    /// ... and if that happens between the look and the removal, it is seen there.
    @Test func whatIsCommittedMeanwhileStays() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let undo = try Self.undo(bench, world)
            let seen = try await Self.seen(undo, job)
            bench.acceptNames()
            bench.put(.provision, Self.body)
            try await bench.work(as: "w2", world)
            let requests = Requests(of: bench)
            let end = try await undo.perform(on: job, seen: seen)
            guard case .committed = end.result else { return unexpected("\(end.result)") }
            #expect(requests.all.allSatisfy { $0.method == .get || $0.url.contains("/identity/") })
        }
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 2)) == [])
    }

    /// An equal job built anew and finished; then a request of the first one, sent long ago, had its effect after all. That
    /// server is in nobody's way, and of a finished job nothing is removed.
    @Test func aLateServerOfAFinishedJobStays() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let undo = try Self.undo(bench, world)
            let seen = try await Self.seen(undo, job)
            let old = try #require(Self.cloud(bench).servers.first?.metadata)
            bench.acceptNames()
            bench.put(.provision, Self.body.replacing("count: 2", with: "count: 1"))
            try await bench.work(as: "w2", world)
            #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 1)) == [])
            #expect(Self.cloud(bench).servers.first?.metadata["cirrata_job"] != old["cirrata_job"])
            bench.sandbox.withState { state in
                _ = state.cloud.addServer(named: "ovh001", metadata: old, at: world.time.wallClock)
            }
            let requests = Requests(of: bench)
            let end = try await undo.perform(on: job, seen: seen)
            guard case .committed = end.result else { return unexpected("\(end.result)") }
            #expect(requests.all.allSatisfy { $0.method == .get || $0.url.contains("/identity/") })
            #expect(Self.cloud(bench).servers.count == 2)
        }
    }

    /// The node has a newer job's server by now, which has taken away the rest: DNS and paddles stay as they are.
    @Test func aNewerJobOfTheNodeKeepsEverything() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            bench.acceptNames()
            bench.put(.provision, Self.body.replacing("uuid: k", with: "uuid: newer"))
            try await bench.work(as: "w2", world)
            #expect(bench.events.outcomes.last?.kind == .done)
            #expect(try await Self.perform(bench, world, job).result == .done)
            #expect(try await bench.reader(world).survey().current.first?.report.left == [])
        }
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 2)) == [])
    }

    /// A newer job commits while the old one's volumes are waited for: the record is not cleared.
    @Test func aNewerJobThatCommitsMeanwhileKeepsItsRecord() throws {
        let bench = try Self.bench()
        let record = try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let hasCome = Locked(false)
            bench.simulation.http.onRequest { exchange in
                guard exchange.request.method == .delete, exchange.request.url.contains("/volumes/"),
                    hasCome.withLock({ before in
                        defer { before = true }; return !before
                    })
                else { return .deliver }
                let now = world.time.wallClock
                let newer = Ownership(
                    site: Bench.site, key: "newer", node: "ovh001", put: now, jobID: 99, owner: "me@lab", lock: "run/1",
                    spec: "s")
                bench.sandbox.withState { state in
                    guard let id = state.cloud.addServer(named: "ovh001", metadata: newer.metadata, at: now),
                        var record = state.paddles.node("ovh001.\(Bench.domain)")
                    else { return }
                    record.macAddress =
                        state.cloud.snapshot(at: now).servers.first { $0.id == id }?.addresses.first?.mac
                    (record.osType, record.osVersion) = ("ubuntu", "22.04")
                    state.paddles.put(record)
                }
                return .deliver
            }
            #expect(try await Self.perform(bench, world, job).result == .done)
            return bench.sandbox.withState { $0.paddles.node("ovh001.\(Bench.domain)") }
        }
        #expect(Self.cloud(bench).servers.map { $0.metadata["cirrata_key"] } == ["newer"])
        #expect(record?.osType == "ubuntu" && record?.macAddress != nil)
    }

    @Test func twoOperatorsAtOnce() throws {
        for seed in UInt64(1)...15 {
            let bench = try Self.bench(seed: seed, order: .shuffled)
            let ends = Locked<[FailedJobUndo.End]>([])
            try bench.simulation.run { world in
                let job = try await Self.leave(in: bench, world)
                for name in ["a", "b"] {
                    bench.simulation.process(name).start { world in
                        let end = try await Self.perform(bench, world, job)
                        ends.withLock { $0.append(end) }
                    }
                }
                try await bench.until { ends.withLock { $0.count } == 2 }
                let found = ends.withLock { $0 }
                #expect(found.allSatisfy { $0.result == .done }, "seed \(seed): \(found)")
                try await world.time.sleep(for: .seconds(2))
                let current = try await bench.reader(world).survey().current
                #expect(current.map(\.report.left) == [[]] && current.map(\.report.cause) == ["undone"], "seed \(seed)")
            }
            #expect(Invariants(bench).violations(of: "ovh001", .empty) == [], "seed \(seed)")
        }
    }

    /// Whoever dies in the middle leaves something that undoing again finishes.
    @Test func aCrashAnywhereIsGoneOnFrom() throws {
        func run(_ crash: (index: Int, edge: Effect.Edge)?) throws -> Int {
            let bench = try Self.bench()
            let effects = try bench.simulation.run { world in
                let job = try await Self.leave(in: bench, world)
                let process = try await bench.operate("op", crash: crash) { world in
                    _ = try await Self.perform(bench, world, job)
                }
                // The broker sees the end of its connections.
                try await world.time.sleep(for: .seconds(3))
                let found = try #require(try await bench.reader(world).survey().current.first)
                #expect(try await Self.perform(bench, world, found).result == .done)
                try await world.time.sleep(for: .seconds(1))
                let current = try await bench.reader(world).survey().current
                #expect(current.map(\.report.left) == [[]], "crash at \(String(describing: crash))")
                return process.effects
            }
            #expect(Invariants(bench).violations(of: "ovh001", .empty) == [], "crash at \(String(describing: crash))")
            return effects
        }
        for index in 1...(try run(nil)) {
            for edge in [Effect.Edge.before, .after] { _ = try run((index, edge)) }
        }
    }

    /// The broker begins anew, and the number is another job's (facts/beanstalkd.md D5).
    @Test func aNumberUsedAgain() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let undo = try Self.undo(bench, world)
            let seen = try await Self.seen(undo, job)
            bench.broker.restart(isPersistent: false)
            #expect(try await undo.look(at: job) == .not(.skipped("it is gone")))
            while bench.provisions.last?.id != job.report.jobID { bench.put(.provision, Self.body) }
            _ = bench.broker.ask(
                Array(
                    "watch \(job.report.tube)\r\nreserve-job \(job.reference)\r\nbury \(job.reference) 1\r\n".utf8))
            // The very same body: it is the same job.
            guard case .found = try await undo.look(at: job) else { return unexpected("not found") }
            var other = job
            other.report.digest = "another body"
            let end = try await undo.perform(on: other, seen: seen)
            #expect(end.result == .skipped("the number is another job's now") && end.removed == [])
            #expect(Self.cloud(bench).servers.count == 1 && Self.cloud(bench).volumes.count == 2)
        }
    }

    /// The broker is restarted in the middle, and again in good health: nothing is lost.
    @Test func aRestartOfTheBroker() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let undo = try Self.undo(bench, world)
            let seen = try await Self.seen(undo, job)
            bench.simulation.http.onAnswer { exchange, _ in
                if exchange.request.method == .delete { bench.broker.restart() }
            }
            let end = try await undo.perform(on: job, seen: seen)
            #expect(end.result == .done && end.reportTrouble == "")
            #expect(Invariants(bench).violations(of: "ovh001", .empty) == [])
        }
    }

    /// Without a broker nobody knows whether the job is still buried: nothing more goes.
    @Test func aBrokerThatIsGone() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let undo = try Self.undo(bench, world)
            let seen = try await Self.seen(undo, job)
            bench.simulation.http.onAnswer { exchange, _ in
                if exchange.request.method == .delete { bench.broker.stop() }
            }
            let end = try await undo.perform(on: job, seen: seen)
            guard case .left(let left, let why, _) = end.result else { return unexpected("\(end.result)") }
            #expect(left.count == 2 && why.contains("beanstalkd at") && !end.reportTrouble.isEmpty)
            #expect(Self.cloud(bench).volumes.count == 2)
        }
    }

    /// Asked to stop, it ends before the next act, and the report tells how far it came.
    @Test func aDrainEndsItBeforeTheNextAct() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(in: bench, world)
            let drain = Signal<Void>()
            let undo = try Self.undo(bench, world, drain: drain)
            let seen = try await Self.seen(undo, job)
            bench.simulation.http.onRequest { exchange in
                if exchange.request.method == .delete, exchange.request.url.contains("/servers/") { drain.raise(()) }
                return .deliver
            }
            let end = try await undo.perform(on: job, seen: seen)
            guard case .left(_, let why, _) = end.result else { return unexpected("\(end.result)") }
            #expect(why == "stopped before the next act" && Self.cloud(bench).volumes.count == 2)
        }
    }

    /// Locked by the job itself and named nowhere: found by its lock, and given back.
    @Test func aJobWithoutANode() throws {
        let bench = try Self.bench()
        try bench.simulation.run { world in
            let job = try await Self.leave(
                in: bench, world, body: "{action: provision, owner: me@lab, uuid: k, volumes: {count: 1, size: 5}}")
            let seen = try await Self.seen(try Self.undo(bench, world), job)
            #expect(seen.ids.count == 2)
            #expect(try await Self.perform(bench, world, job).result == .done)
            let cloud = Self.cloud(bench)
            #expect(cloud.servers.isEmpty && cloud.volumes.isEmpty)
            #expect(bench.sandbox.withState { $0.paddles.nodes.filter(\.locked).map(\.description) } == ["run/1"])
        }
    }

    @Test func aDestroyIsTriedAgainInstead() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            bench.lock("ovh001")
            bench.put(.provision, Self.body)
            try await bench.work(as: "w1", world)
            bench.sandbox.withState { _ = $0.faults.add(Self.refusing(.volume)) }
            bench.put(
                .destroy, "{action: destroy, node: ovh001, owner: me@lab, lock_description: run/1, uuid: d}")
            try await bench.work(as: "w2", world)
            let job = try #require(try await bench.reader(world).survey().current.first)
            #expect(job.report.outcome == "removal-incomplete")
            guard case .not(.failed(_, let next)) = try await Self.undo(bench, world).look(at: job) else {
                return unexpected("found")
            }
            #expect(next == "do it again: cirrata failed retry \(job.reference)")
        }
    }
}
