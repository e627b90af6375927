import Jobs
import Provisioning
import Sandbox
import Simulation
import World

/// What stands on the bench before anybody plays: the node under test, and things that nobody may touch.
struct Scenery: Sendable {
    static let node = "ovh001"
    static let neighbour = "ovh002"
    /// Key of the older job whose server stands.
    static let olderKey = "old"
    static let lockDescription = "run/1"

    /// Ids of what must be exactly the same at the end.
    let untouchable: Set<String>
    private let before: CloudSnapshot

    /// Locks the node as the cast wants it, builds what stands, and surrounds it with servers and volumes of another
    /// site, of nobody, and of another node: each of them in a quarter of all scenarios, as every look shows them all.
    init(_ bench: Bench, _ scenario: Scenario) {
        let cast = scenario.cast
        var random = SplitMix(seed: scenario.seed ^ 0x57A6_E45)
        let strangers = random.next() & random.next()
        let now = bench.simulation.world.time.wallClock
        (untouchable, before) = bench.sandbox.withState { state in
            if let volumes = cast.standing {
                _ = Self.build(Self.node, key: Self.olderKey, volumes: volumes, in: &state, at: now)
            }
            if cast.standing != nil || cast.parts.first?.node == .locked {
                Self.lock(Self.node, for: cast.parts.first?.owner ?? Cast.owner, Self.lockDescription, in: &state)
            }
            Self.lock(Self.neighbour, for: "somebody@lab", "their run", in: &state)
            var ids: [String?] = []
            if strangers & 1 != 0 {
                ids += Self.build(Self.neighbour, key: "neighbour", volumes: 1, in: &state, at: now)
            }
            if strangers & 2 != 0 {
                let foreign = Self.ownership(of: Self.node, key: "foreign", site: "elsewhere", at: now)
                let server = state.cloud.addServer(named: Self.node, metadata: foreign, at: now)
                ids += [
                    server,
                    state.cloud.addVolume(named: "\(Self.node)_0", metadata: foreign, attachedTo: server, at: now),
                ]
            }
            if strangers & 4 != 0 {
                ids += [
                    state.cloud.addServer(named: Self.node, at: now),
                    state.cloud.addVolume(named: "\(Self.node)_0", at: now),
                ]
            }
            return (Set(ids.compactMap { $0 }), state.cloud.snapshot(at: now))
        }
    }

    /// What is different about the things that nobody may touch.
    func differences(_ after: CloudSnapshot) -> [String] {
        let servers = before.servers.filter { untouchable.contains($0.id) && !after.servers.contains($0) }
        let volumes = before.volumes.filter { untouchable.contains($0.id) && !after.volumes.contains($0) }
        return servers.map { "I4 server \($0.id) is not ours and was changed or removed" }
            + volumes.map { "I4 volume \($0.id) is not ours and was changed or removed" }
    }

    static func lock(_ node: String, for owner: String, _ description: String, in state: inout SandboxState) {
        guard var record = state.paddles.node("\(node).\(Bench.domain)") else { return }
        record.locked = true
        record.lockedBy = owner
        record.description = description
        state.paddles.put(record)
    }

    static func unlock(_ node: String, in state: inout SandboxState) {
        guard var record = state.paddles.node("\(node).\(Bench.domain)") else { return }
        record.locked = false
        record.lockedBy = nil
        record.description = nil
        state.paddles.put(record)
    }

    /// A node as a provision leaves it.
    /// - Returns: the ids of its server and volumes.
    private static func build(
        _ node: String, key: String, volumes: Int, in state: inout SandboxState, at now: Timestamp
    ) -> [String] {
        let metadata = ownership(of: node, key: key, site: Bench.site, at: now)
        guard let server = state.cloud.addServer(named: node, metadata: metadata, at: now),
            var record = state.paddles.node("\(node).\(Bench.domain)"), let name = DNSName("\(node).\(Bench.domain)")
        else { return [] }
        let disks = (0..<volumes).compactMap { index in
            state.cloud.addVolume(named: "\(node)_\(index)", metadata: metadata, attachedTo: server, at: now)
        }
        let port = state.cloud.snapshot(at: now).servers.first { $0.id == server }?.addresses.first
        record.macAddress = port?.mac
        (record.osType, record.osVersion, record.up) = ("ubuntu", "22.04", true)
        state.paddles.put(record)
        if let address = port.flatMap({ NetworkAddress(parsing: $0.address) }) {
            state.nsupdate.zone.replace(name, with: [.address(address, ttl: 60)])
        }
        return [server] + disks
    }

    private static func ownership(
        of node: String, key: String, site: String, at now: Timestamp
    ) -> [String: String] {
        Ownership(
            site: site, key: key, node: node, put: now - .seconds(3_600), owner: Cast.owner, lock: lockDescription,
            spec: "older"
        ).metadata
    }
}
