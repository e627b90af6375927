import Jobs
import OpenStack
import World

/// What the cloud holds of one node, sorted by whose it is.
struct Belongings: Sendable {
    struct Items: Sendable {
        var servers: [Server] = []
        var volumes: [Volume] = []

        var isEmpty: Bool { servers.isEmpty && volumes.isEmpty }

        /// The server of the newest job among them.
        var newestServer: Server? {
            servers.reduce(nil) { newest, server in
                guard let before = newest.flatMap({ Ownership(metadata: $0.metadata) }),
                    let ownership = Ownership(metadata: server.metadata)
                else { return newest ?? server }
                return ownership.order.isNewer(than: before.order) ? server : newest
            }
        }
    }

    /// Of this job.
    var own = Items()
    /// Of jobs of this node that are older than this one.
    var older = Items()
    var newer = Items()
    /// Without our metadata, but exactly of this node's name: taken over only during a migration.
    var unmarked = Items()
    /// The keys of all servers of this site, one each, whatever their node: for `max_servers`.
    var siteKeys: [String] = []
    /// When the servers were asked for.
    var requestedAt: Moment

    /// - Parameters:
    ///   - site: only resources of this site are anybody's but foreign.
    ///   - node: the short name.
    init(
        servers: [Server], volumes: [Volume], site: String, node: String, order: JobOrder, requestedAt: Moment
    ) {
        self.requestedAt = requestedAt
        for server in servers {
            // Nearly all are of other nodes, and every job goes through all of them.
            guard server.name == node || Ownership.mayConcern(node, server.metadata) else {
                if let key = Ownership.key(in: server.metadata, of: site) { siteKeys.append(key) }
                continue
            }
            guard let ownership = Ownership(metadata: server.metadata) else {
                if server.name == node, !Self.isMarked(server.metadata) { unmarked.servers.append(server) }
                continue
            }
            guard ownership.site == site else { continue }
            siteKeys.append(ownership.key)
            guard ownership.node == node else { continue }
            self[keyPath: Self.drawer(of: ownership, order)].servers.append(server)
        }
        let unmarkedIDs = Set(unmarked.servers.map(\.id))
        for volume in volumes where volume.name.hasPrefix(node) || Ownership.mayConcern(node, volume.metadata) {
            guard let ownership = Ownership(metadata: volume.metadata) else {
                if !Self.isMarked(volume.metadata), VolumeNames.isName(volume.name, of: node),
                    volume.attachments.allSatisfy({ unmarkedIDs.contains($0.serverID) })
                {
                    unmarked.volumes.append(volume)
                }
                continue
            }
            guard ownership.site == site, ownership.node == node else { continue }
            self[keyPath: Self.drawer(of: ownership, order)].volumes.append(volume)
        }
    }

    /// Servers of this node that stay when the condemned ones are gone.
    func standing(without condemned: Condemned) -> [Server] {
        (own.servers + older.servers + newer.servers + unmarked.servers).filter { server in
            !condemned.servers.contains { $0.id == server.id }
        }
    }

    /// Whose the resource of a job of this node is, as the job of `order` sees it.
    private static func drawer(of ownership: Ownership, _ order: JobOrder) -> WritableKeyPath<Belongings, Items> {
        if ownership.key == order.key { return \.own }
        return ownership.order.isNewer(than: order) ? \.newer : \.older
    }

    /// Anything with a key of ours in its metadata is somebody's, even if we cannot read whose.
    private static func isMarked(_ metadata: [String: String]) -> Bool {
        metadata.keys.contains { $0.hasPrefix(Ownership.prefix) }
    }
}
