import World

/// Gathers the answers of commands that were sent in one piece.
final class Batch: Sendable {
    private typealias Continuation = CheckedContinuation<[Connection.Outcome], Never>

    private struct State {
        var outcomes: [Connection.Outcome?]
        var missing: Int
        var continuation: Continuation?
    }

    private let state: Locked<State>

    init(count: Int, _ continuation: CheckedContinuation<[Connection.Outcome], Never>) {
        state = Locked(
            State(outcomes: Array(repeating: nil, count: count), missing: count, continuation: continuation))
    }

    func settle(_ index: Int, _ outcome: Connection.Outcome) {
        let isComplete = state.withLock { state in
            guard state.continuation != nil, state.outcomes[index] == nil else { return false }
            state.outcomes[index] = outcome
            state.missing -= 1
            return state.missing == 0
        }
        if isComplete { end(filling: outcome) }
    }

    /// Ends the batch, with `outcome` for everything that has no answer yet.
    func end(filling outcome: Connection.Outcome) {
        let (continuation, outcomes) = state.withLock { state in
            let taken: (Continuation?, [Connection.Outcome?]) = (state.continuation, state.outcomes)
            state.continuation = nil
            state.outcomes = []
            return taken
        }
        continuation?.resume(returning: outcomes.map { $0 ?? outcome })
    }
}
