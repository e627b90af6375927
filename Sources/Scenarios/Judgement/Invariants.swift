import Configuration
import Sandbox
import Simulation
import World

/// What must be true of the lab at rest, seen from the outside: a list of what is not.
package struct Invariants: Sendable {
    package enum Expectation: Sendable, Hashable {
        /// One server of the node, its volumes attached, DNS and paddles right.
        case provisioned(volumes: Int)
        /// Nothing in the cloud; paddles and DNS describe no server.
        case empty
    }

    private let bench: Bench

    package init(_ bench: Bench) {
        self.bench = bench
    }

    package func violations(of node: String, _ expected: Expectation) -> [String] {
        violations(of: [node], expected)
    }

    /// Of many nodes at once: the cloud is looked at only once.
    package func violations(of nodes: [String], _ expected: Expectation) -> [String] {
        let now = bench.simulation.world.time.wallClock
        return bench.sandbox.withState { state in
            let cloud = state.cloud.snapshot(at: now)
            let servers = Dictionary(grouping: cloud.servers, by: \.name)
            let volumes = Dictionary(grouping: cloud.volumes) { String($0.name.prefix { $0 != "_" }) }
            return nodes.flatMap { node in
                let record = state.paddles.node("\(node).\(Bench.domain)")
                let addresses = state.nsupdate.zone.addresses(of: "\(node).\(Bench.domain)")
                let (servers, volumes) = (servers[node] ?? [], volumes[node] ?? [])
                switch expected {
                case .provisioned(let count):
                    return Self.provisioned(node, count, servers, volumes, record, addresses)
                case .empty:
                    return Self.empty(node, servers, volumes, record, addresses, bench.configuration.dns.parkingAddress)
                }
            }
        }
    }

    private static func provisioned(
        _ node: String, _ count: Int, _ servers: [CloudSnapshot.Server], _ volumes: [CloudSnapshot.Volume],
        _ record: PaddlesNode?, _ addresses: [String]
    ) -> [String] {
        var wrong: [String] = []
        if servers.count != 1 { wrong.append("\(node) has \(servers.count) servers") }
        if let server = servers.first {
            if server.status != "ACTIVE" { wrong.append("server is \(server.status)") }
            let attached = volumes.filter { $0.status == "in-use" && $0.server == server.id }
            if attached.count != count { wrong.append("\(attached.count) of \(count) volumes are attached") }
            if !server.addresses.map(\.address).contains(where: { addresses == [$0] }) {
                wrong.append("DNS says \(addresses), the server has \(server.addresses.map(\.address))")
            }
            if !server.addresses.contains(where: { $0.mac == record?.macAddress }) {
                wrong.append("paddles has MAC \(record?.macAddress ?? "none")")
            }
        }
        if volumes.count != count { wrong.append("\(volumes.count) volumes exist instead of \(count)") }
        if record?.up != true { wrong.append("paddles does not say up") }
        if record?.osType == nil || record?.osVersion == nil { wrong.append("paddles has no os") }
        return wrong
    }

    private static func empty(
        _ node: String, _ servers: [CloudSnapshot.Server], _ volumes: [CloudSnapshot.Volume], _ record: PaddlesNode?,
        _ addresses: [String], _ parking: String
    ) -> [String] {
        var wrong: [String] = []
        if !servers.isEmpty { wrong.append("\(servers.count) servers are left: \(servers.map(\.id))") }
        if !volumes.isEmpty { wrong.append("\(volumes.count) volumes are left: \(volumes.map(\.id))") }
        if record?.macAddress != nil || record?.osType != nil { wrong.append("paddles still describes a server") }
        if !(addresses.isEmpty || addresses == [parking]) { wrong.append("DNS says \(addresses)") }
        return wrong
    }
}
