import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience
import World

/// What of a removal could not be done because a service that answers refuses.
private struct Refusals: Sendable {
    var left: [String] = []
    var message = ""
    var error: ServiceError?

    mutating func add(_ what: String, _ error: ServiceError) {
        left.append(what)
        if message.isEmpty { message = error.description }
        self.error = self.error ?? error
    }
}

/// One destructive act of a removal.
enum RemovalAct: Sendable {
    case dns
    case server(Server)
    case volume(Volume)
    case lock
}

/// The right of somebody who is not the job itself to remove what is the job's: nothing but this, and only while
/// `stillMay` throws nothing. It is asked before each act.
struct Warrant: Sendable {
    var ids: Set<String>
    var stillMay: @Sendable (RemovalAct) async throws -> Void
}

extension NodeWork {
    /// Asked right before each destructive act; throws if it may not be done.
    typealias Permission = @Sendable (RemovalAct) async throws -> Void

    /// What a report says is left when nobody could look.
    package static func unseen(of key: String) -> String {
        "whatever carries cirrata_key \(key) or is locked with cirrata:\(key): it could not be looked up"
    }

    /// What a report calls a record in paddles that describes a server that is gone.
    static func description(of name: String) -> String { "what paddles says of \(name)" }

    /// Takes away everything of this job's key: DNS, servers, volumes, claim, in this order. It looks everything up and
    /// restores nothing from memory; it writes what is true now: no server.
    /// - Parameter warrant: nil: the job itself removes, whose lease is right enough.
    /// - Throws: `Ending(.done)` when this job was committed, by whichever delivery: from then on it removes nothing.
    ///   `Trouble` when there is more of the job in the end than there was: it has to begin again.
    func removeOwn(_ run: StepRun, under warrant: Warrant? = nil) async throws -> String {
        guard try await findOwnNode(run) else { return "no node was claimed, so nothing was built" }
        try await run.call.fence.confirm()
        let name = try node().qualified
        remember(\.remains, [Self.unseen(of: job.key)])
        var found = try await look(run)
        // Read after the look: an equal job may have committed, and be gone, in between.
        let record = try await paddles.node(name, for: run.call)
        if let record {
            if describesUnseen(record, found) {
                // It may have built only after the look, or its server had no address yet.
                remember(\.lookAfter, world.time.now)
                found = try await look(run)
            }
            try await endIfCommitted(record, found, run, changesNothing: warrant != nil)
        }
        var condemned = Condemned(servers: found.own.servers, volumes: found.own.volumes)
        if warrant == nil, let record, case .held = claim.judge(record) { condemned.add(ruinsOf: found.older) }
        if let warrant, !condemned.ids.isSubset(of: warrant.ids) {
            throw Ending(.obsolete, "changed", "there is more of this job than there was")
        }
        let isOwnLock = record.map { claim.judge($0) } == .held(byUs: true)
        remember(\.remains, condemned.labels + (isOwnLock ? ["lock \(name)"] : []))
        if let record, case .held = claim.judge(record), isStale(record, found.standing(without: condemned)) {
            remaining(Self.description(of: name))
        }
        let stillMay: Permission = { try await warrant?.stillMay($0) }
        var refusals = Refusals()
        addAddresses(condemned.servers.flatMap(\.parsedAddresses))
        try await parkOwn(condemned, found, record, &refusals, run, stillMay)
        try await take(condemned, &refusals, run, stillMay: stillMay)
        let after = try await look(run)
        let late = Condemned(servers: after.own.servers, volumes: after.own.volumes).except(condemned.ids)
        guard late.isEmpty else {
            // Something of ours was long on its way; or another worker has this job, too.
            throw Trouble("built-meanwhile", "this job built during its removal: \(late.summary)")
        }
        try await release(after, removed: condemned, &refusals, run, stillMay)
        try report(refusals)
        return condemned.isEmpty ? "nothing was left" : condemned.summary
    }

    /// Whether a record describes a server that a look did not show, or not with this MAC.
    private func describesUnseen(_ record: NodeRecord, _ found: Belongings) -> Bool {
        guard record.describesServer, let mac = record.macAddress else { return false }
        return !found.hasMAC(mac)
    }

    /// Takes away servers, then volumes. `stillMay` is asked before each destructive call.
    func takeCondemned(_ condemned: Condemned, _ run: StepRun, stillMay: @escaping Permission) async throws {
        var refusals = Refusals()
        try await take(condemned, &refusals, run, stillMay: stillMay)
        try report(refusals)
    }

    private func take(
        _ condemned: Condemned, _ refusals: inout Refusals, _ run: StepRun, stillMay: @escaping Permission
    ) async throws {
        let servers = await troubles(of: condemned.servers) { server in
            try await self.removeServer(server, run) { try await stillMay(.server(server)) }
        }
        try sort(servers, into: &refusals, run) { ("server", $0.name, $0.id) }
        let volumes = await troubles(of: condemned.volumes) { volume in
            try await self.removeVolume(volume, run) { try await stillMay(.volume(volume)) }
        }
        try sort(volumes, into: &refusals, run) { ("volume", $0.name, $0.id) }
    }

