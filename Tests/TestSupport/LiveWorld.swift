package import EventLoop
package import HTTPKit
package import World

/// Runs `body` on an event loop of its own, as the worker's core runs, and ends the loop afterwards.
///
/// Everything that `body` starts must have ended when it returns: a task that outlives the loop stops the test process.
package func withEventLoop<Result: Sendable>(
    _ body: @Sendable (EventLoop) async throws -> Result
) async throws -> Result {
    let loop = try EventLoop()
    defer { loop.shutdown() }
    return try await loop.run { try await body(loop) }
}

/// Runs `body` in the real world: a loop of its own, real sockets, files and children.
/// - Parameter http: makes the transport; without one every request fails, saying so.
package func withLiveWorld<Result: Sendable>(
    http: @Sendable (EventLoop) async throws -> any HTTPTransport = { _ in NoHTTP() },
    _ body: @Sendable (World) async throws -> Result
) async throws -> Result {
    try await withEventLoop { loop in
        let world = try World.live(loop: loop, http: try await http(loop))
        return try await body(world)
    }
}

/// A transport for tests that need none.
package struct NoHTTP: HTTPTransport {
    package init() {}

    package func execute(_ request: HTTPRequest) async throws -> HTTPResponse {
        throw HTTPFailure(
            reason: .badRequest, request: "\(request.method.rawValue) \(request.url)",
            detail: "this test has no HTTP transport", mayHaveArrived: false)
    }
}
