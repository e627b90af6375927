import World

/// One result that one task waits for: resolved once, before or after the wait begins. Everything that suspends in
/// the Simulation suspends here, hundreds of times in each scenario: its continuation is the unchecked one, resumed once
/// because whoever resumes it has first taken it out of the state.
final class OneShot<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(UnsafeContinuation<Value, any Error>)
        case resolved(Result<Value, any Error>)
        case done
    }

    private let state = Locked(State.empty)

    /// - Returns: whether this was the first.
    @discardableResult
    func resolve(_ result: Result<Value, any Error>) -> Bool {
        let (first, waiting): (Bool, UnsafeContinuation<Value, any Error>?) = state.withLock { state in
            switch state {
            case .empty:
                state = .resolved(result)
                return (true, nil)
            case .waiting(let continuation):
                state = .done
                return (true, continuation)
            case .resolved, .done:
                return (false, nil)
            }
        }
        waiting?.resume(with: result)
        return first
    }

    /// Waits for the result.
    /// - Throws: the failure it was resolved with; `CancellationError` as soon as the task is cancelled.
    func value(onCancel: @escaping @Sendable () -> Void = {}) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let ready: Result<Value, any Error>? = state.withLock { state in
                    switch state {
                    case .resolved(let result):
                        state = .done
                        return result
                    case .empty:
                        state = .waiting(continuation)
                        return nil
                    case .waiting, .done:
                        return .failure(CancellationError())
                    }
                }
                if let ready { continuation.resume(with: ready) }
            }
        } onCancel: {
            if resolve(.failure(CancellationError())) { onCancel() }
        }
    }
}
