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

extension NodeWork {
    /// Takes away everything of this job's key: DNS, servers, volumes, claim, in this order. It looks everything up and
    /// restores nothing from memory; it writes what is true now: no server.
    func removeOwn(_ run: StepRun) async throws -> String {
        guard try await findOwnNode(run) else { return "no node was claimed, so nothing was built" }
        let found = try await look(run)
        if let record = try await paddles.node(try node().qualified, for: run.call),
            let server = committed(record, found)
        {
            return "nothing: server \(server.id) was committed by an earlier delivery"
        }
        let condemned = Condemned(servers: found.own.servers, volumes: found.own.volumes)
        var refusals = Refusals()
        try await parkOwn(condemned, found, &refusals, run)
        try await take(condemned, &refusals, run) {}
        try await release(found, removed: condemned, &refusals, run)
        try report(refusals)
        return condemned.servers.isEmpty && condemned.volumes.isEmpty
            ? "nothing was left" : "\(condemned.servers.count) servers, \(condemned.volumes.count) volumes"
    }

    /// Takes away servers, then volumes. `stillMay` is asked before each destructive call.
    func takeCondemned(
        _ condemned: Condemned, _ run: StepRun, stillMay: @Sendable () async throws -> Void
    ) async throws {
        var refusals = Refusals()
        try await take(condemned, &refusals, run, stillMay: stillMay)
        try report(refusals)
    }

    private func take(
        _ condemned: Condemned, _ refusals: inout Refusals, _ run: StepRun,
        stillMay: @Sendable () async throws -> Void
    ) async throws {
        for server in condemned.servers { condemn("server", server.name, server.id) }
        for volume in condemned.volumes { condemn("volume", volume.name, volume.id) }
        for server in condemned.servers {
            try await stillMay()
            do {
                try await removeServer(server, run)
            } catch let error as ServiceError where error.kind == .permanent {
                refusals.add("server \(server.name) \(server.id)", error)
                run.left("server", name: server.name, id: server.id, why: error.description)
            }
        }
        for volume in condemned.volumes {
            try await stillMay()
            do {
                try await removeVolume(volume, run)
            } catch let error as ServiceError where error.kind == .permanent {
                refusals.add("volume \(volume.name) \(volume.id)", error)
                run.left("volume", name: volume.name, id: volume.id, why: error.description)
            }
        }
    }

    private func report(_ refusals: Refusals) throws {
        guard !refusals.left.isEmpty else { return }
        throw Ending(
            Outcome(
                .removalIncomplete, cause: "removal-refused",
                message: "\(refusals.left.count) of this job's resources could not be removed: \(refusals.message)",
                next: "remove them by hand, then discard the job", status: refusals.error?.status,
                requestID: refusals.error?.requestID, left: refusals.left))
    }

    /// A job that names no node may have locked one and lost the answer.
    private func findOwnNode(_ run: StepRun) async throws -> Bool {
        if known.node != nil { return true }
        let locked = try await paddles.nodes(machineType: provider.name, locked: true, for: run.call)
        var text = locked.first { $0.lockedBy == job.owner && $0.description == claim.ownLock }?.name
        if text == nil { text = try await nodeOfOwnServer(run) }
        guard let text, let name = try? NodeName(text, domain: site.labDomain) else { return false }
        remember(\.node, name)
        return true
    }
}

// MARK: - DNS and claim

extension NodeWork {
    /// Points the name at the parking address if it may still point at a server of ours.
    private func parkOwn(
        _ condemned: Condemned, _ found: Belongings, _ refusals: inout Refusals, _ run: StepRun
    ) async throws {
        addAddresses(condemned.servers.flatMap(\.parsedAddresses))
        let ours = known.addresses
        guard let dns = site.lab.dns, !ours.isEmpty, found.newer.servers.isEmpty else { return }
        let node = try node()
        if !dns.asksBeforeParking {
            // Unseen, the name is only written while nobody else can have it.
            guard let record = try await paddles.node(node.qualified, for: run.call),
                case .held = claim.judge(record)
            else { return }
        }
        do {
            if try await dns.park(try ShortName(node.short), from: ours, for: run.call) == .parked {
                run.removed("dns", name: node.qualified, id: ours.map(\.description).joined(separator: ","))
            }
        } catch let error as ServiceError where error.kind == .permanent {
            // A name that is refused now was refused when we wanted to write it, too; unless DNS itself says otherwise.
            guard known.dnsWritten || dns.asksBeforeParking else {
                run.note("nsupdate-web refuses \(node): it never pointed to this job's server")
                return
            }
            refusals.add("dns \(node)", error)
            run.left("dns", name: node.qualified, id: "", why: error.description)
        }
    }

    /// Clears what paddles says of a server that is gone, and gives back a lock that is our own.
    private func release(
        _ found: Belongings, removed: Condemned, _ refusals: inout Refusals, _ run: StepRun
    ) async throws {
        let name = try node().qualified
        guard found.newer.isEmpty, found.unmarked.servers.isEmpty,
            let record = try await paddles.node(name, for: run.call), record.isVM,
            record.machineType == provider.name, case .held(let byUs) = claim.judge(record)
        else { return }
        let isStale = record.osType == nil && (record.macAddress != nil || record.sshPublicKey != nil)
        let describesRemoved = record.macAddress.map { mac in removed.servers.contains { $0.hasMAC(mac) } } ?? false
        if isStale || describesRemoved { try await clear(name, run) }
        guard byUs else { return }
        switch try await paddles.unlock(name, owner: job.owner, description: claim.ownLock, for: run.call) {
        case .unlocked, .refused(.alreadyUnlocked): run.removed("lock", name: name, id: claim.ownLock)
        case .refused: run.note("\(name) was locked by somebody else in the meantime")
        }
    }

    /// Says in paddles that the node has no server.
    func clear(_ name: String, _ run: StepRun) async throws {
        var changes = NodeChanges()
        changes.osType = .clear
        changes.osVersion = .clear
        changes.macAddress = .clear
        changes.sshPublicKey = .clear
        try await paddles.update(name, changes, for: run.call)
    }
}
