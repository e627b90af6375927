package import Lab
package import OpenStack
package import World

/// What one look at one provider showed: complete lists, or there is no sighting.
package struct Sighting: Sendable {
    package var provider: String
    /// The project that the login is for.
    package var project: String
    package var servers: [Server]
    package var volumes: [Volume]
    /// Those of the provider's machine type.
    package var nodes: [NodeRecord]
    /// The earliest of the cloud's clocks and ours, so that nothing is taken for older than it is.
    package var now: Timestamp

    package init(
        provider: String, project: String, servers: [Server], volumes: [Volume], nodes: [NodeRecord], now: Timestamp
    ) {
        self.provider = provider
        self.project = project
        self.servers = servers
        self.volumes = volumes
        self.nodes = nodes
        self.now = now
    }

    /// A wrong or broken service shows itself by lists that contradict each other (facts/openstack.md section 3, 21).
    /// - Throws: `SweepRefusal`.
    func check(site: String) throws(SweepRefusal) {
        func refuse(_ message: String, _ next: String) throws(SweepRefusal) {
            throw SweepRefusal(provider: provider, cause: "lists-disagree", message: message, next: next)
        }
        let hasOurs = (servers.map(\.metadata) + volumes.map(\.metadata)).contains { $0["cirrata_site"] == site }
        if hasOurs, nodes.isEmpty {
            try refuse(
                "the cloud has servers or volumes of this site, and paddles lists no node of this type",
                "see whether lock_server is the paddles that these nodes are in")
        }
        let described = nodes.filter { $0.isVM && $0.macAddress != nil }
        if servers.isEmpty, !described.isEmpty {
            try refuse(
                "the cloud lists no server at all, and paddles describes \(described.count), such as \(described[0].name)",
                "see whether the login still leads to the project with the servers; if they are really gone, "
                    + "enqueue a destroy for each node")
        }
        if servers.isEmpty, let volume = volumes.first(where: { !$0.attachments.isEmpty }) {
            try refuse(
                "the cloud lists no server at all, and volume \(volume.id) is attached to one",
                "see whether Nova answers for the right project")
        }
        if volumes.isEmpty, let server = servers.first(where: { !$0.volumeIDs.isEmpty }) {
            try refuse(
                "the cloud lists no volume at all, and server \(server.id) has some",
                "see whether Cinder answers for the right project")
        }
    }
}

/// A sighting with what the queue held then; nil: nobody had to know.
package struct SweepLook: Sendable {
    package var sighting: Sighting
    package var queue: QueueFacts?

    package init(_ sighting: Sighting, queue: QueueFacts?) {
        self.sighting = sighting
        self.queue = queue
    }
}
