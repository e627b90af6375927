import Beanstalk
import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// A host that is broken in a way that looks like the jobs' own fault.
@Suite struct BrakeTests {
    /// Nodes are destroyed all the while, which goes well and says nothing about building.
    @Test(arguments: [false, true]) func aMisconfiguredHostBuriesOnlyAHandful(destroysToo: Bool) throws {
        let lab = try OutageLab(
            standing: 0, leaving: 300, coming: 30,
            site: { site in
                site.slots = 8
                // Nothing can be built as this host is configured, whatever the job.
                site.defaults.osVersions["ubuntu"] = "99.99"
            })
        let bench = lab.bench
        bench.worker("w1").start()
        try bench.simulation.run { world in
            for node in lab.coming {
                bench.put(.provision, "{action: provision, node: \(node), owner: me@lab, lock_description: run/1}")
            }
            for node in lab.leaving {
                try await world.time.sleep(for: .seconds(1))
                if destroysToo { lab.destroy(node) }
            }
            #expect(bench.buried == bench.configuration.burialBrake.count)
            try await world.time.sleep(for: .seconds(3_600))
            #expect(bench.buried <= bench.configuration.burialBrake.count + 7)
            // What frees capacity goes on meanwhile.
            if !destroysToo { lab.destroy(lab.leaving[0]) }
            try await world.time.sleep(for: .seconds(60))
            #expect(bench.events.outcomes.count { $0.kind == .done } == (destroysToo ? 300 : 1))
        }
    }

    /// What is wrong with one of ten hosts.
    enum Mistake: String, CaseIterable, Sendable {
        case password, project, paddlesHost, paddlesPath, otherPaddles, authority, bridge403, bridge404, defaults
    }

    private static func apply(_ mistake: Mistake, to site: inout SiteConfiguration) {
        switch mistake {
        case .password, .project:
            site.providers[0].access.credential = .password(
                user: .name("cirrata", domain: .name("Default")),
                password: Secret(mistake == .password ? "old" : "secret"),
                project: .name(mistake == .project ? "other" : "lab", domain: .name("Default")))
        case .paddlesHost: site.lockServer = "http://nowhere:80/paddles/"
        case .paddlesPath: site.lockServer = "http://sandbox:80/paddle/"
        case .otherPaddles: site.lockServer = "http://staging:80/paddles/"
        case .authority: site.providers[0].access.identityRoot = "http://tls:80/identity"
        case .bridge403: site.nsupdateURL = "http://staging:80/nsupdate/update"
        case .bridge404: site.nsupdateURL = "http://sandbox:80/nsupdates/update"
        case .defaults: site.defaults.osVersions["ubuntu"] = "99.99"
        }
    }

    @Test(arguments: Mistake.allCases)
    func oneOfTenHostsIsMisconfigured(mistake: Mistake) throws {
        let lab = try OutageLab(standing: 10, leaving: 40, coming: 100, site: { $0.slots = 6 })
        let bench = lab.bench
        // Somebody else's lab: its paddles knows other nodes, its bridge takes other names.
        let staging = SharedSandbox(
            try SandboxState(
                {
                    var settings = SandboxSettings()
                    settings.root = "http://staging:80"
                    settings.domain = Bench.domain
                    settings.allowHosts = "^stage"
                    return settings
                }()))
        bench.simulation.http.serve("http://staging:80") { request, now in
            SimulatedAnswer(staging.answer(request, at: now), to: request)
        }
        bench.simulation.http.serve("http://tls:80") { request, _ in
            .failure(.tls, of: request, mayHaveArrived: false)
        }
        bench.worker("w10") { Self.apply(mistake, to: &$0) }.start()
        for number in 1...9 { bench.worker("w\(number)").start() }
        try bench.simulation.run { world in
            let good = lab.servers
            let began = world.time.now
            lab.enqueue(owners: 20)
            try await bench.settled()
            #expect(world.time.now - began < .seconds(900), "took \((world.time.now - began).short)")
            #expect(lab.standing.allSatisfy { lab.servers[$0] == good[$0] })
            let failed = bench.reports.map(\.node)
            // The brake's count, and those that the host held at that moment.
            let most = bench.configuration.burialBrake.count + bench.configuration.slots
            #expect(failed.count <= most, "\(failed.count) buried: \(bench.reports.prefix(2).map(\.message))")
            #expect(bench.buried == failed.count)
            let short = Set(failed.map { String($0.prefix { $0 != "." }) })
            let invariants = Invariants(bench)
            var violations = invariants.violations(
                of: lab.standing + lab.coming.filter { !short.contains($0) }, .provisioned(volumes: 0))
            violations += invariants.violations(of: lab.leaving.filter { !short.contains($0) }, .empty)
            #expect(violations.isEmpty, "\(violations.count): \(violations.prefix(5))")
            print("\(mistake): \(failed.count) buried, done in \((world.time.now - began).short)")
        }
    }

    // MARK: One user must not stop the others

