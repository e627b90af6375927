import EventLoop
import Glibc
import World

/// What SIGINT and SIGTERM do to a command.
enum Interruption {
    /// Runs `body`. The first signal calls `ask`, after which `body` is expected to end by itself; the second one
    /// cancels it, which closes its connections and kills its child processes. A third one ends the process.
    /// - Throws: what `body` throws; `Interrupted`.
    static func twice<Result: Sendable>(
        on loop: EventLoop, ask: @escaping @Sendable () async -> Void,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let watch = try await loop.signals([SIGINT, SIGTERM])
        return try await race(body) {
            _ = try await watch.next()
            await ask()
            let second = try await watch.next()
            await watch.stop()
            return second
        }
    }

    /// Runs `body`, and cancels it at the first signal; a second one ends the process.
    /// - Throws: what `body` throws; `Interrupted`.
    static func once<Result: Sendable>(
        on loop: EventLoop, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let watch = try await loop.signals([SIGINT, SIGTERM])
        return try await race(body) {
            let first = try await watch.next()
            await watch.stop()
            return first
        }
    }

    private enum End<Result: Sendable>: Sendable {
        case result(Result)
        case signal(Int32)
    }

    private static func race<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result, _ signal: @escaping @Sendable () async throws -> Int32
    ) async throws -> Result {
        let end = try await withThrowingTaskGroup(of: End<Result>.self) { group in
            group.addTask { .result(try await body()) }
            group.addTask { .signal(try await signal()) }
            defer { group.cancelAll() }
            guard let end = try await group.next() else { throw CancellationError() }
            return end
        }
        switch end {
        case .result(let result): return result
        case .signal(let number): throw Interrupted(signal: number)
        }
    }
}

/// A signal ended a command before it was through. There is nothing to be said about it: whoever sent it knows.
struct Interrupted: Error {
    let signal: Int32

    var status: ExitStatus { signal == SIGINT ? .interrupted : .terminated }
}
