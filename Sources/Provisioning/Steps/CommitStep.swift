import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience

extension NodeWork {
    /// Writes everything into paddles in one PUT. After it nothing of this job is ever removed by this job.
    func commit(_ run: StepRun) async throws -> String {
        let found = try await lookAtServers(run)
        try superseded(by: found)
        guard let plan = known.plan, let serverID = known.serverID else {
            throw Trouble("no-server", "there is no server to commit")
        }
        guard let server = found.own.servers.first(where: { $0.id == serverID && !$0.isDeleting }) else {
            throw Ending(
                .superseded, "server-vanished", "server \(serverID) is gone: somebody else removed it",
                next: "enqueue the node again if it is still wanted")
        }
        // Another process may have woken up with a POST half sent: every worker keeps the same one.
        let others = found.own.servers.filter { $0.id != serverID }
        let record = try await stillClaimed(run)
        if !others.isEmpty {
            let keep = Adoption(
                of: found.own.servers, spec: plan.spec, put: job.order.put, mac: record.macAddress
            ).keep
            guard keep == nil || keep?.id == serverID else {
                throw Ending(
                    .retry, "second-server", "another worker's server of this job is older: starting over with that one"
                )
            }
            try await removeTogether(others) { try await self.removeServer($0, run) }
        }
        // An older job may have built on while this one was at work.
        if !found.older.servers.isEmpty { try await removeOld(try await look(run), run) }
        var changes = NodeChanges()
        let version = Self.twoParts(known.host?.osVersion ?? plan.osVersion)
        changes.osType = .set(plan.osType)
        changes.osVersion = .set(version)
        if let arch = known.host?.arch { changes.arch = .set(arch) }
        if let key = known.publicKey { changes.sshPublicKey = .set(key) }
        if let mac = known.mac { changes.macAddress = .set(mac) }
        // An operator who marked it down meanwhile is right.
        if record.up != false { changes.up = .set(true) }
        if claim.judge(record) == .held(byUs: true) { changes.description = .set(claim.finalDescription) }
        try await paddles.update(try node().qualified, changes, for: run.call)
        remember(\.committedOS, (plan.osType, version))
        return "\(try node()) is server \(server.id)"
    }

    /// teuthology writes the first two parts of a version (facts/teuthology.md section 6).
    private static func twoParts(_ version: String) -> String {
        version.split(separator: ".", omittingEmptySubsequences: false).prefix(2).joined(separator: ".")
    }
}
