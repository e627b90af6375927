import HTTPKit
package import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience
import World

/// The work on one node for one delivery of one job: what all steps share. What it remembers saves requests and is
/// never trusted where something is removed.
package final class NodeWork: Sendable {
    struct Memory: Sendable {
        var node: NodeName?
        /// Listings requested before prove no absence: our last change may not be in them.
        var lookAfter: Moment
        /// When paddles was last asked and the claim held.
        var claimSeen: Moment?
        var plan: BuildPlan?
        /// Known as soon as it is asked for; `server` only when it was seen.
        var serverID: String?
        var server: Server?
        var address: IPAddress?
        var mac: String?
        /// Adopted or made by this delivery.
        var volumes: [Volume] = []
        /// Volumes in the way that the cloud will not delete.
        var stuckVolumes: Set<String> = []
        var publicKey: String?
        /// When the node showed it; nil: it was taken from paddles.
        var publicKeyRead: Moment?
        var host: HostFacts?
        /// The commit was sent: it may be written, even if nobody said so.
        var hasSentCommit = false
        /// What the commit wrote.
        var committedOS: (type: String, version: String)?
        /// Addresses that servers of ours had: what DNS may point at because of us.
        var addresses: [IPAddress] = []
        var dnsWritten = false
        /// Servers that failed to build, and the availability zones in which they did.
        var failedBuilds = 0
        var fullZones: [String] = []
        /// What a destroy is to remove, fixed when its guard passed.
        var condemned: Condemned?
        /// What a destroy saw when all of that was gone.
        var seenAfterRemoval: Belongings?
        /// How a destroy ends that could not remove all of it, once DNS and paddles are right.
        var incomplete: Ending?
        /// What a removal has found and not yet seen gone; nil: it never got so far as to look.
        var remains: [String]?
        /// Lists that turned out to be stale were fetched anew once.
        var hasReplanned = false
    }

    let assignment: Assignment
    let site: Site
    let provider: Provider
    let claim: Claim
    /// Destructive calls of one job at once. Of one job: before a closed gate no other must wait behind it, and what frees
    /// capacity never behind what waits for it.
    let removalPermits = Permits(8)
    private let memory: Locked<Memory>

    var job: Job { assignment.job }
    var paddles: PaddlesClient { site.lab.paddles }
    var cloud: Cloud { provider.cloud }
    var world: World { site.world }

    init(_ assignment: Assignment, site: Site, provider: Provider) {
        self.assignment = assignment
        self.site = site
        self.provider = provider
        claim = Claim(assignment.job)
        memory = Locked(Memory(node: assignment.job.node, lookAfter: assignment.began))
    }

    var known: Memory { memory.withLock { $0 } }

    func remember<Value: Sendable>(_ path: any WritableKeyPath<Memory, Value> & Sendable, _ value: Value) {
        memory.withLock { $0[keyPath: path] = value }
    }

    /// Addresses that DNS may point to because of this job.
    func addAddresses(_ addresses: [IPAddress]) {
        memory.withLock { memory in
            for address in addresses where !memory.addresses.contains(address) { memory.addresses.append(address) }
        }
    }

    func update(_ change: @Sendable (inout Memory) -> Void) { memory.withLock { change(&$0) } }

    /// The node, once it is known.
    func node() throws -> NodeName {
        guard let node = known.node else { throw Trouble("no-node", "no node is claimed yet") }
        return node
    }

    /// Runs something that changes the cloud: whatever comes of it, later looks must be newer than its end.
    func changing<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        defer { remember(\.lookAfter, world.time.now) }
        return try await body()
    }

    /// Everything that the cloud holds of this node, listed after our last change.
    func look(_ run: StepRun) async throws -> Belongings {
        async let servers = servers(run)
        async let volumes = volumes(run)
        let found = try await belongings(servers, volumes)
        if let server = (found.own.servers + found.older.servers).first(where: { !$0.volumeIDs.isEmpty }),
            try await !cloud.blockStorage.isOffered(for: run.call)
        {
            throw Trouble(
                "no-block-storage",
                "server \(server.id) has volumes, and the catalog has no block storage to see them in",
                next: "see that the catalog of \(provider.name) names its block storage")
        }
        return found
    }

    /// The short name of the node on which this job built something, if it did.
    func nodeOfOwn(_ run: StepRun) async throws -> String? {
        async let servers = servers(run)
        async let volumes = volumes(run)
        let (listedServers, listedVolumes) = try await (servers, volumes)
        let all = listedServers.items.map(\.metadata) + listedVolumes.items.map(\.metadata)
        let own = all.lazy.compactMap { Ownership(metadata: $0) }.first { $0.site == site.name && $0.key == job.key }
        if own == nil { try allReadable(listedServers.odd + listedVolumes.odd) }
        return own?.node
    }

    /// The servers of this node alone.
    func lookAtServers(_ run: StepRun) async throws -> Belongings {
        let servers = try await servers(run)
        return try await belongings(
            servers, Listing(items: [], requestedAt: servers.requestedAt, complete: true))
    }

    /// The volumes of this node alone.
    func lookAtVolumes(_ run: StepRun) async throws -> Belongings {
        let volumes = try await volumes(run)
        return try await belongings(
            Listing(items: [], requestedAt: volumes.requestedAt, complete: true), volumes)
    }

    private func servers(_ run: StepRun) async throws -> Listing<Server> {
        let listing = try await cloud.watcher.servers(requestedAfter: known.lookAfter, for: run.call)
        let expected = known.serverID.map { [$0] } ?? []
        return try await checked(listing, expected) { try await cloud.compute.server($0, for: run.call) }
    }

    private func volumes(_ run: StepRun) async throws -> Listing<Volume> {
        let listing = try await cloud.watcher.volumes(requestedAfter: known.lookAfter, for: run.call)
        let expected = known.volumes.map(\.id)
        return try await checked(listing, expected) { try await cloud.blockStorage.volume($0, for: run.call) }
    }

    /// A list that lacks what this delivery knows does not prove that it is gone, only a look by id does. What is there
    /// all the same is added, and the list counts as incomplete: it may lack others, too.
    private func checked<Item: Watched>(
        _ listing: Listing<Item>, _ expected: [String], look: (String) async throws -> Item?
    ) async throws -> Listing<Item> {
        guard !expected.isEmpty else { return listing }
        let listed = Set(listing.items.map(\.id))
        var listing = listing
        for id in expected where !listed.contains(id) {
            guard let item = try await look(id) else { continue }
            listing.items.append(item)
            listing.complete = false
        }
        return listing
    }

    private func belongings(_ servers: Listing<Server>, _ volumes: Listing<Volume>) async throws -> Belongings {
        let node = try node().short
        // What is there and cannot be read is not absent. Names tell those of other nodes.
        try allReadable(servers.odd.filter { $0.name ?? node == node })
        try allReadable(volumes.odd.filter { $0.name?.hasPrefix(node) ?? true })
        var living: Set<UInt64> = []
        let metadata = servers.items.map(\.metadata) + volumes.items.map(\.metadata)
        for twin in Belongings.twins(of: job.order, site: site.name, metadata)
        where try await assignment.isLivingTwin(twin) {
            living.insert(twin)
        }
        return Belongings(
            servers: servers.items, volumes: volumes.items, site: site.name, node: node, order: job.order,
            livingTwins: living, requestedAt: servers.requestedAt, isComplete: servers.complete && volumes.complete)
    }

    private func allReadable(_ odd: [OddElement]) throws {
        guard let first = odd.first else { return }
        throw Trouble(
            "unreadable", "\(provider.name) lists something that may be of this job and cannot be read: \(first)",
            next: "look at it in the cloud")
    }

    /// How old a look may be when something that was decided on it is written into paddles or DNS: neither has a
    /// conditional update.
    static let recordFreshness = Duration.seconds(10)

    /// How old a look at the claim may be before something is POSTed: the volumes of one node share one.
    private static let claimFreshness = Duration.seconds(1)

    /// Like `stillClaimed`, but content with what was seen a moment ago.
    func stillClaimedLately(_ run: StepRun) async throws {
        try notExpired()
        if let seen = known.claimSeen, world.time.now - seen < Self.claimFreshness { return }
        try await stillClaimed(run)
    }

    /// Goes on only while the job is still this worker's and the node still the job's: before every POST, before DNS and
    /// before the commit. The broker is asked first, then paddles.
    @discardableResult
    func stillClaimed(_ run: StepRun) async throws -> NodeRecord {
        try notExpired()
        try await run.call.fence.confirm()
        let name = try node().qualified
        let asked = world.time.now
        guard let record = try await paddles.node(name, for: run.call) else {
            throw Ending(.obsolete, "node-unknown", "\(name) is no longer in paddles")
        }
        switch claim.judge(record) {
        case .held:
            remember(\.claimSeen, asked)
            return record
        case .free:
            throw Ending(.obsolete, "node-free", "\(name) was unlocked: nobody wants it any more")
        case .taken(let owner, let description):
            throw Ending(
                .obsolete, "node-taken", claim.refusal(of: name, lockedBy: owner, description))
        }
    }

    func notExpired() throws {
        guard let expire = job.expire, world.time.wallClock > expire else { return }
        throw Ending(.expired, "expired", "the job was wanted until \(expire)", next: "enqueue it again if it still is")
    }

    func ownership(spec: String) throws -> Ownership {
        Ownership(
            site: site.name, key: job.key, node: try node().short, put: job.order.put, jobID: job.order.jobID,
            broker: job.order.broker, owner: job.owner, lock: job.lockDescription ?? "", spec: spec)
    }

    /// Waits for something that others do: ends at once when this worker is asked to stop, which cuts off nothing.
    func waiting<Value: Sendable>(
        _ run: StepRun, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        guard let value = try await run.call.drain.unlessRaised(body) else { throw Drained() }
        return value
    }

    /// Whether this job is committed, by this delivery or one before: nothing of it is removed any more.
    package var isCommitted: Bool { known.committedOS != nil }

    /// What is left of a removal that could not be finished, as far as it was seen; nil: nobody could look.
    package var remains: [String]? { known.remains }

    /// What a reply tells of the node.
    package var reply: ReplyFacts {
        let known = known
        return ReplyFacts(
            node: known.node?.qualified ?? "",
            server: known.server.map { server in
                Reply.ServerFacts(id: server.id, name: server.name, addresses: server.addresses.map(\.address))
            },
            publicKey: known.publicKey ?? "",
            osType: known.committedOS?.type ?? "", osVersion: known.committedOS?.version ?? "",
            volumes: known.volumes.map { "\($0.name) \($0.id)" })
    }
}

package struct ReplyFacts: Sendable, Hashable {
    package var node: String
    package var server: Reply.ServerFacts?
    package var publicKey: String
    package var osType: String
    package var osVersion: String
    package var volumes: [String]
}
