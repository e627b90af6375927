import Configuration
import Jobs
import Lab
import Resilience
import World

/// paddles, DNS and ssh: what all providers share.
struct LabExamination: Sendable {
    let site: Site
    let configuration: SiteConfiguration

    private var world: World { site.world }

    /// A question stands at no closed gate: what closed it is a finding of its own.
    static var call: Call { Call(parkAfter: .milliseconds(100)) }

    // MARK: paddles

    /// - Parameter providers: whose nodes are looked at.
    func paddles(_ providers: [String]) async throws -> [Finding] {
        let examination = Examination("paddles", time: world.time)
        let answers = try await examination.ask("answers") { [site, configuration, time = world.time] in
            let began = time.now
            try await site.lab.paddles.ping(for: Self.call)
            return examination.finding(
                .ok, "answers", "\(configuration.lockServer) (\((time.now - began).short))")
        }
        guard answers.verdict == .ok else {
            return [answers]
                + providers.map {
                    examination.finding(.skipped, "nodes of \($0)", "not asked: paddles does not answer")
                }
        }
        return [answers]
            + (try await examination.ask(
                providers.map { provider in
                    .init("nodes of \(provider)") { try await nodes(of: provider, examination) }
                }))
    }

    private func nodes(of provider: String, _ examination: Examination) async throws -> Finding {
        let check = "nodes of \(provider)"
        let nodes = try await site.lab.paddles.nodes(machineType: provider, for: Self.call)
        guard !nodes.isEmpty else {
            return examination.finding(
                .failed, check, "paddles has no node of machine_type \(provider)",
                remedy: "add the nodes to paddles, or name the provider as their machine_type")
        }
        let machines = nodes.filter(\.isVM)
        let foreign = nodes.filter { !$0.name.hasSuffix(".\(configuration.labDomain)") }
        let usable = machines.filter { $0.up != false }
        let free = usable.filter { !$0.locked }
        let text =
            "\(nodes.count.counted("node")), \(free.count) free, \(nodes.count { $0.locked }) locked, "
            + "\(nodes.count { $0.up == false }) down"
        if machines.isEmpty {
            return examination.finding(
                .failed, check, "\(text); none of them is a VM", remedy: "set is_vm of the nodes in paddles")
        }
        if let first = foreign.first {
            return examination.finding(
                foreign.count == nodes.count ? .failed : .warning, check,
                "\(text); \(foreign.count) outside of lab_domain \(configuration.labDomain), such as \(first.name)",
                remedy: "correct lab_domain: nodes outside of it are refused")
        }
        if usable.isEmpty {
            return examination.finding(
                .warning, check, "\(text); none is up", remedy: "mark usable nodes up (teuthology-update-inventory)")
        }
        if machines.count < nodes.count {
            return examination.finding(
                .warning, check, "\(text); no VM: \(nodes.count - machines.count)",
                remedy: "set is_vm of these nodes in paddles, or give them another machine_type")
        }
        return examination.finding(.ok, check, text)
    }

    // MARK: DNS

    /// - Parameter providers: of whose nodes one is looked for that may be updated.
    func dns(_ providers: [String]) async throws -> [Finding] {
        let examination = Examination("dns", time: world.time)
        async let bridge = nsupdate(providers, examination)
        let others = try await examination.ask([
            .init("lab_domain") { labDomain(examination) },
            .init("server") { try await server(examination) },
        ])
        return try await others.prefix(1) + bridge + others.dropFirst()
    }

    private func labDomain(_ examination: Examination) -> Finding {
        guard DNSName(configuration.labDomain) != nil else {
            return examination.finding(
                .failed, "lab_domain", "\(configuration.labDomain.debugDescription) is no domain name",
                remedy: "correct lab_domain in the configuration")
        }
        return examination.finding(.ok, "lab_domain", "\(configuration.labDomain), site \(site.name)")
    }

    private func nsupdate(_ providers: [String], _ examination: Examination) async throws -> [Finding] {
        guard let url = configuration.nsupdateURL, let dns = site.lab.dns else {
            return [
                examination.finding(
                    .warning, "nsupdate-web", "no nsupdate_url is configured: nodes get no name",
                    remedy: "set nsupdate_url")
            ]
        }
        let answers = try await examination.ask("nsupdate-web") { [time = world.time] in
            let began = time.now
            try await dns.ping(for: Self.call)
            return examination.finding(.ok, "nsupdate-web", "\(url) (\((time.now - began).short))")
        }
        let check = "nsupdate-web login"
        guard answers.verdict == .ok else {
            return [answers, examination.finding(.skipped, check, "not tried: nsupdate-web does not answer")]
        }
        return [answers, try await examination.ask(check) { try await login(dns, providers, check, examination) }]
    }

    private func login(
        _ dns: NodeDNS, _ providers: [String], _ check: String, _ examination: Examination
    ) async throws -> Finding {
        guard let name = await someNode(of: providers) else {
            return examination.finding(
                .skipped, check, "not tried: paddles names no node that could be updated")
        }
        try await dns.rehearse(name, for: Self.call)
        return examination.finding(.ok, check, "\(name) may be updated (asked with an address that is none)")
    }

    /// The first VM, by name. What is wrong with paddles is a finding of its own.
    private func someNode(of providers: [String]) async -> ShortName? {
        var names: [NodeName] = []
        for provider in providers {
            let nodes = (try? await site.lab.paddles.nodes(machineType: provider, for: Self.call)) ?? []
            names += nodes.filter(\.isVM).compactMap { try? NodeName($0.name, domain: configuration.labDomain) }
        }
        return names.min().flatMap { try? ShortName($0.short) }
    }

    private func server(_ examination: Examination) async throws -> Finding {
        guard case .tcp(let host, let port) = configuration.dns.server else {
            return examination.finding(
                .skipped, "server", "no dns.server is configured: pushes are believed, not checked",
                remedy: "name the zone's own server as dns.server")
        }
        let address = DNSResolver.Server(host: host, port: port)
        let resolver = DNSResolver(server: address, attempts: 2, world: world)
        let zone = configuration.labDomain
        switch try await resolver.addresses(of: zone) {
        case .addresses, .noData, .incomplete:
            return examination.finding(.ok, "server", "\(address) answers for \(zone)")
        case .noName:
            return examination.finding(
                .failed, "server", "\(address) says that there is no \(zone)",
                remedy: "name the server that has the zone as dns.server, or correct lab_domain")
        case .failed(let code):
            return examination.finding(
                .failed, "server", "\(address) does not answer for \(zone): \(DNSAnswer.failed(code: code))",
                remedy: "name the server that has the zone as dns.server, and let it answer this host")
        }
    }
}
