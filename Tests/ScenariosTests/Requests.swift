import HTTPKit
import Pipelines
import Sandbox
import Scenarios
import Simulation
import World

/// The requests that a bench's processes have sent since this was made.
final class Requests: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod
        var url: String

        /// A look at a node in paddles.
        var isGuard: Bool { method == .get && url.contains("/paddles/nodes/ovh") }
    }

    private let kept = Locked<[Request]>([])

    init(of bench: Bench) {
        let kept = kept
        bench.simulation.http.onRequest { exchange in
            kept.withLock { $0.append(Request(method: exchange.request.method, url: exchange.request.url)) }
            return .deliver
        }
    }

    var all: [Request] { kept.withLock { $0 } }

    /// Those whose URL contains `part`; a path without an id after it when `part` ends a URL only.
    func count(_ method: HTTPMethod, _ part: String) -> Int {
        all.count {
            $0.method == method && (part.hasSuffix("servers") ? $0.url.hasSuffix(part) : $0.url.contains(part))
        }
    }
}

extension Bench {
    /// Waits for something to become true.
    func until(_ isSo: @escaping @Sendable () -> Bool) async throws {
        let world = simulation.world
        try await world.time.withTimeout(.seconds(7_200), doing: "wait for it") {
            while !isSo() { try await world.time.sleep(for: .milliseconds(100)) }
        }
    }

    /// No worker has a job.
    var holdsNothing: Bool { !broker.jobs.contains { $0.state == "reserved" } }

    /// nsupdate-web takes every name from now on.
    func acceptNames() {
        sandbox.withState { state in
            state.nsupdate = NsupdateWeb(zone: state.nsupdate.zone)
        }
    }

    /// Kills a worker when its commit has taken effect, before it hears of it.
    func killAfterCommit(_ worker: BenchWorker) {
        let name = worker.process.name
        simulation.http.onAnswer { exchange, _ in
            guard exchange.process == name, exchange.request.method == .put,
                String(decoding: exchange.request.body, as: UTF8.self).contains(#""os_type":"ubuntu""#)
            else { return }
            worker.process.kill()
        }
    }
}

extension EventRecord {
    func isStart(of name: String) -> Bool {
        if case .stepStarted(name, _) = event { true } else { false }
    }
}
