import Beanstalk
package import Configuration
package import HTTPKit
package import Jobs
import Pipelines
import Provisioning
package import Sandbox
package import Simulation
import WorkerCore
import World

/// A whole lab on one thread: the Sandbox, a simulated beanstalkd, and any number of workers as processes that can be
/// killed and frozen. Time jumps.
package final class Bench: Sendable {
    package let simulation: Simulation
    package let sandbox: SharedSandbox
    package let broker: SimulatedBroker
    package let configuration: SiteConfiguration
    package let events = EventLog()
    /// What workers say beside their jobs.
    package let notices = NoticeLog()

    package static let domain = "front.lab.test"
    package static let provider = "ovh"
    package static let site = "bench"
    /// Of our user at Keystone; must never show anywhere.
    package static let password = "secret"
    static let origin = "http://sandbox:80"
    private static let brokerEndpoint = Endpoint.tcp(host: "broker", port: 11_300)

    /// - Parameters:
    ///   - sandbox: changes what the Sandbox is at its beginning.
    ///   - site: changes the workers' configuration.
    package init(
        seed: UInt64 = 1, order: Simulation.Order = .fifo, keepsTrace: Bool = false,
        sandbox change: (inout SandboxSettings) -> Void = { _ in },
        site: (inout SiteConfiguration) -> Void = { _ in }
    ) throws {
        simulation = Simulation(seed: seed, order: order, keepsTrace: keepsTrace)
        var settings = SandboxSettings()
        settings.seed = seed
        settings.root = Self.origin
        settings.domain = Self.domain
        settings.nodes = [.init(machineType: Self.provider, count: 4)]
        settings.timings.boot = .seconds(20)
        change(&settings)
        sandbox = SharedSandbox(try SandboxState(settings))
        var brokerSettings = BrokerSettings()
        // As the real one does it: a silent connection keeps its jobs about as often as it loses them.
        brokerSettings.expiry = .asMeasured
        broker = simulation.broker(at: Self.brokerEndpoint, brokerSettings)
        var configuration = Self.standardConfiguration()
        site(&configuration)
        self.configuration = configuration
        let sandbox = sandbox
        simulation.http.serve(Self.origin) { request, now in
            SimulatedAnswer(sandbox.answer(request, from: "", at: now), to: request)
        }
        serveDNS()
    }

    /// The lab's name server answers, again if something else was put into its place.
    package func serveDNS() {
        let sandbox = sandbox
        simulation.datagrams.handle { query, _, _ in
            sandbox.answerDNS(query).map { .datagrams([$0]) } ?? .never
        }
    }

    /// What a small lab would write into worker.yaml. ssh is looked at only as far as the Simulation has hosts.
    package static func standardConfiguration() -> SiteConfiguration {
        var configuration = SiteConfiguration()
        configuration.labDomain = domain
        configuration.lockServer = "\(origin)/paddles/"
        configuration.nsupdateURL = "\(origin)/nsupdate/update"
        configuration.siteName = site
        configuration.brokerOverride = brokerEndpoint
        configuration.slots = 4
        // Scenarios that sweep say so: in the others it would only cost time.
        configuration.sweep.isEnabled = false
        configuration.dns.server = .tcp(host: "ns1", port: 53)
        configuration.ssh.checksPort = false
        configuration.ssh.checksHostKeys = false
        configuration.ssh.checksSentinel = false
        var settings = ProviderSettings(name: provider)
        // The Simulation measures what we do, not what OVH would let us do.
        settings.rate.identity = ServiceRate(perSecond: 100, burst: 100, concurrency: 4)
        let credential = Credential.password(
            user: .name("cirrata", domain: .name("Default")), password: Secret(password),
            project: .name("lab", domain: .name("Default")))
        configuration.providers = [
            ProviderConfiguration(
                access: CloudAccess(identityRoot: "\(origin)/identity", identityVersion: .v3, credential: credential),
                settings: settings)
        ]
        return configuration
    }

    /// A worker process, not started yet.
    /// - Parameter site: what is different in its configuration.
    package func worker(_ name: String, site: (inout SiteConfiguration) -> Void = { _ in }) -> BenchWorker {
        var configuration = configuration
        site(&configuration)
        return BenchWorker(process: simulation.process(name), bench: self, configuration: configuration)
    }
}

