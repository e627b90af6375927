import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Removals that meet trouble on their way: what is condemned goes in the end, once, and for the first reason.
@Suite struct RemovalTests {
    private static let job =
        "{action: provision, node: ovh001, owner: me@lab, lock_description: run/1, uuid: k, volumes: {count: 2, size: 5}, reply_to: r}"

    private func bench(site: (inout SiteConfiguration) -> Void = { _ in }) throws -> (Bench, Requests) {
        let bench = try Bench(sandbox: { $0.allowHosts = "^other" }) { configuration in
            configuration.steps.removal.patience = .seconds(5)
            site(&configuration)
        }
        bench.lock("ovh001")
        return (bench, Requests(of: bench))
    }

    private static func refusing(_ status: Int, _ service: SandboxService, pattern: String? = nil) -> FaultRule {
        var rule = FaultRule.answering(status)
        rule.service = service
        rule.method = .delete
        rule.pattern = pattern
        return rule
    }

    /// The name is refused, so the job is; meanwhile the cloud deletes nothing. By then the name would be taken: without
    /// a memory of the verdict the job would be built again.
    @Test(arguments: [500, 503]) func aRemovalIsGoneOnWithForItsFirstReason(status: Int) throws {
        let (bench, requests) = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { world in
            let fault = bench.sandbox.withState { $0.faults.add(Self.refusing(status, .compute)) }
            bench.put(.provision, Self.job)
            try await bench.until { bench.events.outcomes.count == 2 }
            #expect(bench.events.outcomes.allSatisfy { [.retry, .parked].contains($0.kind) })
            #expect(bench.events.outcomes.allSatisfy { $0.message.contains("allow_hosts") })
            #expect(bench.buried == 0)
            bench.sandbox.withState { state in _ = state.faults.remove(fault) }
            try await bench.settled()
        }
        #expect(Invariants(bench).violations(of: "ovh001", .empty) == [])
        #expect(bench.events.outcomes.last?.kind == .rejected)
        #expect(requests.count(.post, "/compute/v2.1/servers") == 1)
        #expect(requests.count(.get, "/nsupdate/") == 1)
        let report = try #require(bench.reports.first)
        #expect(report.cause == "nsupdate-web-403" && report.step == "push-dns" && report.left == [])
        // The story is whole, although other deliveries told its beginning.
        #expect(report.steps.map(\.step).contains("create-server") && report.steps.map(\.step).contains("removal"))
        #expect(report.created.contains { $0.hasPrefix("server ovh001") })
        #expect(report.removed.contains { $0.hasPrefix("server ovh001") })
        #expect(bench.replies("r").map(\.outcome) == ["rejected"])
    }

