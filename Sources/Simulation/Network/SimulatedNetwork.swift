import World

/// Byte streams between simulated processes and in-process servers.
package final class SimulatedNetwork: Sendable {
    private let trace: Trace

    init(scheduler: Scheduler, lane: Int, tasks: ServerTasks, trace: Trace, seed: UInt64) {
        self.trace = trace
    }

    func connect(to endpoint: Endpoint, timeout: Duration, of process: SimulatedProcess) async throws -> any ByteStream
    {
        throw NetworkFailure(reason: .refused, doing: "connect to \(endpoint)", detail: "connection refused")
    }

    func shutDown() {}
}

/// `Dialer` as one process sees it.
struct ProcessDialer: Dialer {
    let process: SimulatedProcess

    func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream {
        try await process.surroundings.network.connect(to: endpoint, timeout: timeout, of: process)
    }
}
