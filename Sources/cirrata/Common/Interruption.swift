import EventLoop
import Glibc
import World

/// What SIGINT, SIGTERM and SIGHUP do to a command, and a standard output that nobody reads any more.
enum Interruption {
    /// Runs `body`. The first signal calls `ask`, after which `body` is expected to end by itself; the second one
    /// cancels it, which closes its connections and kills its child processes. A third one ends the process.
    /// - Parameter hangUp: what SIGHUP does instead of ending it.
    /// - Throws: what `body` throws; `Interrupted`.
    static func twice<Result: Sendable>(
        on loop: EventLoop, hangUp: (@Sendable () -> Void)? = nil, ask: @escaping @Sendable () async -> Void,
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let causes = Causes(watch: try await loop.signals(signals), hangUp: hangUp)
        return try await race(body) {
            _ = try await causes.first()
            await ask()
            let second = try await causes.next()
            await causes.watch.stop()
            return second
        }
    }

    /// Runs `body`, and cancels it at the first signal; a second one ends the process.
    /// - Throws: what `body` throws; `Interrupted`.
    static func once<Result: Sendable>(
        on loop: EventLoop, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let causes = Causes(watch: try await loop.signals(signals), hangUp: nil)
        return try await race(body) {
            let first = try await causes.first()
            await causes.watch.stop()
            return first
        }
    }

    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    private struct Causes: Sendable {
        let watch: SignalWatch
        let hangUp: (@Sendable () -> Void)?

        /// The first signal; SIGPIPE when standard output is gone, whose writers do not get it (`ignoreBrokenPipes`).
        func first() async throws -> Int32 {
            try await Terminal.outputClosed.unlessRaised { try await next() } ?? SIGPIPE
        }

        func next() async throws -> Int32 {
            while true {
                let number = try await watch.next()
                guard number == SIGHUP, let hangUp else { return number }
                hangUp()
            }
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

    var status: ExitStatus {
        switch signal {
        case SIGINT: .interrupted
        case SIGPIPE: .unread
        default: .terminated
        }
    }
}