    /// What the cloud refuses for good is left and written down; any other trouble is thrown.
    private func sort<Item>(
        _ troubles: [(item: Item, error: any Error)], into refusals: inout Refusals, _ run: StepRun,
        _ facts: (Item) -> (kind: String, name: String, id: String)
    ) throws {
        var other: (any Error)?
        for (item, error) in troubles {
            // A refusal of paddles would be the guard's.
            guard let refusal = error as? ServiceError, refusal.kind == .permanent, refusal.provider == provider.name
            else {
                other = other ?? error
                continue
            }
            let (kind, name, id) = facts(item)
            refusals.add("\(kind) \(name) \(id)", refusal)
            run.left(kind, name: name, id: id, why: refusal.description)
        }
        if let other { throw other }
    }

    /// Removes several at once. What befalls one keeps none of the others from being removed.
    /// - Throws: the first trouble, when all others are through.
    func removeTogether<Item: Sendable>(
        _ items: [Item], _ remove: @escaping @Sendable (Item) async throws -> Void
    ) async throws {
        if let trouble = await troubles(of: items, remove).first { throw trouble.error }
    }

    private func troubles<Item: Sendable>(
        of items: [Item], _ remove: @escaping @Sendable (Item) async throws -> Void
    ) async -> [(item: Item, error: any Error)] {
        zip(items, await items.concurrentResults(of: remove)).compactMap { item, result in
            if case .failure(let error) = result { (item, error) } else { nil }
        }
    }

    private func report(_ refusals: Refusals) throws {
        guard !refusals.left.isEmpty else { return }
        throw Ending(
            Outcome(
                .removalIncomplete, cause: "removal-refused",
                message:
                    "\(refusals.left.count.counted("resource")) of this job could not be removed: \(refusals.message)",
                next: "see why, then `cirrata failed undo`; or remove them by hand and discard the job",
                status: refusals.error?.status,
                requestID: refusals.error?.requestID, left: refusals.left))
    }

    /// The node of a job that names none: it may have locked one and lost the answer, committed one and died, or built
    /// on one whose lock is not its own any more. What it built says where.
    func findOwnNode(_ run: StepRun) async throws -> Bool {
        if known.node != nil { return true }
        if let record = try await ownLocks(run).first {
            try remember(node: record.name)
            return true
        }
        guard let built = try await nodeOfOwn(run) else { return false }
        try remember(node: built)
        return true
    }

    /// Nodes that carry our own lock, the one that was locked first in front.
    func ownLocks(_ run: StepRun) async throws -> [NodeRecord] {
        let locked = try await paddles.nodes(
            machineType: provider.name, locked: true, complete: true, for: run.call)
        let ours = locked.filter { $0.lockedBy == job.owner && $0.description == claim.ownLock }
        let never = Timestamp(microseconds: .max)
        return ours.sorted { ($0.lockedSince ?? never, $0.name) < ($1.lockedSince ?? never, $1.name) }
    }

    func remember(node text: String) throws {
        do {
            remember(\.node, try NodeName(text, domain: site.labDomain))
        } catch {
            throw Ending(
                .rejected, "node-name", "paddles locked a node that cannot be used: \(error)",
                next: "correct lab_domain or the node's name in paddles")
        }
    }
}

// MARK: - DNS and claim

extension NodeWork {
    /// Points the name at the parking address if it may still point at a server that goes or is gone; at a newer job's
    /// server, if there is one: both may have written the name at the same moment, and we last.
    private func parkOwn(
        _ condemned: Condemned, _ found: Belongings, _ record: NodeRecord?, _ refusals: inout Refusals, _ run: StepRun,
        _ stillMay: Permission
    ) async throws {
        guard let dns = site.lab.dns else { return }
        let node = try node()
        let heirs = found.newer.servers + found.twins.servers
        guard heirs.isEmpty else {
            return try await yieldName(to: heirs, record, seen: found.requestedAt, run, stillMay)
        }
        let parking = parking(condemned, found, record, dns)
        guard parking.isDue else { return }
        try await stillMay(.dns)
        update { $0.remains?.insert("dns \(node)", at: 0) }
        do {
            let parked = try await dns.park(
                try ShortName(node.short), from: parking.from, sparing: parking.sparing,
                for: run.call.good(until: found.requestedAt + Self.recordFreshness))
            if parked == .parked { run.removed("dns", name: node.qualified, id: parking.label) }
            gone("dns \(node)")
        } catch let error as ServiceError where error.kind == .permanent {
            // A name that is refused now was refused when we wanted to write it, too; unless DNS itself says otherwise.
            guard known.dnsWritten || dns.asksBeforeParking else {
                run.note("nsupdate-web refuses \(node): it never pointed to this job's server")
                gone("dns \(node)")
                return
            }
            refusals.add("dns \(node)", error)
            run.left("dns", name: node.qualified, id: "", why: error.description)
        }
    }

