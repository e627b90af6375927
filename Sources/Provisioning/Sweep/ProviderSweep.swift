import Jobs
import Lab
import OpenStack
package import Pipelines
package import Resilience
import World

/// What became of condemned remains.
package enum SweepFate: Sendable, Hashable {
    /// Gone, and seen to be gone: by kind, name and id.
    case removed([String])
    /// Something is different from what it was a moment ago. What went before stays gone.
    case stopped(why: String)
    /// A service could not be reached, or this process stops: the next sweep goes on.
    case postponed(why: String)
    /// A service refuses.
    case refused(left: [String], why: String)
}

/// Looks at one provider for the sweeper, and removes there what was condemned.
package struct ProviderSweep: Sendable {
    private let site: Site
    private let provider: Provider
    package let judge: SweepJudge

    /// A look asks for lists of any length.
    private static let patience = Duration.seconds(600)

    /// - Returns: one for each provider of the site.
    package static func all(of site: Site) -> [ProviderSweep] {
        site.all.map {
            ProviderSweep(
                site: site, provider: $0, judge: SweepJudge(site: site.name, domain: site.labDomain))
        }
    }

    package var name: String { provider.name }

    /// Complete lists of everything.
    /// - Throws: `SweepRefusal` when any of them, or any page of one, cannot be had; `CancellationError`.
    package func look(for call: Call) async throws -> Sighting {
        do {
            return try await site.world.time.withTimeout(Self.patience, doing: "look at \(provider.name)") {
                try await lists(call)
            }
        } catch let refusal as SweepRefusal {
            throw refusal
        } catch let error as CancellationError {
            throw error
        } catch let error as ServiceError {
            throw incomplete(error.description, error.next)
        } catch {
            throw incomplete("\(error)", "")
        }
    }

    private func incomplete(_ why: String, _ next: String) -> SweepRefusal {
        SweepRefusal(
            provider: provider.name, cause: "listing-failed", message: "not all of it could be looked at: \(why)",
            next: next.isEmpty ? "nothing, the next sweep looks again; if it stays so: `cirrata doctor`" : next)
    }

    private func lists(_ call: Call) async throws -> Sighting {
        let cloud = provider.cloud
        let project = try await cloud.identity.projectID(for: call)
        let clock = site.world.time.wallClock
        async let nodes = site.lab.paddles.nodes(machineType: provider.name, complete: true, for: call)
        async let volumes = cloud.blockStorage.volumes(for: call)
        async let servers = cloud.compute.servers(for: call)
        let (listedServers, listedVolumes, listedNodes) = try await (servers, volumes, nodes)
        if let odd = (listedServers.odd + listedVolumes.odd).first {
            throw incomplete("the cloud lists something that cannot be read: \(odd)", "look at it in the cloud")
        }
        let projectAfter = try await cloud.identity.projectID(for: call)
        guard let project, project == projectAfter else {
            throw SweepRefusal(
                provider: provider.name, cause: "project-changed",
                message: "the login leads to project \(project ?? "(none)"), then to \(projectAfter ?? "(none)")",
                next: "see that the credentials name one project, and what answers at the identity service")
        }
        return Sighting(
            provider: provider.name, project: project, servers: listedServers.items, volumes: listedVolumes.items,
            nodes: listedNodes,
            now: [clock, listedServers.serverTime, listedVolumes.serverTime].compactMap { $0 }.min() ?? clock)
    }
}

// MARK: - Removing

extension ProviderSweep {
    /// Takes away condemned remains with the code that removes what a failed provision built. Server or volume, paddles'
    /// record and the queue are looked at again before each act, and everything must still be as it was.
    /// - Parameters:
    ///   - seen: the second look.
    ///   - sinks: told of everything that happens, under the key of the job.
    package func remove(
        _ verdict: SweepVerdict, seen: Sighting, witness: any QueueWitness, right: Right, sinks: [any EventSink]
    ) async -> SweepFate {
        let remains = verdict.remains
        let job: Job
        do {
            job = try remains.job(domain: site.labDomain)
        } catch {
            return .stopped(why: "\(error)")
        }
        let tag = JobTag(
            key: remains.key, action: "sweep", node: remains.node, provider: provider.name,
            jobID: remains.jobIDs.first ?? 0, run: "")
        let journal = Journal(job: tag, time: site.world.time, sinks: sinks)
        journal.record(.note(step: StepName.removal.rawValue, text: "swept: \(verdict.why)"))
        let assignment = Assignment(job: job, right: right, journal: journal, began: site.world.time.now)
        let work = NodeWork(assignment, site: site, provider: provider)
        let call = Call(fence: right.fence, drain: right.drain, parkAfter: right.parkAfter)
        let outcome = await work.remove(
            under: Warrant(ids: remains.itemIDs) { act in
                try await self.check(remains, act, seen, witness, call)
            })
        return Self.fate(of: outcome, journal)
    }

    private static func fate(of outcome: Outcome, _ journal: Journal) -> SweepFate {
        switch outcome.kind {
        case .done:
            return .removed(
                journal.records.compactMap { record in
                    guard case .removed(_, let resource, let name, let id) = record.event else { return nil }
                    return id.isEmpty ? "\(resource) \(name)" : "\(resource) \(name) \(id)"
                })
        case .obsolete: return .stopped(why: outcome.message)
        case .removalIncomplete: return .refused(left: outcome.left, why: outcome.message)
        case .retry, .parked, .wait, .rejected, .failed, .superseded, .expired, .suspect, .leaseLost, .drain:
            return .postponed(why: outcome.message)
        }
    }

    /// - Throws: `Ending` when it is not condemned any more; what the services and the queue throw.
    private func check(
        _ remains: Remains, _ act: RemovalAct, _ seen: Sighting, _ witness: any QueueWitness, _ call: Call
    ) async throws {
        var now = remains
        var others: [Server] = []
        switch act {
        case .dns, .lock: break
        case .server(let server):
            guard let fresh = try await provider.cloud.compute.server(server.id, for: call) else { return }
            try sameMark(fresh.metadata, remains, "server \(fresh.id)")
            now.servers = now.servers.filter { $0.id != fresh.id } + [fresh]
        case .volume(let volume):
            guard let fresh = try await provider.cloud.blockStorage.volume(volume.id, for: call) else { return }
            try sameMark(fresh.metadata, remains, "volume \(fresh.id)")
            now.volumes = now.volumes.filter { $0.id != fresh.id } + [fresh]
            let own = Set(remains.servers.map(\.id))
            for attachment in fresh.attachments where !own.contains(attachment.serverID) {
                // Only a 404 proves that a server is gone.
                let server = try await provider.cloud.compute.server(attachment.serverID, for: call)
                if let server { others.append(server) }
            }
        }
        let name = site.labDomain.isEmpty ? remains.node : "\(remains.node).\(site.labDomain)"
        let record = try await site.lab.paddles.node(name, for: call)
        let sighting = Sighting(
            provider: provider.name, project: seen.project, servers: others, volumes: [],
            nodes: record.map { [$0] } ?? [], now: seen.now)
        let verdict = judge.again(now, SweepLook(sighting, queue: try await witness.latest()))
        guard verdict.isCondemned else { throw Ending(.obsolete, "changed", "not any more: \(verdict.why)") }
    }

    private func sameMark(_ metadata: [String: String], _ remains: Remains, _ what: String) throws {
        let ownership = Ownership(metadata: metadata)
        guard ownership?.site == judge.site, ownership?.key == remains.key, ownership?.node == remains.node else {
            throw Ending(.obsolete, "changed", "\(what) does not carry this job's mark any more")
        }
    }
}