    /// Whatever one person can write into a body, as often as he likes: everybody else's next job is done at once.
    @Test(arguments: [
        "node: NODE, os_version: '99.99'", "node: NODE, os_type: windows", "node: NODE, machine: {ram: 900000}",
        "node: NODE, machine: {ram: much}", "node: nosuchNODE, lock: true", "node: 'NODE NODE'",
    ])
    func aUsersMistakesStopNobodyElse(body: String) throws {
        let lab = try OutageLab(standing: 0, leaving: 0, coming: 31)
        let bench = lab.bench
        bench.worker("w1").start()
        try bench.simulation.run { world in
            for node in lab.coming.dropLast() {
                let named = body.replacing("NODE", with: node)
                bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/1, \(named)}")
            }
            try await bench.settled(within: .seconds(60))
            #expect(bench.buried == 30)
            #expect(bench.notices.brakes.isEmpty)
            let last = lab.coming[30]
            bench.put(.provision, "{action: provision, node: \(last), owner: me@lab, lock_description: run/1}")
            try await bench.settled(within: .seconds(60))
            #expect(bench.events.outcomes.last?.kind == .done)
        }
    }

    // MARK: The brake shows itself and can be lifted

    private static let refusal =
        #"{"forbidden": {"code": 403, "message": "It is not allowed to create an interface on external network 1f1f"}}"#

    /// Two hosts whose provider lets nothing be built, until they rest.
    private static func resting(
        _ body: @escaping @Sendable (OutageLab, World, QueueReader, _ fault: Int) async throws -> Void
    ) throws {
        let lab = try OutageLab(standing: 0, leaving: 0, coming: 40) { $0.slots = 2 }
        let bench = lab.bench
        for name in ["w1", "w2"] { bench.worker(name).start() }
        try bench.simulation.run { world in
            var rule = FaultRule.answering(403, body: Self.refusal)
            rule.service = .compute
            rule.method = .post
            rule.pattern = "/servers$"
            let fault = bench.sandbox.withState { [rule] in $0.faults.add(rule) }
            for node in lab.coming {
                bench.put(
                    .provision, "{action: provision, node: \(node), owner: me@lab, lock_description: run/1}")
            }
            let reader = try QueueReader(
                broker: Broker(bench.configuration.broker, world: world), tubes: bench.configuration.tubes,
                world: world)
            try await bench.until { bench.notices.brakes.count == 2 }
            try await body(lab, world, reader, fault)
        }
    }

    @Test func aRestIsShownWithinASecondWithItsReasonAndItsEnd() throws {
        try Self.resting { lab, world, reader, _ in
            try await world.time.sleep(for: .seconds(1))
            let now = world.time.wallClock
            let rests = try await reader.workforce().workers.flatMap(\.rests)
            #expect(rests.count == 2)
            for rest in rests {
                #expect(rest.provider == Bench.provider && rest.cause == "nova-403" && rest.burials == 5)
                #expect(rest.message.contains("external network 1f1f"))
                #expect((570...600).contains((rest.until - now).seconds))
            }
            let tubes = try await reader.view().tubes
            #expect(tubes.flatMap(\.hindrances).count == 2)
            let text = try #require(tubes.flatMap(\.hindrances).first).text(now: now)
            #expect(text.contains("until \(rests[0].until)") && text.contains("5 burials of nova-403"))
            let jobs = try await reader.find(lab.coming[39])
            #expect(jobs.map(\.hindrances.count) == [2])
            // Once its time is over that is said, and the next burial begins another.
            try await world.time.sleep(for: .seconds(620))
            let told = lab.bench.notices.brakes
            #expect(told.filter { $0.hasPrefix("w1") } == ["w1 pulled", "w1 released", "w1 pulled"], "\(told)")
        }
    }

    @Test func resumingAProviderEndsItsRestAtAllWorkersAndNoLaterOne() throws {
        try Self.resting { lab, world, reader, fault in
            let bench = lab.bench
            let tube = try TubeName(bench.configuration.tubes.provision(Bench.provider))
            let broker = Broker(bench.configuration.broker, world: world)
            let before = bench.broker.jobs.map(\.id)
            // Nothing was mended: both hosts rest again, and no order of before ends that.
            try await broker.connect { _ = try await $0.pause(tube, for: .zero) }
            let resumed = world.time.now
            try await bench.until { bench.notices.brakes.count >= 4 }
            #expect(world.time.now - resumed < .seconds(5))
            try await bench.until { bench.notices.brakes.count == 6 }
            try await world.time.sleep(for: .seconds(120))
            #expect(bench.notices.brakes.count == 6, "\(bench.notices.brakes)")
            #expect(bench.buried == 20)
            // A pause is no order, and neither is its end by itself.
            try await broker.connect { _ = try await $0.pause(tube, for: .seconds(10)) }
            try await world.time.sleep(for: .seconds(30))
            #expect(bench.notices.brakes.count == 6, "\(bench.notices.brakes)")

            bench.sandbox.withState { state in _ = state.faults.remove(fault) }
            try await broker.connect { _ = try await $0.pause(tube, for: .zero) }
            try await bench.settled(within: .seconds(600))
            #expect(bench.buried == 20)
            #expect(bench.events.outcomes.count { $0.kind == .done } == 20)
            #expect(try await reader.workforce().workers.flatMap(\.rests) == [])
            // The order left nothing in the broker.
            let tubes = Set(bench.broker.jobs.filter { !before.contains($0.id) }.map(\.tube))
            #expect(tubes.subtracting([bench.configuration.tubes.workers, bench.configuration.tubes.reports]) == [])
        }
    }
}

extension NoticeLog {
    /// `w1 pulled`, `w1 released`, in order.
    fileprivate var brakes: [String] {
        all.compactMap { worker, notice in
            switch notice {
            case .brakePulled: "\(worker) pulled"
            case .brakeReleased: "\(worker) released"
            default: nil
            }
        }
    }
}
