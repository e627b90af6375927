import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience
import World

extension NodeWork {
    /// Writes everything into paddles in one PUT. After it nothing of this job is ever removed by this job.
    func commit(_ run: StepRun) async throws -> String {
        if known.hasSentCommit { try await endIfWritten(run) }
        guard let plan = known.plan, let serverID = known.serverID else {
            throw Trouble("no-server", "there is no server to commit")
        }
        let found = try await plan.volumeNames.isEmpty ? lookAtServers(run) : look(run)
        try superseded(by: found)
        try standBack(found)
        let server = try standing(serverID, in: found)
        try await hostKeysHold()
        // Another process may have woken up with a POST half sent, or a request may have been on its way for long: every
        // worker keeps the same server, and its own volumes.
        let others = found.own.servers.filter { $0.id != serverID }
        let record = try await stillClaimed(run)
        if let finished = committed(record, found), finished.id != serverID {
            try await end(finishedAs: finished, record, look(run), run)
        }
        guard found.isComplete else {
            throw Trouble(
                "list-incomplete", "\(provider.name) lists not all that there is of this node, so it may hide a rival",
                next: "see whether all cells of Nova are up")
        }
        if !others.isEmpty { try keeps(serverID, found, record) }
        let rivals = others + found.older.servers
        if !rivals.isEmpty || !surplusVolumes(of: found, beside: serverID).isEmpty {
            try await removeTogether(rivals) { try await self.removeServer($0, run) }
            try await clearAway(surplusVolumes(of: look(run), beside: serverID), run)
            // The other process may have pushed the name after us.
            let asked = world.time.now
            _ = try await stillClaimed(run)
            try await correctName(to: server, isCommitted: false, seen: asked, run)
            // Removing took its time: a newer job may have removed ours meanwhile.
            return try await commit(run)
        }
        var changes = NodeChanges()
        let os = known.host?.os ?? (type: plan.osType, version: HostFacts.twoParts(plan.osVersion))
        changes.osType = .set(os.type)
        changes.osVersion = .set(os.version)
        if let arch = known.host?.arch { changes.arch = .set(arch) }
        if let key = known.publicKey { changes.sshPublicKey = .set(key) }
        if let mac = known.mac { changes.macAddress = .set(mac) }
        // An operator who marked it down meanwhile is right.
        if record.up != false { changes.up = .set(true) }
        if claim.judge(record) == .held(byUs: true) { changes.description = .set(claim.finalDescription) }
        remember(\.hasSentCommit, true)
        // Of both looks the servers' is the older. A newer job may have removed ours while this worker was stopped.
        try await paddles.update(
            try node().qualified, changes, for: run.call.good(until: found.requestedAt + Self.recordFreshness))
        remember(\.committedOS, os)
        return "\(try node()) is server \(server.id)"
    }

    /// Of several servers of one job every worker keeps the same one.
    func keeps(_ serverID: String, _ found: Belongings, _ record: NodeRecord) throws {
        guard let plan = known.plan else { return }
        let keep = Adoption(
            of: found.own.servers, spec: plan.spec, put: job.order.put, mac: record.macAddress
        ).keep
        guard keep == nil || keep?.id == serverID else {
            throw Ending(
                .retry, "second-server", "another worker's server of this job is older: starting over with that one")
        }
    }

    /// A commit that had to wait writes no host key that the node has changed meanwhile.
    private func hostKeysHold() async throws {
        guard let key = known.publicKey, let read = known.publicKeyRead, let address = known.address,
            world.time.now - read > Self.recordFreshness
        else { return }
        let keys = try await site.lab.ssh.hostKeys(address.description)
        // One that shows none says nothing against its key.
        guard let found = keys.first else { return }
        guard found == key else {
            throw Ending(
                .retry, "host-key-changed", "the host keys of \(try node()) changed after it was found ready",
                next: "if this goes on, check whether two servers have one address")
        }
        remember(\.publicKeyRead, world.time.now)
    }

    /// The answer to an earlier attempt was lost: perhaps it is written, whatever has happened since.
    private func endIfWritten(_ run: StepRun) async throws {
        let found = try await look(run)
        guard let record = try await paddles.node(try node().qualified, for: run.call) else { return }
        try await endIfCommitted(record, found, run)
    }

    /// What another worker of this job made for a server that it did not keep, or a worker that is gone, or an older job
    /// that did not see us. A worker that does not know that it lost this job may have attached its own to our server.
    private func surplusVolumes(of found: Belongings, beside serverID: String) -> [Volume] {
        let spared = known.stuckVolumes.union(known.volumes.map(\.id))
        return (found.own.volumes + found.older.volumes).filter { volume in
            !spared.contains(volume.id) && !volume.attachments.contains { $0.serverID == serverID }
        }
    }

    /// Ends a job whose equal was faster.
    func end(
        finishedAs finished: Server, _ record: NodeRecord, _ found: Belongings, _ run: StepRun
    ) async throws -> Never {
        try await giveWay(to: finished, record, found, run)
        // Not before: should this fail, the step that is tried again still has to know its own server.
        remember(finished: finished, record, found)
        throw Ending(.done, "finished", "finished by an equal job in the meantime")
    }

    /// The node is finished. What else stands under this job's number was never anybody's: an equal job was faster, or
    /// another worker that the broker had given this one to.
    func giveWay(to finished: Server, _ record: NodeRecord, _ found: Belongings, _ run: StepRun) async throws {
        func isOurs(_ metadata: [String: String]) -> Bool {
            job.order.jobID != 0 && Ownership(metadata: metadata)?.jobID == job.order.jobID
        }
        let servers = found.own.servers.filter { isOurs($0.metadata) && $0.id != finished.id }
        try await removeTogether(servers) { try await self.removeServer($0, run) }
        if !isOurs(finished.metadata) {
            try await clearAway(
                found.own.volumes.filter { isOurs($0.metadata) && !$0.isAttached(to: finished.id) }, run)
        } else if !servers.isEmpty {
            // None but what this delivery knows, or what hung on those servers: its owner may have detached others.
            let hung = found.own.volumes.filter { volume in servers.contains { volume.isAttached(to: $0.id) } }
            let surplus = Set((known.volumes + hung).map(\.id))
            try await clearAway(
                try await look(run).own.volumes.filter {
                    surplus.contains($0.id) && isOurs($0.metadata) && !$0.isAttached(to: finished.id)
                }, run)
        }
        // Only while the name can be nobody else's.
        guard found.newer.isEmpty, case .held = claim.judge(record) else { return }
        try await correctName(to: finished, isCommitted: true, seen: found.requestedAt, run)
    }
}
