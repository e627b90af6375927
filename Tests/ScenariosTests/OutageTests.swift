import Configuration
import HTTPKit
import Jobs
import Pipelines
import Provisioning
import Resilience
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Outages are weather: no job is buried, nothing good is removed, a dead service is left alone, and everything is done
/// soon after they end.
@Suite struct OutageTests {
    enum Service: String, CaseIterable, Sendable { case paddles, bridge, nameServer, cloud, password }
    enum Form: String, CaseIterable, Sendable { case refused, silent, unavailable }

    /// One thing that is gone for half an hour.
    struct Outage: Sendable, CustomTestStringConvertible {
        var service: Service
        var form: Form

        var testDescription: String { "\(service.rawValue) \(form.rawValue)" }

        /// Which services' requests are to stay few.
        var services: [String] {
            switch service {
            case .paddles: ["paddles"]
            case .bridge: ["nsupdate"]
            // Asked by datagrams, which are counted apart.
            case .nameServer: []
            case .cloud: ["identity", "compute", "image", "network", "volume"]
            case .password: ["identity"]
            }
        }

        func answer(_ request: HTTPRequest) -> SimulatedAnswer {
            switch form {
            case .refused: .failure(.connect, of: request, mayHaveArrived: false)
            case .silent: .never
            case .unavailable: .response(HTTPResponse(status: 503, body: Array("<html>503</html>".utf8)))
            }
        }
    }

    private func begin(_ outage: Outage, on lab: OutageLab) {
        let bench = lab.bench
        switch outage.service {
        case .password:
            bench.sandbox.withState { state in
                state.cloud.setPassword("changed", ofUser: "cirrata")
                state.cloud.revokeTokens()
            }
        case .nameServer:
            bench.simulation.datagrams.handle { _, _, _ in
                lab.requests.withLock { $0["datagrams", default: 0] += 1 }
                return outage.form == .refused ? .refused : .never
            }
        case .paddles, .bridge, .cloud:
            let services = Set(outage.services)
            lab.count { exchange in
                services.contains(OutageLab.service(of: exchange.request))
                    ? .instead(outage.answer(exchange.request)) : .deliver
            }
        }
    }

    private static let passwordFile = "/etc/cirrata/password"

    private func end(_ outage: Outage, on lab: OutageLab) throws {
        switch outage.service {
        case .password:
            lab.bench.sandbox.withState { $0.cloud.setPassword("secret", ofUser: "cirrata") }
            // Whoever has it put right in Keystone touches the file: until then it is tried ever more rarely.
            try lab.bench.simulation.files.place(Self.passwordFile, Array("secret".utf8))
        case .nameServer: lab.bench.serveDNS()
        case .paddles, .bridge, .cloud: lab.count { _ in .deliver }
        }
    }

    /// The whole story, with two workers. `standing` and `leaving` have a good server when it begins; those that leave and
    /// those that come have a job in the queue.
    private func run(_ outage: Outage, standing: Int, leaving: Int, coming: Int, slots: Int) throws {
        let minutes = 30
        let lab = try OutageLab(
            standing: standing, leaving: leaving, coming: coming,
            site: { site in
                site.slots = slots
                site.providers[0].access.credential = .password(
                    user: .name("cirrata", domain: .name("Default")),
                    password: Secret("secret", from: .file(Self.passwordFile)),
                    project: .name("lab", domain: .name("Default")))
            })
        let bench = lab.bench
        try bench.simulation.files.place(Self.passwordFile, Array("secret".utf8))
        let workers = ["w1", "w2"]
        for worker in workers { bench.worker(worker).start() }
        try bench.simulation.run { world in
            let good = lab.servers
            lab.enqueue()
            try await world.time.sleep(for: .seconds(12))
            let atBeginning = lab.requests.withLock { $0 }
            begin(outage, on: lab)
            let built = lab.servers
            #expect(bench.openJobs > 0)
            try await world.time.sleep(for: .seconds(minutes * 60))
            #expect(bench.buried == 0, "\(bench.reports.prefix(3).map(\.message))")
            let now = lab.servers
            #expect(lab.standing.allSatisfy { now[$0] == good[$0] }, "a good server was removed")
            #expect(lab.coming.allSatisfy { built[$0] == nil || now[$0] == built[$0] }, "what was built was removed")
            let sent = lab.requests.withLock { $0 }
            for worker in workers {
                for service in outage.services {
                    let count =
                        sent["\(worker) \(service)", default: 0] - atBeginning["\(worker) \(service)", default: 0]
                    #expect(count <= Self.bound(minutes, outage), "\(worker) sent \(count) to \(service)")
                }
            }
            // Three for each question, of both processes.
            let datagrams = sent["datagrams", default: 0]
            #expect(datagrams <= 6 * Self.bound(minutes, outage), "\(datagrams) datagrams")
            try end(outage, on: lab)
            let back = world.time.now
            try await bench.settled()
            let took = world.time.now - back
            #expect(took < .seconds(480), "took \(took.short)")
            #expect(bench.buried == 0, "\(bench.reports.prefix(3).map(\.message))")
            let violations = lab.violations()
            #expect(violations.isEmpty, "\(violations.count): \(violations.prefix(5))")
            #expect(lab.standing.allSatisfy { lab.servers[$0] == good[$0] })
            let counts = sent.filter { key, _ in key == "datagrams" || outage.services.contains { key.hasSuffix($0) } }
                .map { "\($0.key) \($0.value - atBeginning[$0.key, default: 0])" }.sorted()
            print("\(outage.testDescription): done \(took.short) after it; \(counts.joined(separator: ", "))")
        }
    }

    /// What was on its way or at its turn when the service went, and then one probe at a time: the breaker's delays are
    /// spread evenly up to its limit, so the average is half of it.
    private static func bound(_ minutes: Int, _ outage: Outage) -> Int {
        // At 0 and 30 seconds, 2½ and 10½ minutes, and then after half an hour.
        if outage.service == .password { return 5 }
        let settings = GateSettings()
        let probes = Double(minutes * 60) / (settings.breakerLimit / 2).seconds
        return settings.concurrency + settings.breakerThreshold + Int(probes * 1.5)
    }

    @Test(arguments: [
        Outage(service: .paddles, form: .unavailable), .init(service: .bridge, form: .refused),
        .init(service: .cloud, form: .unavailable), .init(service: .password, form: .refused),
    ])
    func aThousandJobsWaitForHalfAnHour(outage: Outage) throws {
        try run(outage, standing: 50, leaving: 450, coming: 550, slots: 600)
    }

    private static let others: [Outage] = [
        .init(service: .paddles, form: .refused), .init(service: .paddles, form: .silent),
        .init(service: .bridge, form: .silent), .init(service: .bridge, form: .unavailable),
        .init(service: .nameServer, form: .refused), .init(service: .nameServer, form: .silent),
        .init(service: .cloud, form: .refused),
        .init(service: .cloud, form: .silent),
    ]

    @Test(arguments: others)
    func inEveryForm(outage: Outage) throws {
        try run(outage, standing: 10, leaving: 15, coming: 35, slots: 20)
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
            for gate in gates { gate.closeForConfiguration("test") }
            try await world.time.sleep(for: .seconds(60))
            for gate in gates { gate.reopen() }
            try await world.time.sleep(for: .seconds(60))
            gates[0].closeForConfiguration("test")
            try await world.time.sleep(for: .seconds(5))
            gates[1].closeForConfiguration("test")
            gates[0].reopen()
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
            #expect(work.closures.time(since: began) == .seconds(70))
            #expect(gates.count > 5)
        }
    }
}