    /// A name that is parked already is not among what was removed.
    @Test(arguments: [true, false]) func aParkedNameIsNotRemoved(hasServer: Bool) throws {
        let (bench, _) = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.sandbox.withState { state in
                guard let name = DNSName("ovh001.\(Bench.domain)"), let parking = NetworkAddress(parsing: "192.0.2.1")
                else { return }
                state.nsupdate.zone.replace(name, with: [.address(parking, ttl: 60)])
            }
            bench.put(
                .provision,
                hasServer
                    ? Self.job : "{action: provision, node: ovh001, owner: me@lab, os_version: '99.99', uuid: k}")
            try await bench.settled()
        }
        let report = try #require(bench.reports.first)
        #expect(report.outcome == "rejected")
        #expect(report.removed.count == (hasServer ? 3 : 0) && !report.removed.contains { $0.hasPrefix("dns") })
    }

    /// What cannot be removed within `retry_for` is all named.
    @Test func theReportNamesWhatIsLeft() throws {
        let (bench, _) = try bench { $0.retryFor = .seconds(60) }
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.sandbox.withState { _ = $0.faults.add(Self.refusing(500, .volume)) }
            bench.put(.provision, Self.job)
            try await bench.settled()
            let left = bench.sandbox.withState { state in
                state.cloud.snapshot(at: world.time.wallClock).volumes.map { "volume \($0.name) \($0.id)" }
            }
            #expect(left.count == 2)
            let report = try #require(bench.reports.first)
            #expect(report.outcome == "removal-incomplete" && report.left.sorted() == left.sorted())
            #expect(report.message.contains("allow_hosts"))
        }
    }

    /// A reachable service that refuses, whatever it is called, is an incomplete removal and not another reason.
    @Test func aRefusedLookIsAnIncompleteRemoval() throws {
        let (bench, _) = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.simulation.http.onRequest { exchange in
                let isLate =
                    !bench.events.outcomes.isEmpty || bench.events.records.contains { $0.isStart(of: "removal") }
                guard isLate, exchange.request.url.contains("/volumes/detail") else { return .deliver }
                return .instead(.response(HTTPResponse(status: 400)))
            }
            bench.put(.provision, Self.job)
            try await bench.settled()
            let report = try #require(bench.reports.first)
            #expect(report.outcome == "removal-incomplete")
            #expect(report.message.contains("allow_hosts") && report.left.contains { $0.contains("cirrata_key k") })
        }
    }

    @Test func aKickIsAFreshStart() throws {
        let (bench, requests) = try bench { $0.retryFor = .seconds(60) }
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.sandbox.withState { _ = $0.faults.add(Self.refusing(500, .volume)) }
            let id = try #require(bench.put(.provision, Self.job))
            try await bench.settled()
            #expect(bench.events.outcomes.last?.kind == .removalIncomplete)
            bench.sandbox.withState { $0.faults.removeAll() }
            _ = bench.broker.ask(Array("kick-job \(id)\r\n".utf8))
            try await bench.settled()
        }
        #expect(bench.events.outcomes.last?.kind == .rejected)
        #expect(requests.count(.get, "/nsupdate/") == 2)
        #expect(Invariants(bench).violations(of: "ovh001", .empty) == [])
    }

    /// The broker takes no report, so the job comes back; what was decided stands.
    @Test func aVerdictStandsUntilItIsSettled() throws {
        let (bench, requests) = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, Self.job)
            bench.broker.setDiskFull(true)
            try await bench.until { bench.events.outcomes.count == 3 }
            bench.broker.setDiskFull(false)
            try await bench.settled()
        }
        #expect(bench.events.outcomes.allSatisfy { $0.kind == .rejected })
        #expect(requests.count(.post, "/compute/v2.1/servers") == 1)
        #expect(bench.buried == 1 && bench.reports.count == 1)
    }

    /// Another process knows of no verdict and begins anew: that comes to an end, too.
    @Test(arguments: [true, false]) func anotherWorkerBeginsAnew(nameIsTaken: Bool) throws {
        let (bench, _) = try bench()
        let first = bench.worker("w1")
        first.start()
        try bench.simulation.run { _ in
            bench.sandbox.withState { _ = $0.faults.add(Self.refusing(500, .compute)) }
            bench.put(.provision, Self.job)
            try await bench.until { bench.events.outcomes.count == 1 }
            first.process.kill()
            bench.sandbox.withState { $0.faults.removeAll() }
            if nameIsTaken { bench.acceptNames() }
            bench.worker("w2").start()
            try await bench.settled()
            let end: Invariants.Expectation = nameIsTaken ? .provisioned(volumes: 2) : .empty
            #expect(Invariants(bench).violations(of: "ovh001", end) == [])
            #expect(bench.events.outcomes.last?.kind == (nameIsTaken ? .done : .rejected))
        }
    }

    /// ... and if it commits the job, the one that remembers the verdict leaves it alone.
    @Test func aVerdictDoesNotOutliveACommit() throws {
        let (bench, requests) = try bench()
        let first = bench.worker("w1")
        let second = bench.worker("w2")
        first.start()
        try bench.simulation.run { _ in
            bench.sandbox.withState { _ = $0.faults.add(Self.refusing(500, .compute)) }
            bench.put(.provision, Self.job)
            try await bench.until { bench.events.outcomes.count == 1 && bench.holdsNothing }
            first.process.freeze()
            // Its waiting reserve would get the job.
            bench.broker.dropConnections()
            bench.sandbox.withState { $0.faults.removeAll() }
            bench.acceptNames()
            bench.killAfterCommit(second)
            second.start()
            try await bench.until { second.process.end.isRaised }
            first.process.thaw()
            try await bench.settled()
        }
        #expect(bench.events.outcomes.last?.kind == .done)
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 2)) == [])
        #expect(bench.replies("r").map(\.outcome) == ["done"])
        #expect(requests.count(.post, "/compute/v2.1/servers") == 1 && bench.buried == 0)
    }
}

