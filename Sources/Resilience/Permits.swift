import DequeModule
import World

/// So many at once, first come first served: ssh children, volumes of one server. Waiting is cancellable.
package final class Permits: Sendable {
    private struct State {
        var free: Int
        var waiting: Deque<Signal<Void>> = []
    }

    private let state: Locked<State>

    package init(_ count: Int) {
        state = Locked(State(free: max(1, count)))
    }

    /// - Throws: what `body` throws; `CancellationError` while waiting.
    package func withPermit<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await acquire()
        defer { release() }
        return try await body()
    }

    private func acquire() async throws {
        let turn: Signal<Void>? = state.withLock { state in
            if state.free > 0 {
                state.free -= 1
                return nil
            }
            let turn = Signal<Void>()
            state.waiting.append(turn)
            return turn
        }
        guard let turn else { return }
        do {
            try await turn.wait()
        } catch {
            let wasGranted = state.withLock { state in
                guard let index = state.waiting.firstIndex(where: { $0 === turn }) else { return true }
                state.waiting.remove(at: index)
                return false
            }
            if wasGranted { release() }
            throw error
        }
    }

    private func release() {
        let next: Signal<Void>? = state.withLock { state in
            if let next = state.waiting.popFirst() { return next }
            state.free += 1
            return nil
        }
        next?.raise(())
    }
}
