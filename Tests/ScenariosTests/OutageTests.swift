import Configuration
import Jobs
import Pipelines
import Provisioning
import Resilience
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Outages are weather: no job is buried, nothing good is removed, and everything is done soon after they end.
@Suite struct OutageTests {
    enum Outage: String, CaseIterable, Sendable { case paddles, dns, cloud, login }

    private func begin(_ outage: Outage, on bench: Bench) {
        bench.sandbox.withState { state in
            switch outage {
            case .paddles: state.paddles.trouble.databaseDown = true
            case .dns: _ = state.faults.add(Self.down(.nsupdate))
            case .cloud:
                for service in [SandboxService.identity, .compute, .image, .network, .volume] {
                    _ = state.faults.add(Self.down(service))
                }
            case .login:
                state.cloud.setPassword("changed", ofUser: "cirrata")
                state.cloud.revokeTokens()
            }
        }
    }

    private func end(_ outage: Outage, on bench: Bench) {
        bench.sandbox.withState { state in
            switch outage {
            case .paddles: state.paddles.trouble.databaseDown = false
            case .dns, .cloud: state.faults.removeAll()
            case .login: state.cloud.setPassword("secret", ofUser: "cirrata")
            }
        }
    }

    private static func down(_ service: SandboxService) -> FaultRule {
        var rule = FaultRule.answering(503)
        rule.service = service
        return rule
    }

    @Test(arguments: Outage.allCases)
    func halfAnHourGone(outage: Outage) throws {
        let nodes = 20
        let bench = try Bench(
            sandbox: { $0.nodes = [.init(machineType: Bench.provider, count: nodes)] }, site: { $0.slots = 8 })
        let names = (1...nodes).map { "ovh0" + ($0 < 10 ? "0" : "") + String($0) }
        for name in names { bench.lock(name) }
        bench.worker("w1").start()
        try bench.simulation.run { world in
            for name in names {
                bench.put(
                    .provision,
                    "{action: provision, node: \(name), owner: me@lab, lock_description: run/1, uuid: u-\(name)}")
            }
            try await world.time.sleep(for: .seconds(12))
            let before = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock).servers.map(\.id) }
            #expect(!before.isEmpty)
            begin(outage, on: bench)
            try await world.time.sleep(for: .seconds(1_800))
            #expect(bench.buried == 0, "\(bench.reports.map(\.message))")
            let during = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock).servers.map(\.id) }
            #expect(Set(before).isSubset(of: Set(during)), "good servers were removed")
            end(outage, on: bench)
            let back = world.time.now
            try await bench.settled()
            #expect(world.time.now - back < .seconds(420), "took \((world.time.now - back).short)")
            #expect(bench.buried == 0)
            let violations = names.flatMap { Invariants(bench).violations(of: $0, .provisioned(volumes: 0)) }
            #expect(violations.isEmpty, "\(violations.prefix(5))")
        }
    }
}

/// A site that is broken in a way that looks like the jobs' own fault.
@Suite struct BrakeTests {
    /// Nodes are destroyed all the while, which goes well and says nothing about building.
    @Test(arguments: [false, true]) func aMisconfiguredHostBuriesOnlyAHandful(destroysToo: Bool) throws {
        let nodes = 30
        let bench = try Bench(
            sandbox: { $0.nodes = [.init(machineType: Bench.provider, count: nodes)] },
            site: { site in
                site.slots = 8
                // Nothing can be built as this host is configured, whatever the job.
                site.defaults.osVersions["ubuntu"] = "99.99"
            })
        let names = (1...nodes).map { "ovh0" + ($0 < 10 ? "0" : "") + String($0) }
        for name in names { bench.lock(name) }
        bench.worker("w1").start()
        try bench.simulation.run { world in
            for name in names {
                bench.put(.provision, "{action: provision, node: \(name), owner: me@lab, lock_description: run/1}")
            }
            for second in 0..<300 {
                try await world.time.sleep(for: .seconds(1))
                guard destroysToo else { continue }
                bench.put(
                    .destroy,
                    "{action: destroy, node: ovh029, owner: me@lab, lock_description: run/1, uuid: d\(second)}")
            }
            #expect(bench.buried == bench.configuration.burialBrake.count)
            try await world.time.sleep(for: .seconds(3_600))
            #expect(bench.buried <= bench.configuration.burialBrake.count + 7)
            // What frees capacity goes on meanwhile.
            bench.put(.destroy, "{action: destroy, node: ovh030, owner: me@lab, lock_description: run/1, uuid: d}")
            try await world.time.sleep(for: .seconds(60))
            #expect(bench.events.outcomes.contains { $0.kind == .done })
        }
    }
}

/// What an outage costs a job's patience and budgets: nothing, and no more than nothing.
@Suite struct ClosureTests {
    /// All gates of a job closed at once keep it waiting once.
    @Test func closuresAreUnited() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let site = try Site(bench.configuration, world: world)
            let gates = try #require(site.provider(Bench.provider)).gates + site.lab.gates
            let began = world.time.now
            for gate in gates { await gate.closeForConfiguration("test") }
            try await world.time.sleep(for: .seconds(60))
            for gate in gates { await gate.reopen() }
            try await world.time.sleep(for: .seconds(60))
            await gates[0].closeForConfiguration("test")
            try await world.time.sleep(for: .seconds(5))
            await gates[1].closeForConfiguration("test")
            await gates[0].reopen()
            try await world.time.sleep(for: .seconds(5))

            let body = JobBody(labDomain: Bench.domain, providers: [Bench.provider])
            let envelope = Envelope(
                jobID: 1, put: world.time.wallClock, tubeProvider: Bench.provider, tubeAction: .provision)
            let text = "{action: provision, node: ovh001, owner: me@lab, uuid: k}"
            guard case .job(let job) = body.read(Array(text.utf8), envelope) else {
                return #expect(Bool(false), "it should be a job")
            }
            let tag = JobTag(
                key: job.key, action: "provision", node: "ovh001", provider: job.provider, jobID: 1, run: "")
            let work = try #require(
                Provisioner(site: site).work(
                    Assignment(
                        job: job, right: Right(), journal: Journal(job: tag, time: world.time, sinks: []),
                        began: world.time.now)))
            #expect(await work.closures().time(since: began) == .seconds(70))
            #expect(gates.count > 5)
        }
    }
}
