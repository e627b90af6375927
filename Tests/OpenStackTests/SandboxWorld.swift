import HTTPKit
import OpenStack
import Resilience
import Sandbox
import Simulation
import World

/// The Sandbox's cloud behind a simulation's HTTP, with a log of what was asked of it.
final class SandboxWorld: Sendable {
    let simulation: Simulation
    let requests = Locked([String]())
    let warnings = Locked([String]())
    private let cloud: Locked<OpenStackCloud>
    /// Answers instead of the cloud when it returns something.
    private let intercept = Locked((@Sendable (HTTPRequest) -> SimulatedAnswer?)?.none)

    /// Changes what the cloud answers.
    private let change = Locked((@Sendable (HTTPRequest, inout HTTPResponse) -> Void)?.none)

    static let root = "http://cloud:8080"

    init(
        seed: UInt64 = 1, order: Simulation.Order = .fifo, latency: Duration = .milliseconds(20),
        _ adjust: (inout CloudConfiguration) -> Void = { _ in }
    ) {
        simulation = Simulation(seed: seed, order: order)
        var configuration = CloudConfiguration.lab(seed: seed, addresses: "10.0.0.0/16")
        configuration.endpoints = CloudEndpoints(root: Self.root)
        adjust(&configuration)
        cloud = Locked(OpenStackCloud(configuration))
        simulation.http.serve(Self.root) { [self] request, now in
            let target = URLText.target(of: request.url)
            requests.withLock {
                $0.append("\(request.method.rawValue) \(target.path)\(target.query.isEmpty ? "" : "?")\(target.query)")
            }
            if let answer = intercept.withLock({ $0 })?(request) { return answer }
            var response = handle(request, target.path, now)
            response.headers["Date"] = Self.httpDate(now)
            change.withLock { $0 }?(request, &response)
            return .response(response, after: latency)
        }
    }

    private func handle(_ request: HTTPRequest, _ path: String, _ now: Timestamp) -> HTTPResponse {
        let endpoints = CloudEndpoints(root: "")
        for service in Sandbox.CloudService.allCases where path.hasPrefix(endpoints[service] + "/") {
            var inner = request
            inner.url = String(request.url.dropFirst((Self.root + endpoints[service]).utf8.count))
            return cloud.withLock { $0.handle(service, inner, at: now) }
        }
        return HTTPResponse(status: 404)
    }

    /// What the operator of this cloud does.
    func operate<Result: Sendable>(_ body: (inout OpenStackCloud) -> Result) -> Result {
        cloud.withLock { body(&$0) }
    }

    func intercepting(_ body: (@Sendable (HTTPRequest) -> SimulatedAnswer?)?) {
        intercept.withLock { $0 = body }
    }

    func changing(_ body: (@Sendable (HTTPRequest, inout HTTPResponse) -> Void)?) {
        change.withLock { $0 = body }
    }

    func count(_ prefix: String) -> Int { requests.withLock { $0.filter { $0.hasPrefix(prefix) }.count } }

    func client(
        _ world: World, password: String = "secret", gates: GateSettings = GateSettings(),
        _ change: (inout CloudSettings) -> Void = { _ in }
    ) -> Cloud {
        var settings = CloudSettings(
            provider: "sandbox", authURL: Self.root + "/identity/v3",
            credential: .password(
                user: Principal(name: "cirrata", domainID: "default"), password: CloudSecret { password },
                project: Principal(name: "lab", domainID: "default")), region: "RegionOne")
        change(&settings)
        let cloudGates = CloudGates(
            provider: "sandbox", settings: { $0 == .identity ? CloudGates.usual($0) : gates }, world: world)
        return Cloud(
            settings: settings, gates: cloudGates, world: world,
            warn: { text in self.warnings.withLock { $0.append(text) } })
    }

    private static func httpDate(_ now: Timestamp) -> String {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let text = now.description
        let month = Int(text.dropFirst(5).prefix(2)) ?? 1
        return
            "Sun, \(text.dropFirst(8).prefix(2)) \(months[month - 1]) \(text.prefix(4)) \(text.dropFirst(11).prefix(8)) GMT"
    }
}

extension Cloud {
    func anyServer(_ name: String) async throws -> NewServer {
        let image = try await inventory.images(for: Call()).first?.id ?? ""
        let flavor = try await inventory.flavors(for: Call()).first?.id ?? ""
        let network = try await inventory.networks(for: Call()).first?.id ?? ""
        return NewServer(name: name, imageID: image, flavorID: flavor, networkIDs: [network])
    }
}
