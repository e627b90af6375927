import Beanstalk
import Configuration
import HTTPKit
import Jobs
import Pipelines
import Provisioning
import Resilience
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// What tests of sweeps do in a lab.
extension Bench {
    /// One sweep, as `cirrata sweep` does it.
    func sweep(
        _ world: World, after previous: SweepToken? = nil, gap: Duration = .seconds(60), most: Int? = nil,
        isDryRun: Bool = false, sinks: [any EventSink] = []
    ) async throws -> SweepReport {
        try await Sweeper(
            site: try Site(configuration, world: world), broker: Broker(configuration.broker, world: world),
            tubes: try SweepTubes(configuration.tubes),
            options: .init(gap: gap, most: most, isDryRun: isDryRun), sinks: sinks
        ).sweep(after: previous, right: Right())
    }

    /// Two hours ago, somebody built this for a job that nobody knows any more.
    @discardableResult
    func leak(
        _ node: String, key: String, job: UInt64 = 900_000, site: String = "bench", owner: String = "me@lab",
        lock: String = "run/1", volumes: Int = 0
    ) -> String? {
        let now = simulation.world.time.wallClock
        let mark = Ownership(
            site: site, key: key, node: node, put: now - .seconds(7_300), jobID: job, owner: owner, lock: lock,
            spec: "spec")
        return sandbox.withState { state in
            let id = state.cloud.addServer(named: node, metadata: mark.metadata, at: now - .seconds(7_200))
            for number in 0..<volumes {
                state.cloud.addVolume(
                    named: "\(node)_\(number)", metadata: mark.metadata, attachedTo: id, at: now - .seconds(7_200))
            }
            return id
        }
    }

    func unlock(_ node: String) {
        change(node) { record in
            record.locked = false
            record.lockedBy = nil
            record.description = nil
        }
    }

    func change(_ node: String, _ body: (inout PaddlesNode) -> Void) {
        sandbox.withState { state in
            guard var record = state.paddles.node("\(node).\(Self.domain)") else { return }
            body(&record)
            state.paddles.put(record)
        }
    }

    /// Everything in the cloud, sorted.
    func cloud() -> CloudSnapshot {
        let now = simulation.world.time.wallClock
        return sandbox.withState { $0.cloud.snapshot(at: now) }
    }

    /// Names of servers and volumes.
    func names() -> [String] {
        let cloud = cloud()
        return cloud.servers.map(\.name) + cloud.volumes.map(\.name)
    }

    /// From now on, requests that change something in the cloud or in paddles are written down.
    func watchChanges() -> ChangeLog {
        let log = ChangeLog()
        simulation.http.onRequest { exchange in
            log.note(exchange)
            return .deliver
        }
        return log
    }
}

/// Requests that change something: `w1: DELETE /v2.1/servers/…`.
final class ChangeLog: Sendable {
    private let kept = Locked<[String]>([])

    func note(_ exchange: SimulatedHTTP.Exchange) {
        let url = exchange.request.url
        guard exchange.request.method != .get, !url.contains("/identity/") else { return }
        kept.withLock { $0.append("\(exchange.process): \(exchange.request.method.rawValue) \(url)") }
    }

    var all: [String] { kept.withLock { $0 } }
}

extension SweepReport {
    /// The only entry, if there is one.
    var only: Entry? { entries.count == 1 ? entries[0] : nil }
    var kept: [KeepReason] {
        entries.compactMap { if case .kept(let reason) = $0.fate { reason } else { nil } }
    }
    var causes: [String] { refusals.map(\.cause) }
}
