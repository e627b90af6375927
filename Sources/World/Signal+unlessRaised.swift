extension Signal {
    /// Runs `body`, and cancels it when the signal is raised.
    /// - Returns: nil if the signal ended it.
    /// - Throws: what `body` throws; `CancellationError` when this task was cancelled.
    package func unlessRaised<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        if isRaised { return nil }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                _ = try await self.wait()
                return nil
            }
            defer { group.cancelAll() }
            if let value = try await group.next() ?? nil { return value }
            group.cancelAll()
            do {
                // It may have ended at the very moment of the signal, and what it opened must not be lost.
                return try await group.next() ?? nil
            } catch is CancellationError {
                return nil
            }
        }
    }
}
