import World

/// One result that one task awaits. Whoever settles it first wins, so an answer, a time-out and a cancellation may
/// race; the loser learns that it lost and can put back what it has.
package final class Promise<Value: Sendable>: Sendable {
    private enum State {
        case pending
        case awaited(CheckedContinuation<Value, any Error>)
        case settled(Result<Value, any Error>)
    }

    private let state = Locked(State.pending)

    package init() {}

    package var isSettled: Bool {
        state.withLock { state in
            if case .settled = state { true } else { false }
        }
    }

    /// - Returns: whether this call settled it.
    @discardableResult
    package func settle(_ result: Result<Value, any Error>) -> Bool {
        let (won, waiting): (Bool, CheckedContinuation<Value, any Error>?) = state.withLock { state in
            switch state {
            case .settled: return (false, nil)
            case .pending:
                state = .settled(result)
                return (true, nil)
            case .awaited(let continuation):
                state = .settled(result)
                return (true, continuation)
            }
        }
        waiting?.resume(with: result)
        return won
    }

    @discardableResult
    package func succeed(_ value: Value) -> Bool { settle(.success(value)) }

    @discardableResult
    package func fail(_ error: any Error) -> Bool { settle(.failure(error)) }

    /// Waits for the result; may be awaited once.
    /// - Throws: what it failed with; `CancellationError` at once when the task is cancelled first.
    package func value() async throws -> Value {
        try await withTaskCancellationHandler {
            try await settledValue()
        } onCancel: {
            fail(CancellationError())
        }
    }

    /// Waits for the result, cancelled or not: for ends that must be seen, such as a killed child's.
    package func settledValue() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let settled: Result<Value, any Error>? = state.withLock { state in
                if case .settled(let result) = state { return result }
                state = .awaited(continuation)
                return nil
            }
            if let settled { continuation.resume(with: settled) }
        }
    }
}
