import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience
import World

extension NodeWork {
    /// Makes sure that the node is the job's, and notices a job that is finished already.
    func claim(_ run: StepRun) async throws -> String {
        let name = try await claimedNode(run)
        guard let record = try await paddles.node(name.qualified, for: run.call) else {
            throw Ending(
                .rejected, "node-unknown", "paddles does not know \(name)",
                next: "check the name, or add the node to paddles")
        }
        // First of all: what was committed stays, whatever became of the node or the job's time since.
        let seen = record.describesServer ? try await look(run) : nil
        if let seen { try await endIfCommitted(record, seen, run) }
        try notExpired()
        try checkKind(record)
        let isOurLock = try await hold(record, run)
        let found: Belongings = if let seen { seen } else { try await look(run) }
        try superseded(by: found)
        if record.osType != nil || record.osVersion != nil {
            var changes = NodeChanges()
            changes.osType = .clear
            changes.osVersion = .clear
            try await paddles.update(name.qualified, changes, for: run.call)
        }
        return isOurLock ? "\(name) locked by us for \(job.owner)" : "\(name) is locked for \(job.owner)"
    }

    func checkKind(_ record: NodeRecord) throws {
        guard record.isVM else {
            throw Ending(
                .rejected, "not-a-vm", "\(record.name) is not a virtual machine in paddles (is_vm is false)",
                next: "name a VM, or correct is_vm in paddles")
        }
        guard record.machineType == provider.name else {
            throw Ending(
                .rejected, "wrong-machine-type",
                "\(record.name) is of machine type '\(record.machineType ?? "")' in paddles, the job is for '\(provider.name)'",
                next: "put the job into the tube of that machine type")
        }
        if record.up == false {
            throw Ending(
                .wait, "node-down", "\(record.name) is marked down in paddles", next: "mark it up when it is usable")
        }
    }

    /// - Returns: whether the lock is one that we took.
    private func hold(_ record: NodeRecord, _ run: StepRun) async throws -> Bool {
        switch claim.judge(record) {
        case .held(let byUs):
            return byUs
        case .taken(let owner, let description):
            throw Ending(
                .obsolete, "node-taken", claim.refusal(of: record.name, lockedBy: owner, description),
                next: "lock it for the job's owner and description, then enqueue again")
        case .free:
            guard job.lock else {
                throw Ending(
                    .obsolete, "node-free", "\(record.name) is not locked for anybody",
                    next: "lock it first, or enqueue with lock: true")
            }
            let answer = try await paddles.lock(
                record.name, owner: job.owner, description: claim.ownLock, for: run.call)
            guard answer == .locked else {
                throw Trouble("lock-lost", "somebody else locked \(record.name) in the same moment")
            }
            run.created("lock", name: record.name, id: claim.ownLock)
            return true
        }
    }

    /// Ends a job that is finished already, with what its reply says.
    func endIfCommitted(
        _ record: NodeRecord, _ found: Belongings, _ run: StepRun, changesNothing: Bool = false
    ) async throws {
        guard let server = committed(record, found) else { return }
        run.note("\(record.name) was committed as server \(server.id) before: nothing is left to do")
        if !changesNothing, found.ofThisKey.servers.contains(where: { $0.id == server.id }) {
            try await giveWay(to: server, record, found, run)
        }
        // Not before: should that fail, the step that is tried again still has to know its own server and volumes.
        remember(finished: server, record, found)
        throw Ending(.done, "finished", "finished by an earlier delivery")
    }

    /// What the reply of a finished job says, whoever finished it.
    func remember(finished server: Server, _ record: NodeRecord, _ found: Belongings) {
        update { memory in
            memory.server = server
            memory.serverID = server.id
            memory.committedOS = (record.osType ?? "", record.osVersion ?? "")
            memory.publicKey = record.sshPublicKey
            memory.volumes = found.ofThisKey.volumes.filter { $0.isAttached(to: server.id) }
                .sorted { $0.name < $1.name }
        }
    }

    /// The server of this job that paddles describes: the commit was made. Whoever takes the node over clears `os_type`
    /// first. What has become of the server since, or whether an operator marked the node down, is not this job's
    /// business any more.
    func committed(_ record: NodeRecord, _ found: Belongings) -> Server? {
        guard record.describesServer, let mac = record.macAddress else { return nil }
        if let server = found.ofThisKey.servers.first(where: { $0.hasMAC(mac) }) { return server }
        // Somebody deletes it, and Nova takes the addresses before the server.
        let bare = found.ofThisKey.servers.first { $0.isDeleting && $0.addresses.isEmpty }
        if let bare, !found.hasMAC(mac) { return bare }
        // Written by this delivery, which was not told so, and the server is gone since.
        guard known.hasSentCommit, let server = known.server, server.hasMAC(mac) else { return nil }
        return server
    }

    /// The node of the job; one is locked in paddles when the job names none.
    private func claimedNode(_ run: StepRun) async throws -> NodeName {
        if try await findOwnNode(run) { return try node() }
        try notExpired()
        try await keepReserve(run)
        switch try await paddles.lockMany(
            count: 1, owner: job.owner, machineType: provider.name, description: claim.ownLock, for: run.call)
        {
        case .locked(let records):
            guard let record = records.first else { throw Trouble("lock-lost", "paddles locked no node") }
            run.created("lock", name: record.name, id: claim.ownLock)
            try remember(node: try await onlyLock(besides: record, run).name)
            return try node()
        case .notEnough:
            throw Ending(
                .wait, "no-free-node", "no node of type \(provider.name) is free",
                next: "wait until one is unlocked, or add nodes to paddles")
        case .lostRace:
            throw Trouble("lock-lost", "somebody else locked the free node in the same moment")
        }
    }

    /// An equal job may have locked a node in the same moment: both keep the one that was locked first.
    private func onlyLock(besides record: NodeRecord, _ run: StepRun) async throws -> NodeRecord {
        guard job.uuid != nil else { return record }
        let locks = try await ownLocks(run)
        guard let first = locks.first else { return record }
        for other in locks.dropFirst() {
            switch try await paddles.unlock(other.name, owner: job.owner, description: claim.ownLock, for: run.call) {
            case .unlocked, .refused(.alreadyUnlocked): run.removed("lock", name: other.name, id: claim.ownLock)
            case .refused: run.note("\(other.name) was locked by somebody else in the meantime")
            }
        }
        return first
    }

    /// Scheduled runs leave some machines to people (teuthology's `reserve_machines`).
    private func keepReserve(_ run: StepRun) async throws {
        guard job.owner.hasPrefix("scheduled"), site.reserveMachines > 0 else { return }
        let free = try await paddles.nodes(machineType: provider.name, locked: false, up: true, for: run.call)
        guard free.count <= site.reserveMachines else { return }
        throw Ending(
            .wait, "reserved-nodes",
            "\(free.count.counted("node")) of type \(provider.name) free, and \(site.reserveMachines) kept for people",
            next: "wait, or lower reserve_machines")
    }
}

extension NodeRecord {
    /// Only a commit writes both; whoever clears a node clears both.
    var describesServer: Bool { macAddress != nil && osType != nil }
}
