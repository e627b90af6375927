import CurlHTTP
import EventLoop
import World

/// Runs `body` in the real world, on an event loop of its own; all that it starts has ended when this returns.
func withWorld<Result: Sendable>(_ body: @Sendable (World) async throws -> Result) async throws -> Result {
    try await withLoop { world, _ in try await body(world) }
}

/// Like `withWorld`, for what also needs the loop itself: signals.
func withLoop<Result: Sendable>(_ body: @Sendable (World, EventLoop) async throws -> Result) async throws -> Result {
    let loop = try EventLoop()
    defer { loop.shutdown() }
    return try await loop.run {
        let http = try await CurlTransport(loop: loop, userAgent: "cirrata/\(Release.text)")
        return try await body(World.live(loop: loop, http: http), loop)
    }
}
