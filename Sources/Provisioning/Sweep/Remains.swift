import Jobs
package import Lab
package import OpenStack
package import World

/// What one job left at one node: its servers, its volumes, and the lock that it took itself. All of it goes, or none.
package struct Remains: Sendable, Hashable, Identifiable {
    package struct ID: Sendable, Hashable, Comparable {
        package var provider: String
        /// The short name.
        package var node: String
        package var key: String

        package static func < (a: ID, b: ID) -> Bool {
            (a.provider, a.node, a.key) < (b.provider, b.node, b.key)
        }
    }

    package var id: ID
    /// Under which the broker knew it; none: built by `cirrata run`, without a queue.
    package var jobIDs: [UInt64] = []
    /// Whom it was built for; several when they contradict each other, which keeps everything.
    package var owners: Set<String> = []
    package var locks: Set<String> = []
    /// The earliest that its marks name.
    package var put: Timestamp?
    package var servers: [Server] = []
    package var volumes: [Volume] = []
    /// The node's record, when it is locked with this job's own description.
    package var ownLock: NodeRecord?

    init(_ id: ID) { self.id = id }

    package var node: String { id.node }
    package var key: String { id.key }
    package var serverIDs: [String] { servers.map(\.id) }
    package var volumeIDs: [String] { volumes.map(\.id) }
    package var itemIDs: Set<String> { Set(serverIDs + volumeIDs) }
    package var isLock: Bool { ownLock != nil }

    /// Everything of it, each by kind, name and id.
    package var items: [String] {
        servers.map { "server \($0.name) \($0.id)" } + volumes.map { "volume \($0.name) \($0.id)" }
            + (ownLock.map { ["lock \($0.name) \($0.description ?? "")"] } ?? [])
    }

    fileprivate mutating func add(_ ownership: Ownership) {
        if ownership.jobID != 0, !jobIDs.contains(ownership.jobID) {
            jobIDs = (jobIDs + [ownership.jobID]).sorted()
        }
        owners.insert(ownership.owner)
        locks.insert(ownership.lock)
        put = min(put ?? ownership.put, ownership.put)
    }

    /// What it takes to remove it with the code that removes what a failed provision built.
    func job(domain: String) throws(NodeName.Malformed) -> Job {
        Job(
            action: .provision, node: try NodeName(node, domain: domain), provider: id.provider,
            owner: ownLock?.lockedBy ?? owners.min() ?? "",
            lockDescription: locks.min().flatMap { $0.isEmpty ? nil : $0 },
            order: JobOrder(
                put: put ?? Timestamp(seconds: 0), jobID: jobIDs.first ?? 0, key: key))
    }
}

/// Everything of this site at one provider, sorted by job and node.
struct SiteRemains {
    private(set) var all: [Remains] = []
    /// With our site's mark, and still not to be read: of a newer release, or mutilated.
    private(set) var unreadable: [Remains] = []
    /// Keys and nodes that other sites' marks name: a lock of theirs is none of our business.
    private var foreign: Set<String> = []

    init(in sighting: Sighting, site: String, domain: String) {
        var found: [Remains.ID: Remains] = [:]
        var unreadable: [Remains] = []
        func place(_ metadata: [String: String], _ name: String, _ add: (inout Remains) -> Void) {
            guard let mark = metadata["cirrata_site"] else { return }
            guard mark == site else {
                for member in ["cirrata_key", "cirrata_node"] { foreign.formUnion(metadata[member].map { [$0] } ?? []) }
                return
            }
            guard let ownership = Ownership(metadata: metadata), !ownership.key.isEmpty,
                (try? NodeName(ownership.node, domain: "")) != nil
            else {
                var remains = Remains(
                    .init(provider: sighting.provider, node: name, key: metadata["cirrata_key"] ?? ""))
                add(&remains)
                return unreadable.append(remains)
            }
            let id = Remains.ID(provider: sighting.provider, node: ownership.node, key: ownership.key)
            var remains = found[id] ?? Remains(id)
            remains.add(ownership)
            add(&remains)
            found[id] = remains
        }
        for server in sighting.servers { place(server.metadata, server.name) { $0.servers.append(server) } }
        for volume in sighting.volumes { place(volume.metadata, volume.name) { $0.volumes.append(volume) } }
        for record in sighting.nodes {
            guard record.locked, let key = Job.key(ofOwnLock: record.description ?? ""), !foreign.contains(key),
                let name = try? NodeName(record.name, domain: domain), !foreign.contains(name.short)
            else { continue }
            let id = Remains.ID(provider: sighting.provider, node: name.short, key: key)
            var remains = found[id] ?? Remains(id)
            remains.ownLock = record
            found[id] = remains
        }
        all = found.values.sorted { $0.id < $1.id }
        self.unreadable = unreadable.sorted { $0.id < $1.id }
    }
}
