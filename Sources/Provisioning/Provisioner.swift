import Jobs
package import Pipelines
package import Resilience
import World

/// Runs provision and destroy jobs on nodes: the pipelines, and the removal of what a job built.
package struct Provisioner: Sendable {
    package let site: Site

    package init(site: Site) {
        self.site = site
    }

    /// The work of one delivery.
    /// - Returns: nil when the job's provider is not configured here.
    package func work(_ assignment: Assignment) -> NodeWork? {
        site.provider(assignment.job.provider).map { NodeWork(assignment, site: site, provider: $0) }
    }
}

extension NodeWork {
    /// Runs the job's pipeline. Ends with an outcome, whatever happens; removes nothing of its own.
    package func run() async -> Outcome {
        await pipeline(job.action == .provision ? provisionSteps : destroySteps)
    }

    /// Takes away what a provision built. For a destroy there is nothing of its own.
    /// - Returns: `done` when nothing is left, `removalIncomplete` naming what a service refuses to remove, `retry` when
    ///   something could not be reached, `parked`, `drain`, `leaseLost`.
    package func remove() async -> Outcome {
        guard job.action == .provision else { return Outcome(.done) }
        return await pipeline([step(.removal) { try await self.removeOwn($0) }])
    }

    /// Takes away what a job that is gone left behind, once: what cannot be reached now is left to the next sweep.
    func remove(under warrant: Warrant) async -> Outcome {
        var limits = site.limits(of: .removal)
        limits.patience = .zero
        return await pipeline([
            Step(StepName.removal.rawValue, limits: limits) { try await self.removeOwn($0, under: warrant) }
        ])
    }

    /// Takes away what a buried job left behind, for an operator: nothing but what was seen, and of a committed job
    /// nothing (`isCommitted`, and the outcome is `done`).
    /// - Parameter stillMay: asked right before each destructive act; throws an `Ending` if it may not be done any more.
    /// - Returns: as `remove()`; `obsolete` when there is more of the job than was seen.
    package func remove(
        only seen: Leftovers, stillMay: @escaping @Sendable () async throws -> Void
    ) async -> Outcome {
        let warrant = Warrant(ids: seen.ids) { _ in try await stillMay() }
        return await pipeline([step(.removal) { try await self.removeOwn($0, under: warrant) }])
    }

    private var provisionSteps: [Step] {
        [
            step(.claim, claim), step(.createServer, createServer),
            step(.waitActive, times: 4, waitActive), step(.attachVolumes, attachVolumes),
            step(.pushDNS, pushDNS), step(.waitReady, times: 2, waitReady),
            step(.commit, commit),
        ]
    }

    private var destroySteps: [Step] {
        [
            step(.guardDestroy, guardDestroy), step(.removal, removeCondemned),
            step(.parkDNS, parkDNS), step(.paddles, releaseNode),
        ]
    }

    /// - Parameter times: how many of its own time-outs a step goes through inside one attempt.
    private func step(
        _ name: StepName, times: Int = 1, _ body: @escaping @Sendable (StepRun) async throws -> String
    ) -> Step {
        var limits = site.limits(of: name)
        limits.timeout = limits.timeout * times
        return Step(name.rawValue, limits: limits, body: body)
    }

    /// When at least one of the gates that this job passes was closed.
    package var closures: TimeSpans {
        var closures = TimeSpans()
        for gate in provider.gates + site.lab.gates { closures.formUnion(gate.closures) }
        return closures
    }

    private func pipeline(_ steps: [Step]) async -> Outcome {
        await Pipeline(steps, world: world, backoff: site.backoff, closures: { self.closures })
            .run(right: assignment.right, journal: assignment.journal)
    }
}
