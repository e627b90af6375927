import World

/// Heavy work on threads of its own.
struct ThreadedCompute: Compute {
    private let threads: WorkerThreads

    init() throws {
        threads = try WorkerThreads("compute", limit: 2)
    }

    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try Task.checkCancellation()
        return try await threads.runAbandonable(work)
    }
}
