import Jobs
import Lab
import OpenStack
import Pipelines
import Resilience
import World

extension NodeWork {
    /// Finds the server of this job, or makes it. What older jobs of the node left is removed first.
    func createServer(_ run: StepRun) async throws -> String {
        let plan = try await planned(run)
        let found = try await look(run)
        try superseded(by: found)
        let record = try await stillClaimed(run)
        if let finished = committed(record, found) {
            try await end(finishedAs: finished, record, found, run)
        }
        try standBack(found)
        try await removeOld(found, run)

        let adoption = Adoption(
            of: found.own.servers, spec: plan.spec, put: job.order.put, mac: record.macAddress)
        try await removeTogether(adoption.remove) { try await self.removeServer($0, run) }
        if let server = adoption.keep {
            run.adopted("server", name: server.name, id: server.id)
            update { memory in
                memory.server = server
                memory.serverID = server.id
            }
            return "server \(server.id), which this job built before"
        }
        if let seen = known.serverID { try standing(seen, in: found) }
        let asker = JobAtNode(key: job.key, node: try node().short)
        try takeRoom(for: asker, found)
        defer { provider.creates.withLock { $0.ended(asker, at: world.time.now) } }
        let server = try await post(plan, run)
        return "server \(server)"
    }

    /// Asks for one server. Whatever comes of it, the next look tells.
    func post(_ plan: BuildPlan, _ run: StepRun) async throws -> String {
        try await stillClaimedLately(run)
        let ownership = try ownership(spec: plan.spec)
        var request = plan.server
        request.name = try node().short
        request.metadata = ownership.metadata
        request.zone = provider.zones.first { !known.fullZones.contains($0) }
        do {
            let new = request
            let created = try await changing { try await cloud.compute.createServer(new, for: run.call) }
            run.created("server", name: request.name, id: created.id)
            remember(\.serverID, created.id)
            return created.id
        } catch let error as ServiceError where error.smellsOfStaleness && !known.hasReplanned {
            update { memory in
                memory.plan = nil
                memory.hasReplanned = true
            }
            throw Trouble("stale-inventory", error.description, next: error.next)
        }
    }

    /// Image, flavor and the rest, chosen once for a delivery.
    private func planned(_ run: StepRun) async throws -> BuildPlan {
        if let plan = known.plan { return plan }
        let plan = try await provider.plan(for: job, node: try node(), for: run.call)
        for warning in plan.warnings { run.warning(warning) }
        remember(\.plan, plan)
        return plan
    }

    func superseded(by found: Belongings) throws {
        guard let newer = found.newer.servers.first else { return }
        throw Ending(
            .superseded, "newer-job",
            "a newer job (\(Ownership(metadata: newer.metadata)?.key ?? "")) has built server \(newer.id) for this node"
        )
    }

    /// The job's server, as a look shows it.
    /// - Throws: `Ending(.superseded)` when it is gone, or going.
    @discardableResult
    func standing(_ serverID: String, in found: Belongings) throws -> Server {
        if let server = found.own.servers.first(where: { $0.id == serverID && !$0.isDeleting }) { return server }
        throw Ending(
            .superseded, "server-vanished", "server \(serverID) is gone: somebody else removed it",
            next: "enqueue the node again if it is still wanted")
    }

    /// Leaves the node to an equal job that is building already; if both are, to the one that was put first. What this
    /// one built goes, and when it is delivered again it finds its work done.
    func standBack(_ found: Belongings) throws {
        let builders = found.twins.servers.filter { !$0.isDeleting }
        guard let twin = builders.compactMap({ Ownership(metadata: $0.metadata)?.jobID }).min() else { return }
        let isBuilding = found.own.servers.contains {
            !$0.isDeleting && ($0.status == .build || $0.status == .active)
        }
        guard !isBuilding || twin < job.order.jobID else { return }
        throw Ending(
            .wait, "twin", "job \(twin) has the same uuid and is building the node already",
            next: "nothing: this job ends when that one has")
    }

    /// What older jobs of this node built, and what teuthology's own backend left when that is to be taken over.
    func removeOld(_ found: Belongings, _ run: StepRun) async throws {
        var old = found.older
        if provider.adoptsUnmarked {
            old.servers += found.unmarked.servers
            old.volumes += found.unmarked.volumes
        } else if let stranger = found.unmarked.servers.first {
            run.warning(
                "server \(stranger.id) has this node's name and is not ours: left alone (adopt_unmarked is false)")
        }
        try await removeTogether(old.servers) { try await self.removeServer($0, run) }
        try await clearAway(old.volumes, run)
    }

    private func takeRoom(for asker: JobAtNode, _ found: Belongings) throws {
        guard let most = provider.maxServers else { return }
        let others = found.siteServers.filter { $0 != asker }
        let hasRoom = provider.creates.withLock {
            $0.admits(asker, besides: others, requestedAt: found.requestedAt, most: most)
        }
        guard !hasRoom else { return }
        throw Ending(
            .wait, "max-servers",
            "\(others.count.counted("server")) built or asked for; \(most) is the most for \(provider.name)",
            next: "wait until a node is destroyed, or raise max_servers")
    }
}
