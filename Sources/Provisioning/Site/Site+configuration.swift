package import Configuration
import Lab
import OpenStack
import Pipelines
package import Resilience
package import World

/// What goes on at the gates and in the clouds, for the log.
package enum SiteNotice: Sendable {
    case gate(service: String, provider: String, state: GateState)
    case cloudWarning(provider: String, text: String)
}

extension Site {
    /// Builds the runtime of a configuration. Sends nothing.
    /// - Throws: `ServiceError` (site) or `SelectionError` for what only shows when it is put together.
    package convenience init(
        _ configuration: SiteConfiguration, world: World,
        notice: @escaping @Sendable (SiteNotice) -> Void = { _ in }
    ) throws {
        let paddlesGate = Gate(service: "paddles", provider: "", settings: .paddles, world: world) {
            notice(.gate(service: "paddles", provider: "", state: $0))
        }
        let dnsGate = Gate(service: "nsupdate-web", provider: "", settings: .nsupdate, world: world) {
            notice(.gate(service: "nsupdate-web", provider: "", state: $0))
        }
        let nameServerGate = Gate(service: "dns", provider: "", settings: .nameServer, world: world) {
            notice(.gate(service: "dns", provider: "", state: $0))
        }
        let sshSettings = SSHSettings(configuration.ssh)
        let lab = LabServices(
            paddles: try PaddlesClient(baseURL: configuration.lockServer, gate: paddlesGate, world: world),
            dns: try Self.dns(configuration, dnsGate, nameServerGate, world),
            ssh: SSHReadiness(
                settings: sshSettings, world: world, permits: Permits(configuration.ssh.maximumChildren)),
            paddlesGate: paddlesGate, dnsGate: dnsGate, nameServerGate: nameServerGate)
        guard let name = configuration.site else {
            throw SelectionError(
                "no-site", .configuration, "site is not set, and lock_server does not say which lab this is",
                next: "set site in the configuration")
        }
        let ssh = configuration.ssh
        self.init(
            name: name, labDomain: configuration.labDomain,
            reserveMachines: configuration.reserveMachines, lab: lab,
            readiness: ReadinessChecks(
                port: ssh.checksPort, hostKeys: ssh.checksHostKeys, login: ssh.checksSentinel,
                sentinel: ssh.checksSentinel ? ssh.sentinel : nil, settings: sshSettings),
            backoff: Backoff(first: configuration.retryBase, limit: configuration.retryCap),
            stepLimits: Dictionary(
                uniqueKeysWithValues: StepName.allCases.compactMap { step in
                    configuration.steps[step.rawValue].map {
                        (step, Pipelines.StepLimits(timeout: $0.timeout, patience: $0.patience))
                    }
                }),
            providers: configuration.providers.map { provider in
                Provider(
                    provider,
                    cloud: Self.cloud(provider, configuration, world, notice),
                    osDefaults: configuration.defaults, sizes: configuration.sizes,
                    authorizedKeys: ssh.authorizedKeys, labDomain: configuration.labDomain)
            }, world: world)
    }

    private static func dns(_ configuration: SiteConfiguration, _ gate: Gate, _ nameServerGate: Gate, _ world: World)
        throws -> NodeDNS?
    {
        guard let url = configuration.nsupdateURL else { return nil }
        let settings = configuration.dns
        let login =
            switch (settings.username, settings.password) {
            case (_, nil): NsupdateLogin.none
            case (let user?, let password?): NsupdateLogin.user(user, password: password.reveal())
            case (nil, let password?): NsupdateLogin.perHost(password: password.reveal())
            }
        let nsupdate = try NsupdateClient(url: url, login: login, gate: gate, timeout: settings.timeout)
        var resolver: DNSResolver?
        if case .tcp(let host, let port) = settings.server {
            resolver = DNSResolver(server: .init(host: host, port: port), world: world)
        }
        guard let parking = IPAddress(settings.parkingAddress) else {
            throw SelectionError(
                "bad-address", .configuration, "dns.parking_address is no address: \(settings.parkingAddress)",
                next: "correct it in the configuration")
        }
        return NodeDNS(
            nsupdate: nsupdate, resolver: resolver, gate: nameServerGate, domain: configuration.labDomain,
            parking: parking, world: world)
    }

    private static func cloud(
        _ provider: ProviderConfiguration, _ configuration: SiteConfiguration, _ world: World,
        _ notice: @escaping @Sendable (SiteNotice) -> Void
    ) -> Cloud {
        let name = provider.name
        let gates = CloudGates(provider: name, rates: provider.settings.rate, world: world) { service, state in
            notice(.gate(service: service.rawValue, provider: name, state: state))
        }
        return Cloud(
            settings: CloudSettings(provider, timeout: configuration.http.timeout, files: world.files), gates: gates,
            world: world
        ) { notice(.cloudWarning(provider: name, text: $0)) }
    }
}

extension GateSettings {
    /// gunicorn answers one request a connection and some 90 GETs a second (facts/teuthology.md 1.1).
    fileprivate static let paddles = GateSettings(concurrency: 16, rate: 80, burst: 80)
    /// A thread and a child process for each update, behind a listen backlog of 5 (facts/teuthology.md 2).
    fileprivate static let nsupdate = GateSettings(concurrency: 4, rate: 25, burst: 10)
    /// A datagram each way.
    fileprivate static let nameServer = GateSettings(concurrency: 32, rate: 200, burst: 100)
}
