package import HTTPKit
package import World

/// All services of a Sandbox as one value: a cloud, paddles, nsupdate-web with its zone, the faults in force and the
/// journal of requests. Synchronous and deterministic: equal settings and equal requests at equal times give equal
/// answers, over sockets and in the Simulation.
package struct SandboxState: Sendable {
    package let settings: SandboxSettings
    package var cloud: OpenStackCloud
    package var paddles: Paddles
    package var nsupdate: NsupdateWeb
    package var faults: FaultPlanner
    package private(set) var journal = RequestJournal()

    /// - Throws: `SandboxMistake` when the domain is no domain name.
    package init(_ settings: SandboxSettings = SandboxSettings()) throws(SandboxMistake) {
        guard let zone = DNSZone(origin: settings.domain) else {
            throw SandboxMistake("settings: domain: \(settings.domain) is no domain name")
        }
        self.settings = settings
        var lab = CloudConfiguration.lab(seed: settings.seed, addresses: settings.addresses)
        lab.endpoints = CloudEndpoints(root: settings.root)
        lab.timings = settings.timings
        lab.quotas = settings.quotas
        lab.identityV2 = settings.identityV2
        lab.tokenLifetime = settings.tokenLifetime
        lab.regions = settings.regions
        lab.regionsHaveOwnHosts = settings.regionsHaveOwnHosts
        lab.missingTypes = settings.missingTypes
        lab.maximumPage = settings.maximumPage
        cloud = OpenStackCloud(lab)
        let nodes = settings.nodes.flatMap { group in
            group.names(in: settings.domain).map {
                PaddlesNode(name: $0, machineType: group.machineType, isVM: true, up: true)
            }
        }
        paddles = Paddles(nodes: nodes, mount: "/\(SandboxService.paddles.rawValue)")
        nsupdate = NsupdateWeb(
            zone: zone,
            settings: NsupdateWeb.Settings(
                domain: settings.domain, allowHosts: settings.allowHosts, hostPasswords: settings.hostPasswords))
        faults = FaultPlanner(seed: settings.seed)
    }

    /// Tells the catalog where it is reached, once that is known: `http://127.0.0.1:43210`.
    package mutating func reached(at root: String) { cloud.endpoints = CloudEndpoints(root: root) }

    /// Answers one request. The first part of its path names the service: `/identity`, `/compute`, `/image`,
    /// `/network`, `/volume`, `/paddles`, `/nsupdate`, and `/sandbox` for the Sandbox itself.
    /// - Parameter peer: who asks, for the journal.
    /// - Parameter now: never earlier than in an earlier call.
    package mutating func answer(_ request: HTTPRequest, from peer: String = "", at now: Timestamp) -> ServerAnswer {
        let target = URLText.target(of: request.url)
        // Bytes, not characters: this is done for every request.
        let path = target.path.utf8.drop { $0 == UInt8(ascii: "/") }
        let head = Substring(path.prefix { $0 != UInt8(ascii: "/") })
        let query = target.query.isEmpty ? "" : "?\(target.query)"
        var below = request
        below.url = String(Substring(path[head.endIndex...]))
        if below.url.isEmpty { below.url = "/" }
        below.url += query
        guard let service = SandboxService(rawValue: String(head)) else {
            if head == "sandbox" { return .response(control(below, at: now)) }
            if head.isEmpty { return .response(HTTPResponse(status: 302, headers: ["Location": "/sandbox/"])) }
            return .response(Self.unknownService(String(head)))
        }
        var real: ServerAnswer?
        let rule = faults.draw(service, below)
        func ask() -> ServerAnswer {
            let answer = serve(service, below, at: now)
            real = answer
            return answer
        }
        let answer: ServerAnswer
        if let rule {
            answer = rule.answer { ask() }
        } else {
            answer = ask()
        }
        journal.add(
            service, below, answer, change: RequestJournal.Change(service, below, real), from: peer,
            fault: rule != nil, at: now)
        return answer
    }

    /// What the lab's name server answers to one datagram; nil: nothing.
    package func answerDNS(_ query: [UInt8]) -> [UInt8]? { nsupdate.zone.answer(query) }

    private mutating func serve(
        _ service: SandboxService, _ request: HTTPRequest, at now: Timestamp
    ) -> ServerAnswer {
        switch service {
        case .identity: .response(cloud.handle(.keystone, request, at: now))
        case .compute: .response(cloud.handle(.nova, request, at: now))
        case .image: .response(cloud.handle(.glance, request, at: now))
        case .network: .response(cloud.handle(.neutron, request, at: now))
        case .volume: .response(cloud.handle(.cinder, request, at: now))
        case .paddles: .response(paddles.handle(request, at: now))
        case .nsupdate: nsupdate.handle(request, at: now)
        }
    }

    private static func unknownService(_ name: String) -> HTTPResponse {
        let known = SandboxService.allCases.map { "/\($0.rawValue)" }.joined(separator: " ")
        let text = "There is no /\(name) in this Sandbox. It serves \(known), and /sandbox/ shows its state.\n"
        return HTTPResponse(status: 404, headers: ["Content-Type": "text/plain"], body: Array(text.utf8))
    }

    /// Everything there is, for `GET /sandbox/state` and for tests.
    package mutating func snapshot(at now: Timestamp) -> JSONValue {
        var members = cloud.snapshot(at: now).json.object ?? [:]
        members["at"] = .string(now.description)
        members["nodes"] = .array(paddles.nodes.sorted { $0.name < $1.name }.map(\.state))
        members["dns"] = ["zone": .string(nsupdate.zone.origin.description), "records": nsupdate.zone.state]
        members["requests"] = journal.countsJSON
        members["faults"] = faults.json
        return .object(members)
    }
}
