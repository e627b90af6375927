import Jobs
import Lab
import OpenStack
package import Pipelines
package import World

/// What there is of a job, for somebody who is to decide whether it goes.
package struct Leftovers: Sendable, Hashable {
    /// Of servers and volumes: a removal may take away these and no others.
    package fileprivate(set) var ids: Set<String> = []
    /// Everything that a removal would see to, each by kind, name and id.
    package fileprivate(set) var labels: [String] = []
    /// The server that paddles describes, if it is this job's: it was committed, and nothing of it is removed.
    package fileprivate(set) var committed: String?
    /// When the job was put, if it has a server: by that its server is known, and is older or newer than other jobs'.
    package fileprivate(set) var put: Timestamp?
}

extension NodeWork {
    /// Looks at what a removal would take away, and changes nothing.
    /// - Returns: `done` when all of it could be looked at.
    package func leftovers() async -> (outcome: Outcome, found: Leftovers) {
        let kept = Locked(Leftovers())
        let step = Step("look", limits: Self.previewLimits) { run in
            let found = try await self.leftovers(run)
            kept.withLock { $0 = found }
            return found.labels.isEmpty ? "nothing is there that it built" : found.labels.joined(separator: ", ")
        }
        let outcome = await Pipeline([step], world: world, backoff: site.backoff)
            .run(right: assignment.right, journal: assignment.journal)
        return (outcome, kept.withLock { $0 })
    }

    private func leftovers(_ run: StepRun) async throws -> Leftovers {
        var left = Leftovers()
        guard try await findOwnNode(run) else { return left }
        let node = try node()
        let found = try await look(run)
        let record = try await paddles.node(node.qualified, for: run.call)
        if let record, let server = committed(record, found) {
            left.committed = server.id
            return left
        }
        let condemned = Condemned(servers: found.own.servers, volumes: found.own.volumes)
        addAddresses(condemned.servers.flatMap(\.parsedAddresses))
        left.ids = condemned.ids
        left.put = condemned.servers.filter { !$0.isDeleting }.compactMap { Ownership(metadata: $0.metadata)?.put }
            .min()
        left.labels = condemned.labels
        if record.map({ claim.judge($0) }) == .held(byUs: true) { left.labels.append("lock \(node)") }
        if parks(condemned, found, record) { left.labels.append("dns \(node), if it does not point elsewhere") }
        return left
    }
}
