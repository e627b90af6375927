import ArgumentParser
import EventLoop
import Glibc
import World

/// What SIGINT and SIGTERM do to a command.
enum Interruption {
    /// Runs `body`. The first signal calls `ask`, after which `body` is expected to end by itself; the second one
    /// cancels it, which closes its connections and kills its child processes. A third one ends the process.
    /// - Throws: what `body` throws; an `ExitCode` (130, 143) when a signal cancelled it.
    static func twice<Result: Sendable>(
        on loop: EventLoop, ask: @escaping @Sendable () async -> Void,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let watch = try await loop.signals([SIGINT, SIGTERM])
        let end = try await race(body) {
            _ = try await watch.next()
            await ask()
            let second = try await watch.next()
            await watch.stop()
            return second
        }
        switch end {
        case .result(let result): return result
        case .signal(let number): throw ExitCode(number == SIGINT ? .interrupted : .terminated)
        }
    }

    /// Runs `body`, and cancels it at the first signal; a second one ends the process.
    /// - Returns: nil when a signal cancelled it.
    /// - Throws: what `body` throws.
    static func once<Result: Sendable>(
        on loop: EventLoop, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        let watch = try await loop.signals([SIGINT, SIGTERM])
        let end = try await race(body) {
            let first = try await watch.next()
            await watch.stop()
            return first
        }
        if case .result(let result) = end { return result }
        return nil
    }

    private enum End<Result: Sendable>: Sendable {
        case result(Result)
        case signal(Int32)
    }

    private static func race<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result, _ signal: @escaping @Sendable () async throws -> Int32
    ) async throws -> End<Result> {
        try await withThrowingTaskGroup(of: End<Result>.self) { group in
            group.addTask { .result(try await body()) }
            group.addTask { .signal(try await signal()) }
            defer { group.cancelAll() }
            guard let end = try await group.next() else { throw CancellationError() }
            return end
        }
    }
}
