import Configuration
import HTTPKit
import Jobs
import Sandbox
import Scenarios
import Simulation
import World

/// A crowd before an outage: some good servers stand, many jobs are queued for them and for other nodes.
struct OutageLab: Sendable {
    let bench: Bench
    /// Nodes with a server that stays.
    let standing: [String]
    /// Nodes with a server that is to go.
    let leaving: [String]
    /// Nodes to be built.
    let coming: [String]
    /// Every request, by the process that sent it and the first part of its path.
    let requests = Locked<[String: Int]>([:])

    static let services = ["identity", "compute", "image", "network", "volume", "paddles", "nsupdate"]

    init(
        standing: Int, leaving: Int, coming: Int, site: (inout SiteConfiguration) -> Void = { _ in }
    ) throws {
        let total = standing + leaving + coming
        bench = try Bench(
            sandbox: { settings in
                settings.nodes = [.init(machineType: Bench.provider, count: total)]
                settings.addresses = "127.77.0.0/16"
            }, site: site)
        let names = (1...total).map { number in
            "ovh" + String(repeating: "0", count: max(0, 3 - String(number).count)) + String(number)
        }
        self.standing = Array(names[..<standing])
        self.leaving = Array(names[standing..<(standing + leaving)])
        self.coming = Array(names[(standing + leaving)...])
        for name in names { bench.lock(name) }
        build(self.standing + self.leaving)
        count { _ in .deliver }
    }

    /// As if each had been provisioned long ago by a job of its own.
    private func build(_ nodes: [String]) {
        let now = bench.simulation.world.time.wallClock
        bench.sandbox.withState { state in
            for node in nodes {
                _ = state.cloud.addServer(
                    named: node,
                    metadata: [
                        "cirrata_site": Bench.site, "cirrata_key": "old-\(node)", "cirrata_node": node,
                        "cirrata_put": String(now.microseconds / 1_000_000 - 86_400), "cirrata_owner": "me@lab",
                        "cirrata_lock": "run/1", "cirrata_spec": "x", "cirrata_v": "1",
                    ], at: now)
            }
            for server in state.cloud.snapshot(at: now).servers {
                guard let address = server.addresses.first,
                    var record = state.paddles.node("\(server.name).\(Bench.domain)")
                else { continue }
                record.osType = "ubuntu"
                record.osVersion = "22.04"
                record.macAddress = address.mac
                record.up = true
                state.paddles.put(record)
                let update = HTTPRequest(.get, "/update?name=\(server.name)&ip=\(address.address)")
                _ = state.nsupdate.handle(update, at: now)
            }
        }
    }

    /// Counts requests, and decides what becomes of those to one service.
    func count(_ decide: @escaping @Sendable (SimulatedHTTP.Exchange) -> SimulatedHTTP.Delivery) {
        bench.simulation.http.onRequest { [requests] exchange in
            let key = "\(exchange.process) \(Self.service(of: exchange.request))"
            requests.withLock { $0[key, default: 0] += 1 }
            return decide(exchange)
        }
    }

    /// `compute` of `http://sandbox:80/compute/v2.1/servers`.
    static func service(of request: HTTPRequest) -> String {
        String(request.url.split(separator: "/", maxSplits: 3).dropFirst(2).first ?? "").prefix { $0 != "?" }
            .description
    }

    /// Puts destroys between the provisions, as they come in a lab.
    /// - Parameter owners: so many people want the provisions.
    func enqueue(owners: Int = 1) {
        var leaving = leaving[...]
        let every = max(1, coming.count / max(1, leaving.count))
        for (index, node) in coming.enumerated() {
            let owner = owners == 1 ? "me@lab" : "me\(index % owners)@lab"
            bench.lock(node, owner: owner)
            bench.put(
                .provision,
                "{action: provision, node: \(node), owner: \(owner), lock_description: run/1, uuid: p-\(node)}")
            if index % every == 0, let node = leaving.popFirst() { destroy(node) }
        }
        for node in leaving { destroy(node) }
    }

    func destroy(_ node: String) {
        bench.put(
            .destroy, "{action: destroy, node: \(node), owner: me@lab, lock_description: run/1, uuid: d-\(node)}")
    }

    /// Ids of the servers that stand now.
    var servers: [String: String] {
        let now = bench.simulation.world.time.wallClock
        let servers = bench.sandbox.withState { $0.cloud.snapshot(at: now).servers }
        return Dictionary(servers.map { ($0.name, $0.id) }) { first, _ in first }
    }

    /// What is not as it should be when everything is done.
    func violations() -> [String] {
        let invariants = Invariants(bench)
        return invariants.violations(of: standing + coming, .provisioned(volumes: 0))
            + invariants.violations(of: leaving, .empty)
    }
}
