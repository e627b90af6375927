import World

/// What answers to UDP: one closure for all addresses.
package final class SimulatedDatagrams: Sendable {
    package enum Answer: Sendable {
        /// Datagrams that come back, in order; the asker drops those that it does not accept.
        case datagrams([[UInt8]], after: Duration = .zero)
        /// ICMP port unreachable.
        case refused
        case never
    }

    package typealias Handler = @Sendable (_ payload: [UInt8], _ host: String, _ port: UInt16) async -> Answer

    private let handler = Locked(Handler?.none)

    /// Without a handler every address is silent.
    package func handle(_ handler: @escaping Handler) {
        self.handler.withLock { $0 = handler }
    }

    var current: Handler? { handler.withLock { $0 } }

    func shutDown() {
        handler.withLock { $0 = nil }
    }
}

/// `Datagrams` as one process sees it.
struct ProcessDatagrams: Datagrams {
    let process: SimulatedProcess

    func exchange(
        _ payload: [UInt8], with host: String, port: UInt16, timeout: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        let doing = "datagram to \(Endpoint.tcp(host: host, port: port))"
        let effect = try await process.begin(.datagram, doing)
        let surroundings = process.surroundings
        let scheduler = surroundings.scheduler
        let lane = surroundings.servers.lane
        let answer = OneShot<[UInt8]>()
        if let handler = surroundings.datagrams.current {
            surroundings.tasks.start {
                switch await handler(payload, host, port) {
                case .datagrams(let datagrams, let after):
                    scheduler.schedule(at: scheduler.now + after, lane: lane) {
                        if let first = datagrams.first(where: accept) { answer.resolve(.success(first)) }
                    }
                case .refused:
                    answer.resolve(
                        .failure(NetworkFailure(reason: .refused, doing: doing, detail: "connection refused")))
                case .never:
                    break
                }
            }
        }
        process.left(effect)
        let timer = scheduler.schedule(at: scheduler.now + timeout, lane: process.executor.lane) {
            answer.resolve(
                .failure(
                    NetworkFailure(reason: .timeout, doing: doing, detail: "no answer within \(timeout.short)")))
        }
        defer { scheduler.cancel(timer: timer) }
        let datagram = try await answer.value()
        try await process.gate.pass()
        return datagram
    }
}