    /// Points the name at the server that has the node now: its own push may have come before what we wrote. One that is
    /// not ready yet writes the name when it is.
    func yieldName(
        to heirs: [Server], _ record: NodeRecord?, seen: Moment, _ run: StepRun,
        _ stillMay: Permission = { _ in }
    ) async throws {
        guard let heir = heir(among: heirs), let record, isNodeOf(heir, record) else { return }
        try await stillMay(.dns)
        let isCommitted = record.macAddress.map(heir.hasMAC) ?? false
        do {
            try await correctName(to: heir, isCommitted: isCommitted, seen: seen, run)
        } catch let error as ServiceError where error.kind == .permanent {
            // Then nothing that we wrote was taken either.
            run.warning("the name was left as it is, to server \(heir.id)'s own job: \(error)")
        }
    }

    private func parking(
        _ condemned: Condemned, _ found: Belongings, _ record: NodeRecord?, _ dns: NodeDNS
    ) -> Parking {
        Parking(
            record: record, claim: claim, ours: known.addresses, standing: found.standing(without: condemned),
            asks: dns.asksBeforeParking)
    }

    /// Whether the node's name is among what a removal of these would look after.
    func parks(_ condemned: Condemned, _ found: Belongings, _ record: NodeRecord?) -> Bool {
        guard let dns = site.lab.dns, found.newer.servers.isEmpty, found.twins.servers.isEmpty else { return false }
        return parking(condemned, found, record, dns).isDue
    }

    /// Whether the node is locked for this job, or for whom the server was built.
    private func isNodeOf(_ heir: Server, _ record: NodeRecord) -> Bool {
        if case .held = claim.judge(record) { return true }
        return record.locked && Ownership(metadata: heir.metadata)?.owner == record.lockedBy
    }

    /// The server that will have the node, as far as that can be told: of the newest job.
    private func heir(among servers: [Server]) -> Server? {
        let usable = servers.filter { $0.status == .active && !$0.isDeleting }
        let marked = usable.compactMap { server in Ownership(metadata: server.metadata).map { (server, $0.order) } }
        return marked.max { $1.1.isNewer(than: $0.1) }?.0
    }

    /// Clears what paddles says of a server that is gone, and gives back a lock that is our own.
    private func release(
        _ found: Belongings, removed: Condemned, _ refusals: inout Refusals, _ run: StepRun, _ stillMay: Permission
    ) async throws {
        let name = try node().qualified
        let asked = world.time.now
        guard found.newer.isEmpty, found.twins.isEmpty,
            let record = try await paddles.node(name, for: run.call), record.isVM,
            record.machineType == provider.name
        else { return }
        let state = claim.judge(record)
        switch state {
        case .held: break
        // Somebody cleared the rest by hand, and left the host key.
        case .free where record.macAddress == nil: break
        case .free, .taken: return
        }
        let label = Self.description(of: name)
        if isStale(record, found.standing(without: removed)) {
            remaining(label)
            // The removal took its time: a newer job may have built and committed meanwhile.
            remember(\.lookAfter, world.time.now)
            let now = try await lookAtServers(run)
            guard now.newer.isEmpty, now.twins.isEmpty else {
                gone(label)
                return try await yieldName(
                    to: now.newer.servers + now.twins.servers, record, seen: asked, run, stillMay)
            }
            if isStale(record, now.standing(without: removed)) {
                try await stillMay(.lock)
                try await clear(name, run, until: asked + Self.recordFreshness)
            }
        }
        gone(label)
        guard state == .held(byUs: true) else { return }
        try await stillMay(.lock)
        switch try await paddles.unlock(name, owner: job.owner, description: claim.ownLock, for: run.call) {
        case .unlocked, .refused(.alreadyUnlocked): run.removed("lock", name: name, id: claim.ownLock)
        case .refused: run.note("\(name) was locked by somebody else in the meantime")
        }
        gone("lock \(name)")
    }

    /// Whether a record describes a server, and none that stands.
    private func isStale(_ record: NodeRecord, _ standing: [Server]) -> Bool {
        if let mac = record.macAddress { return !standing.contains { $0.hasMAC(mac) } }
        // Without a MAC there is no telling whose the key is, but for a claim of ours, which clears the os first.
        return record.osType == nil && record.sshPublicKey != nil && standing.isEmpty
    }

    /// Says in paddles that the node has no server.
    /// - Parameter until: nothing is written later than that.
    func clear(_ name: String, _ run: StepRun, until: Moment) async throws {
        var changes = NodeChanges()
        changes.osType = .clear
        changes.osVersion = .clear
        changes.macAddress = .clear
        changes.sshPublicKey = .clear
        try await paddles.update(name, changes, for: run.call.good(until: until))
    }
}
