import Jobs
import OpenStack
import World

/// What the cloud holds of one node, sorted by whose it is.
struct Belongings: Sendable {
    struct Items: Sendable {
        var servers: [Server] = []
        var volumes: [Volume] = []

        var isEmpty: Bool { servers.isEmpty && volumes.isEmpty }
    }

    /// Of this job: by its key, as another delivery or an equal job that is gone may have built it.
    var own = Items()
    /// Of equal jobs (the same key under another number) that are still in the queue: theirs to finish or to remove.
    var twins = Items()
    /// Whichever of the equal jobs built it.
    var ofThisKey: Items { Items(servers: own.servers + twins.servers, volumes: own.volumes + twins.volumes) }
    /// Of jobs of this node that are older than this one.
    var older = Items()
    var newer = Items()
    /// Without our metadata, but exactly of this node's name: taken over only during a migration.
    var unmarked = Items()
    /// Whose the servers of this site are, one each, whatever their node: for `max_servers`.
    var siteServers: [JobAtNode] = []
    /// When the servers were asked for.
    var requestedAt: Moment
    /// False: a list lacked what a look by id showed, so it may lack more.
    var isComplete: Bool

    /// - Parameters:
    ///   - site: only resources of this site are anybody's but foreign.
    ///   - node: the short name.
    ///   - livingTwins: the broker's ids of equal jobs that are still in the queue.
    init(
        servers: [Server], volumes: [Volume], site: String, node: String, order: JobOrder,
        livingTwins: Set<UInt64> = [], requestedAt: Moment, isComplete: Bool = true
    ) {
        self.requestedAt = requestedAt
        self.isComplete = isComplete
        func drawer(_ ownership: Ownership) -> WritableKeyPath<Belongings, Items> {
            if ownership.key == order.key { return livingTwins.contains(ownership.jobID) ? \.twins : \.own }
            return ownership.order.isNewer(than: order) ? \.newer : \.older
        }
        for server in servers {
            // Nearly all are of other nodes, and every job goes through all of them.
            guard server.name == node || Ownership.mayConcern(node, server.metadata) else {
                if let job = Ownership.job(in: server.metadata, of: site) { siteServers.append(job) }
                continue
            }
            guard let ownership = Ownership(metadata: server.metadata) else {
                if server.name == node, !Self.isMarked(server.metadata) { unmarked.servers.append(server) }
                continue
            }
            guard ownership.site == site else { continue }
            siteServers.append(JobAtNode(key: ownership.key, node: ownership.node))
            guard ownership.node == node else { continue }
            self[keyPath: drawer(ownership)].servers.append(server)
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
            self[keyPath: drawer(ownership)].volumes.append(volume)
        }
    }

    /// Whether any server of this node, whoever's, has the address.
    func hasMAC(_ mac: String) -> Bool {
        standing(without: Condemned(servers: [], volumes: [])).contains { $0.hasMAC(mac) }
    }

    /// Servers of this node that stay when the condemned ones are gone.
    func standing(without condemned: Condemned) -> [Server] {
        (own.servers + twins.servers + older.servers + newer.servers + unmarked.servers).filter { server in
            !condemned.servers.contains { $0.id == server.id }
        }
    }

    /// The broker's ids of equal jobs that have built something, in order: a producer that lost the answer to its put
    /// puts the same job again, and both are taken at once.
    static func twins(of order: JobOrder, site: String, _ metadata: [[String: String]]) -> [UInt64] {
        guard order.jobID != 0 else { return [] }
        let ids = metadata.compactMap { Ownership(metadata: $0) }.filter { ownership in
            ownership.site == site && ownership.key == order.key && ownership.jobID != 0
                && ownership.jobID != order.jobID
        }
        return Set(ids.map(\.jobID)).sorted()
    }

    /// Anything with a key of ours in its metadata is somebody's, even if we cannot read whose.
    private static func isMarked(_ metadata: [String: String]) -> Bool {
        metadata.keys.contains { $0.hasPrefix(Ownership.prefix) }
    }
}
