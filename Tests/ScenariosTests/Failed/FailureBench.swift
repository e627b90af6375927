import Beanstalk
import Configuration
import Jobs
import Pipelines
import Provisioning
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

extension Bench {
    func reader(_ world: World) throws -> ReportReader {
        try ReportReader(broker: Broker(configuration.broker, world: world), tubes: configuration.tubes, world: world)
    }

    /// Runs a worker until the queue is at rest, and ends it.
    func work(as name: String, _ world: World) async throws {
        let worker = worker(name)
        worker.start()
        try await settled()
        worker.drain()
        // Its idle reserves have to end, and reports and puts tell times to the second.
        try await world.time.sleep(for: .seconds(6))
    }

    /// What the broker holds of a tube, by state.
    func jobs(_ tube: String) -> [BrokerJobView] { broker.jobs.filter { $0.tube == tube } }

    var provisions: [BrokerJobView] { jobs("cirrata.provision.\(Bench.provider)") }

    func kick(_ id: JobID) { _ = broker.ask(Array("kick-job \(id)\r\n".utf8)) }

    /// Runs an operator's doings in a process of their own, to their end or to their death.
    func operate(
        _ name: String, crash: (index: Int, edge: Effect.Edge)? = nil,
        _ body: @escaping @Sendable (World) async throws -> Void
    ) async throws -> SimulatedProcess {
        let process = simulation.process(name)
        if let crash { process.atEffect(crash.index, crash.edge) { $0.kill() } }
        process.start(body)
        if case .threw(let error) = try await process.end.wait() { throw error }
        return process
    }
}

/// What came instead of what a test expects.
struct Unexpected: Error { let what: String }

func unexpected(_ what: String) { Issue.record("\(what)") }
