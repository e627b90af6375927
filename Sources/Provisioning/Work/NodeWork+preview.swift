import Jobs
import Lab
import OpenStack
package import Pipelines
import Resilience
import World

/// What a job would do, for `cirrata run --dry-run`.
package struct Preview: Sendable, Hashable {
    /// What there is and what would be chosen: `image    Ubuntu 22.04 (9d0c…)`.
    package var findings: [String] = []
    /// What would be changed, in order.
    package var changes: [String] = []
    package var warnings: [String] = []
    /// What a new server would be given, as text; empty when none would be made.
    package var userData = ""

    package init() {}

    mutating func found(_ what: String, _ text: String) {
        findings.append(what + String(repeating: " ", count: max(1, 9 - what.count)) + text)
    }
}

extension NodeWork {
    static let previewLimits = StepLimits(timeout: .seconds(120), patience: .zero)

    /// Looks at everything that the job depends on and changes nothing.
    /// - Returns: `done` when the job would begin its work, else how it would end; and as much of the preview as there is.
    package func preview() async -> (outcome: Outcome, preview: Preview) {
        let kept = Locked(Preview())
        let step = Step("look", limits: Self.previewLimits) { run in
            // Kept before it is looked further: what was found explains what goes wrong next.
            let keep: @Sendable (Preview) -> Void = { preview in kept.withLock { $0 = preview } }
            if self.job.action == .provision {
                try await self.previewProvision(run, keep)
            } else {
                try await self.previewDestroy(run, keep)
            }
            return ""
        }
        let outcome = await Pipeline([step], world: world, backoff: site.backoff)
            .run(right: assignment.right, journal: assignment.journal)
        return (outcome, kept.withLock { $0 })
    }

    private func previewProvision(_ run: StepRun, _ keep: (Preview) -> Void) async throws {
        try notExpired()
        var preview = Preview()
        let record = try await previewClaim(run, &preview)
        keep(preview)
        try checkKind(record)
        let plan = try await provider.plan(for: job, node: try node(), for: run.call)
        preview.findings += plan.summary
        preview.warnings += plan.warnings
        preview.userData = String(decoding: plan.server.userData, as: UTF8.self)
        keep(preview)
        let found = try await look(run)
        try superseded(by: found)
        if let server = committed(record, found) {
            preview.changes = ["nothing: server \(server.id) is finished and written down"]
            return keep(preview)
        }
        let adoption = Adoption(of: found.own.servers, spec: plan.spec, put: job.order.put, mac: record.macAddress)
        var old = found.older
        if provider.adoptsUnmarked {
            old.servers += found.unmarked.servers
            old.volumes += found.unmarked.volumes
        } else if let stranger = found.unmarked.servers.first {
            preview.warnings.append(
                "server \(stranger.id) has this node's name and is not ours: it would be left alone")
        }
        preview.changes += Self.removals(old.servers + adoption.remove, old.volumes)
        if let keep = adoption.keep {
            preview.changes.append("use server \(keep.id), which this job built before")
        } else {
            preview.changes.append("create server \(try node().short)")
        }
        let existing = Set(found.own.volumes.map(\.name))
        for name in plan.volumeNames where !existing.contains(name) {
            preview.changes.append("create and attach volume \(name) of \(plan.volumeSize) GB")
        }
        if site.lab.dns != nil { preview.changes.append("point \(try node()) to the server's address") }
        preview.changes.append("write \(plan.osType) \(plan.osVersion), the MAC and the host key into paddles")
        keep(preview)
    }

    /// Whose the node is; finds a free one for a job that names none.
    private func previewClaim(_ run: StepRun, _ preview: inout Preview) async throws -> NodeRecord {
        let record: NodeRecord
        if let name = known.node {
            guard let found = try await paddles.node(name.qualified, for: run.call) else {
                throw Ending(
                    .rejected, "node-unknown", "paddles does not know \(name)",
                    next: "check the name, or add the node to paddles")
            }
            record = found
        } else {
            let free = try await paddles.nodes(machineType: provider.name, locked: false, up: true, for: run.call)
            guard let first = free.first, let name = try? NodeName(first.name, domain: site.labDomain) else {
                throw Ending(
                    .wait, "no-free-node", "no node of type \(provider.name) is free",
                    next: "wait until one is unlocked, or add nodes to paddles")
            }
            remember(\.node, name)
            preview.found("node", "\(free.count.counted("free node")), such as \(first.name)")
            preview.changes.append("lock a free node for \(job.owner)")
            return first
        }
        switch claim.judge(record) {
        case .held:
            preview.found("node", "\(record.name), locked for \(job.owner)")
        case .taken(let owner, let description):
            throw Ending(
                .obsolete, "node-taken",
                claim.refusal(of: record.name, lockedBy: owner, description),
                next: "lock it for the job's owner and description")
        case .free:
            guard job.lock else {
                throw Ending(
                    .obsolete, "node-free", "\(record.name) is not locked for anybody",
                    next: "lock it first, or say lock: true in the job")
            }
            preview.found("node", "\(record.name), free")
            preview.changes.append("lock \(record.name) for \(job.owner)")
        }
        return record
    }

    private func previewDestroy(_ run: StepRun, _ keep: (Preview) -> Void) async throws {
        var preview = Preview()
        preview.found("node", try node().qualified)
        keep(preview)
        _ = try await guardDestroy(run)
        guard let condemned = known.condemned else { return }
        preview.changes = Self.removals(condemned.servers, condemned.volumes)
        if site.lab.dns != nil, !known.addresses.isEmpty {
            let addresses = known.addresses.map(\.description).joined(separator: ", ")
            preview.changes.append("park \(try node()) in DNS if it points to \(addresses)")
        }
        preview.changes.append("clear what paddles says of \(try node())\(job.unlock ? " and unlock it" : "")")
        keep(preview)
    }

    private static func removals(_ servers: [Server], _ volumes: [Volume]) -> [String] {
        servers.map { "remove server \($0.name) (\($0.id))" } + volumes.map { "remove volume \($0.name) (\($0.id))" }
    }
}