/// How volumes are removed.
@Suite struct VolumeRemovalTests {
    private static func body(_ action: String) -> String {
        "{action: \(action), node: ovh001, owner: me@lab, lock_description: run/1, uuid: \(action), volumes: {count: 12, size: 5}}"
    }

    /// The server is gone first, and then all volumes go at once, each behind a guard of its own.
    @Test func severalAtOnce() throws {
        let bench = try Bench(sandbox: { $0.timings.volumeDeleting = .seconds(10) })
        bench.lock("ovh001")
        let requests = Requests(of: bench)
        bench.worker("w1").start()
        let took = try bench.simulation.run { world in
            bench.put(.provision, Self.body("provision"))
            try await bench.settled()
            let began = world.time.now
            bench.put(.destroy, Self.body("destroy"))
            try await bench.settled()
            return world.time.now - began
        }
        #expect(took < .seconds(40), "\(took.short)")
        #expect(Invariants(bench).violations(of: "ovh001", .empty) == [])
        let story = requests.all.filter { $0.method == .delete || $0.isGuard }
        let deletes = story.filter { $0.method == .delete }
        #expect(deletes.count == 13 && deletes.first?.url.contains("/compute/") == true)
        // As many looks at the claim since the server went as there were volumes to go.
        let server = try #require(story.firstIndex { $0.method == .delete })
        let last = try #require(story.lastIndex { $0.method == .delete })
        #expect(story[server...last].count { $0.isGuard } >= 12)
    }

    /// The node is somebody else's while its server is being deleted: its volumes stay.
    @Test func theGuardHolds() throws {
        let bench = try Bench()
        bench.lock("ovh001")
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, Self.body("provision"))
            try await bench.settled()
            bench.simulation.http.onAnswer { exchange, _ in
                guard exchange.request.method == .delete else { return }
                bench.lock("ovh001", owner: "you@lab", description: "run/2")
            }
            bench.put(.destroy, Self.body("destroy"))
            try await bench.settled()
            let volumes = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock).volumes }
            #expect(volumes.count == 12)
        }
        #expect(bench.events.outcomes.last?.kind == .obsolete)
    }

    /// One that cannot be deleted keeps none of the others.
    @Test func aStubbornOneKeepsNoOther() throws {
        let bench = try Bench()
        bench.lock("ovh001")
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, Self.body("provision"))
            try await bench.settled()
            let stubborn = try #require(bench.sandbox.withState { $0.cloud.volumes(named: "ovh001_00").first })
            var rule = FaultRule.answering(400, body: #"{"badRequest": {"message": "no", "code": 400}}"#)
            rule.method = .delete
            rule.pattern = stubborn
            bench.sandbox.withState { [rule] state in _ = state.faults.add(rule) }
            bench.put(.destroy, Self.body("destroy"))
            try await bench.settled()
            let volumes = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock).volumes }
            #expect(volumes.map(\.id) == [stubborn])
            let report = try #require(bench.reports.first)
            #expect(report.outcome == "removal-incomplete" && report.left == ["volume ovh001_00 \(stubborn)"])
        }
    }
}
