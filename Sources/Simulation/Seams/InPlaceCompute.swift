import World

/// Heavy work without another thread: done where it is asked for.
struct InPlaceCompute: Compute {
    let gate: StopGate

    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await gate.pass()
        try Task.checkCancellation()
        return try work()
    }
}
