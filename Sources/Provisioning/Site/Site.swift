import Lab
import OpenStack
package import Pipelines
package import Resilience
package import World

/// One installation as a worker sees it: its lab, its providers, its habits. Made once per process.
package final class Site: Sendable {
    package let name: String
    package let labDomain: String
    package let reserveMachines: Int
    package let lab: LabServices
    package let readiness: ReadinessChecks
    package let backoff: Backoff
    package let world: World
    private let providers: [Provider]
    private let stepLimits: [StepName: StepLimits]

    package init(
        name: String, labDomain: String, reserveMachines: Int, lab: LabServices, readiness: ReadinessChecks,
        backoff: Backoff, stepLimits: [StepName: StepLimits], providers: [Provider], world: World
    ) {
        self.name = name
        self.labDomain = labDomain
        self.reserveMachines = reserveMachines
        self.lab = lab
        self.readiness = readiness
        self.backoff = backoff
        self.stepLimits = stepLimits
        self.providers = providers
        self.world = world
    }

    package func provider(_ name: String) -> Provider? { providers.first { $0.name == name } }

    package var all: [Provider] { providers }
    package var names: [String] { providers.map(\.name) }

    package func limits(of step: StepName) -> StepLimits {
        stepLimits[step] ?? StepLimits(timeout: .seconds(600), patience: .seconds(600))
    }

    /// Providers whose jobs can be worked on: a gate that lets nothing through leaves their jobs in the queue.
    package var openProviders: Set<String> {
        if lab.gates.contains(where: \.state.isClosed) { return [] }
        return Set(providers.lazy.filter { !$0.isClosed }.map(\.name))
    }

    /// Knocks at gates that are closed until they open: nothing else would, once no job is taken any more. Runs until
    /// it is cancelled.
    package func knock() async {
        await withTaskGroup(of: Void.self) { [providers, lab, world] group in
            for provider in providers {
                for gate in provider.gates {
                    group.addTask { await Self.whenClosed(gate, world) { try await provider.cloud.untilOpen() } }
                }
            }
            group.addTask { await Self.whenClosed(lab.paddlesGate, world) { try await lab.paddles.ping(for: Call()) } }
            if let dns = lab.dns {
                group.addTask { await Self.whenClosed(lab.dnsGate, world) { try await dns.ping(for: Call()) } }
                group.addTask {
                    await Self.whenClosed(lab.nameServerGate, world) { try await dns.pingServer(for: Call()) }
                }
            }
        }
    }

    private static func whenClosed(
        _ gate: Gate, _ world: World, _ knock: @Sendable () async throws -> Void
    ) async {
        do {
            var known = gate.state
            while true {
                if known.isClosed {
                    do { try await knock() } catch is ServiceError { try await world.time.sleep(for: .seconds(1)) }
                    known = gate.state
                } else {
                    known = try await gate.state(otherThan: known)
                }
            }
        } catch {
            // Cancelled: the worker ends.
        }
    }
}