/// One worker of a bench.
package struct BenchWorker: Sendable {
    package let process: SimulatedProcess
    fileprivate let bench: Bench
    private let configuration: SiteConfiguration
    private let running = Locked<Worker?>(nil)

    fileprivate init(process: SimulatedProcess, bench: Bench, configuration: SiteConfiguration) {
        self.process = process
        self.configuration = configuration
        self.bench = bench
    }

    /// SIGTERM.
    package func drain() {
        running.withLock { $0 }?.drain.raise(())
    }

    /// Starts it; it runs until it is drained, killed, or the bench's body ends.
    package func start() {
        let bench = bench
        let configuration = configuration
        let running = running
        process.start { world in
            let site = try Site(configuration, world: world)
            let sink = LivingSink(process: process, log: bench.events)
            let worker = Worker(
                settings: try WorkerSettings(configuration, release: "bench"),
                broker: Broker(configuration.broker, world: world), provisioner: Provisioner(site: site),
                sinks: [sink], world: world,
                notice: { if process.isRunning { bench.notices.add($0, of: process.name) } })
            running.withLock { $0 = worker }
            // The worker holds its process, which holds this: else no scenario's memory would ever come back.
            defer { running.withLock { $0 = nil } }
            await worker.run()
        }
    }
}

/// Hears a process only while it lives.
private struct LivingSink: EventSink {
    let process: SimulatedProcess
    let log: EventLog

    func record(_ record: EventRecord) {
        if process.isRunning { log.record(record, by: process.name) }
    }
}

extension SimulatedAnswer {
    /// The Sandbox's answer as a client of the Simulation gets it.
    package init(_ answer: ServerAnswer, to request: HTTPRequest) {
        switch answer.form {
        case .response(let response), .closeDelimited(let response):
            self = .response(response, after: answer.after)
        case .raw(let bytes):
            self =
                Self.first(of: bytes).map { .response($0, after: answer.after) }
                ?? .failure(
                    bytes.isEmpty ? .reset : .malformed, of: request, mayHaveArrived: true, after: answer.after)
        case .truncated, .reset:
            self = .failure(.reset, of: request, mayHaveArrived: true, after: answer.after)
        case .stall:
            self = .never
        }
    }

    /// nsupdate-web sends two responses on one connection. A client takes the first, and all that follows, up to the
    /// end of the connection, for its body.
    private static func first(of bytes: [UInt8]) -> HTTPResponse? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix("HTTP/1."), let end = text.firstRange(of: "\r\n\r\n"),
            let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return HTTPResponse(status: status, body: Array(text[end.upperBound...].utf8))
    }
}

// MARK: - What a scenario does and sees

extension Bench {
    /// Locks a node as teuthology's dispatcher does, and puts a job for it.
    /// - Returns: the job's id.
    @discardableResult
    package func put(
        _ action: JobAction, _ body: String, provider: String = Bench.provider, delay: UInt32 = 0,
        timeToRun: UInt32 = 300
    ) -> UInt64? {
        broker.put(
            Array(body.utf8), tube: "cirrata.\(action.rawValue).\(provider)", delay: delay, timeToRun: timeToRun)
    }

    package func lock(_ node: String, owner: String = "me@lab", description: String = "run/1") {
        sandbox.withState { state in
            guard var record = state.paddles.node("\(node).\(Self.domain)") else { return }
            record.locked = true
            record.lockedBy = owner
            record.description = description
            state.paddles.put(record)
        }
    }

    /// Waits until the broker holds no job in the job tubes but buried ones.
    package func settled(within limit: Duration = .seconds(7_200)) async throws {
        let world = simulation.world
        try await world.time.withTimeout(limit, doing: "wait for the queue to settle") {
            while self.openJobs > 0 { try await world.time.sleep(for: .seconds(1)) }
        }
    }

    package var openJobs: Int {
        broker.unfinishedJobs(inTubes: ["cirrata.provision.", "cirrata.destroy."])
    }

    package var buried: Int { broker.jobs.filter { $0.state == "buried" }.count }

    /// The reports in the broker.
    package var reports: [Report] {
        broker.jobs.filter { $0.tube == configuration.tubes.reports }.compactMap { try? Report(parsing: $0.body) }
    }

    package func replies(_ tube: String) -> [Jobs.Reply] {
        broker.jobs.filter { $0.tube == tube }.compactMap { try? Jobs.Reply(parsing: $0.body) }
    }
}
