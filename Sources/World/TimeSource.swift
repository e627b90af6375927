/// Where time comes from: the event loop in production, a number that jumps in the Simulation.
package protocol TimeSource: Sendable {
    var now: Moment { get }
    /// Calendar time: for what is written down, never for measuring.
    var wallClock: Timestamp { get }
    /// Returns at or after `moment`.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until moment: Moment) async throws
}

extension TimeSource {
    package func sleep(for duration: Duration) async throws {
        try await sleep(until: now + duration)
    }
}

/// A time-out that fired: what was being done, and for how long.
package struct TimeoutError: Error, Sendable, CustomStringConvertible {
    package let doing: String
    package let limit: Duration

    package init(doing: String, limit: Duration) {
        self.doing = doing
        self.limit = limit
    }

    package var description: String { "\(doing): no end within \(limit.short)" }
}

extension TimeSource {
    /// Runs `body` in a child task and cancels it when `limit` is over. Returns only after the child has ended, so
    /// nothing of it goes on behind the caller's back.
    /// - Throws: what `body` throws; `TimeoutError` when the limit ended it; `CancellationError` when this task was
    ///   cancelled.
    package func withTimeout<Value: Sendable>(
        _ limit: Duration, doing what: String, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let deadline = now + limit
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await self.sleep(until: deadline)
                return nil
            }
            defer { group.cancelAll() }
            do {
                while let result = try await group.next() {
                    if let value = result { return value }
                    group.cancelAll()
                    // The body may have finished at the very moment of the deadline: a value beats the time-out.
                    if let late = try await group.next(), let value = late { return value }
                    throw TimeoutError(doing: what, limit: limit)
                }
                throw CancellationError()
            } catch is CancellationError {
                if Task.isCancelled || now < deadline { throw CancellationError() }
                throw TimeoutError(doing: what, limit: limit)
            }
        }
    }
}
