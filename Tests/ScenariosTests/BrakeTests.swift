import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
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
            lab.enqueue()
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
}
