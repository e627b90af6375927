package import HTTPKit
package import World

/// What a simulated HTTP server does with one request.
package enum SimulatedAnswer: Sendable {
    case response(HTTPResponse, after: Duration = .zero)
    case failure(HTTPFailure, after: Duration = .zero)
    /// Nothing, until the request's own time-out.
    case never

    /// A failure that names the request as libcurl's would.
    package static func failure(
        _ reason: HTTPFailure.Reason, of request: HTTPRequest, mayHaveArrived: Bool, after: Duration = .zero
    ) -> SimulatedAnswer {
        .failure(
            HTTPFailure(
                reason: reason, request: SimulatedHTTP.label(request), detail: "simulated \(reason.rawValue)",
                mayHaveArrived: mayHaveArrived), after: after)
    }
}

/// The HTTP servers of a simulation, by origin.
///
/// A request that has left its process is carried out whatever becomes of the process: the handler runs as the server's
/// own task.
package final class SimulatedHTTP: Sendable {
    package typealias Handler = @Sendable (HTTPRequest, Timestamp) async -> SimulatedAnswer

    /// What happens to a request on its way.
    package enum Delivery: Sendable {
        case deliver
        /// The server sees it after this while, whatever has become of the client by then.
        case deliverLate(Duration)
        /// The server never sees it, the client gets this.
        case instead(SimulatedAnswer)
        /// The server carries it out, the client gets this.
        case deliverThen(SimulatedAnswer)
        /// The server carries it out, the client gets what this makes of the answer.
        case deliverAndChange(@Sendable (SimulatedAnswer) -> SimulatedAnswer)
    }

    /// One request of one process.
    package struct Exchange: Sendable, Hashable {
        /// Counts all requests of the simulation, from 1.
        package var index: Int
        /// The name of the process that asks.
        package var process: String
        package var request: HTTPRequest
        /// When the process's code asked for it: earlier than it leaves if the process was stopped in between.
        package var askedAt: Moment
    }

    private struct State {
        var handlers: [(origin: String, handle: Handler)] = []
        var fallback: Handler?
        var onRequest: (@Sendable (Exchange) -> Delivery)?
        var onAnswer: (@Sendable (Exchange, SimulatedAnswer) -> Void)?
        var requests = 0
        /// Who waits for which answer.
        var open: [Int: (process: String, label: String)] = [:]
        var latency = Duration.zero
    }

    private let scheduler: Scheduler
    private let lane: Int
    private let tasks: ServerTasks
    private let trace: Trace
    private let start: Moment
    private let state = Locked(State())

    init(scheduler: Scheduler, lane: Int, tasks: ServerTasks, trace: Trace, start: Moment) {
        self.scheduler = scheduler
        self.lane = lane
        self.tasks = tasks
        self.trace = trace
        self.start = start
        scheduler.addReporter { [weak self] in
            guard let self else { return [] }
            let open = self.state.withLock { $0.open.sorted { $0.key < $1.key }.map(\.value) }
            return open.map { "\($0.process) awaits the answer to \($0.label)" }
        }
    }

    /// Serves `http://host:port`. Origins that nobody serves refuse the connection.
    package func serve(_ origin: String, _ handler: @escaping Handler) {
        state.withLock { state in
            state.handlers.removeAll { $0.origin == origin }
            state.handlers.append((origin, handler))
        }
    }

    /// Serves every origin that has no handler of its own.
    package func serveEverything(_ handler: @escaping Handler) {
        state.withLock { $0.fallback = handler }
    }

    /// One-way time between any process and any server.
    package func setLatency(_ latency: Duration) {
        state.withLock { $0.latency = latency }
    }

    /// Decides the fate of each request as it leaves. May kill or freeze a process: the request has left it by then.
    package func onRequest(_ hook: @escaping @Sendable (Exchange) -> Delivery) {
        state.withLock { $0.onRequest = hook }
    }

    /// Told when a server has answered, before the answer travels back. May kill or freeze a process.
    package func onAnswer(_ hook: @escaping @Sendable (Exchange, SimulatedAnswer) -> Void) {
        state.withLock { $0.onAnswer = hook }
    }

    /// Requests so far.
    package var requests: Int { state.withLock { $0.requests } }

    /// `GET http://host/path`, without the query.
    static func label(_ request: HTTPRequest) -> String {
        let url = request.url
        let end = url.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? url.endIndex
        return "\(request.method.rawValue) \(url[..<end])"
    }

    /// Up to the first slash after the scheme's two. (`URLText` searches by characters, which costs as much as the rest
    /// of a simulated request.)
    private static func origin(of url: String) -> Substring {
        var slashes = 0
        let end = url.utf8.firstIndex { byte in
            if byte == UInt8(ascii: "/") { slashes += 1 }
            return slashes == 3 || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
        }
        return url[..<(end ?? url.endIndex)]
    }

    func execute(_ request: HTTPRequest, of process: SimulatedProcess) async throws -> HTTPResponse {
        let label = Self.label(request)
        let askedAt = scheduler.now
        let leaving = try await process.begin(.request, label)
        let (index, hook, latency) = state.withLock { state in
            state.requests += 1
            state.open[state.requests] = (process.name, label)
            return (state.requests, state.onRequest, state.latency)
        }
        trace.record("\(process.name): \(label)")
        let answer = OneShot<SimulatedAnswer>()
        let exchange = Exchange(index: index, process: process.name, request: request, askedAt: askedAt)
        send(exchange, hook?(exchange) ?? .deliver, latency, answer)
        process.left(leaving)
        let timer = scheduler.schedule(at: scheduler.now + request.timeout, lane: process.executor.lane) {
            answer.resolve(
                .success(
                    .failure(
                        HTTPFailure(
                            reason: .timeout, request: label, detail: "no answer within \(request.timeout.short)",
                            mayHaveArrived: true))))
        }
        defer {
            scheduler.cancel(timer: timer)
            state.withLock { $0.open[index] = nil }
        }
        let received = try await answer.value()
        let arriving = try await process.begin(.answer, label)
        defer { process.left(arriving) }
        return try take(received, of: process, for: request, label)
    }

    private func take(
        _ answer: SimulatedAnswer, of process: SimulatedProcess, for request: HTTPRequest, _ label: String
    ) throws -> HTTPResponse {
        switch answer {
        case .response(let response, _) where response.body.count > request.maximumAnswer:
            throw HTTPFailure(
                reason: .answerTooLarge, request: label, detail: "more than \(request.maximumAnswer) bytes",
                mayHaveArrived: true)
        case .response(let response, _):
            trace.record("\(process.name): \(response.status) to \(label)")
            return response
        case .failure(let failure, _):
            trace.record("\(process.name): \(failure.reason.rawValue) at \(label)")
            throw failure
        case .never:
            throw CancellationError()
        }
    }

    private func send(
        _ exchange: Exchange, _ delivery: Delivery, _ latency: Duration, _ answer: OneShot<SimulatedAnswer>
    ) {
        switch delivery {
        case .deliver: deliver(exchange, latency) { self.comeBack($0, latency, answer) }
        case .deliverLate(let delay): deliver(exchange, latency + delay) { self.comeBack($0, latency, answer) }
        case .instead(let other): comeBack(other, latency, answer)
        case .deliverThen(let other): deliver(exchange, latency) { _ in self.comeBack(other, latency, answer) }
        case .deliverAndChange(let change): deliver(exchange, latency) { self.comeBack(change($0), latency, answer) }
        }
    }

    private func deliver(
        _ exchange: Exchange, _ latency: Duration, _ done: @escaping @Sendable (SimulatedAnswer) -> Void
    ) {
        let request = exchange.request
        let origin = Self.origin(of: request.url)
        let handler = state.withLock { state in
            state.handlers.first { $0.origin == origin }?.handle ?? state.fallback
        }
        guard let handler else {
            done(
                .failure(
                    HTTPFailure(
                        reason: .connect, request: Self.label(request), detail: "connection refused",
                        mayHaveArrived: false)))
            return
        }
        let arrive: @Sendable () -> Void = { [self] in
            tasks.start { [self] in
                let answer = await handler(request, VirtualTime.epoch + (scheduler.now - start))
                state.withLock { $0.onAnswer }?(exchange, answer)
                done(answer)
            }
        }
        if latency > .zero {
            scheduler.schedule(at: scheduler.now + latency, lane: lane, arrive)
        } else {
            arrive()
        }
    }

    private func comeBack(_ answer: SimulatedAnswer, _ latency: Duration, _ waiting: OneShot<SimulatedAnswer>) {
        let delay: Duration
        switch answer {
        case .response(_, let after), .failure(_, let after): delay = after + latency
        case .never: return
        }
        if delay > .zero {
            scheduler.schedule(at: scheduler.now + delay, lane: lane) { waiting.resolve(.success(answer)) }
        } else {
            waiting.resolve(.success(answer))
        }
    }

    func shutDown() {
        state.withLock { state in
            state.handlers = []
            (state.fallback, state.onRequest, state.onAnswer) = (nil, nil, nil)
        }
    }
}

/// `HTTPTransport` as one process sees it.
struct ProcessTransport: HTTPTransport {
    let process: SimulatedProcess

    func execute(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await process.surroundings.http.execute(request, of: process)
    }
}
