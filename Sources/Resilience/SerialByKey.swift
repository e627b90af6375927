import DequeModule
import World

/// Runs bodies of one key one after another, in the order in which they came; bodies of different keys run side by side.
/// DNS updates of one name must not overtake each other.
package final class SerialByKey<Key: Sendable & Hashable>: Sendable {
    /// Who waits for each key that is busy.
    private let waiting = Locked<[Key: Deque<Signal<Void>>]>([:])

    package init() {}

    /// - Throws: what `body` throws; `CancellationError` while waiting.
    package func run<Value>(_ key: Key, _ body: () async throws -> Value) async throws -> Value {
        try await enter(key)
        defer { leave(key) }
        return try await body()
    }

    private func enter(_ key: Key) async throws {
        let turn: Signal<Void>? = waiting.withLock { waiting in
            if waiting[key] == nil {
                waiting[key] = []
                return nil
            }
            let turn = Signal<Void>()
            waiting[key]?.append(turn)
            return turn
        }
        guard let turn else { return }
        do {
            try await turn.wait()
        } catch {
            let wasGranted = waiting.withLock { waiting in
                guard let index = waiting[key]?.firstIndex(where: { $0 === turn }) else { return true }
                waiting[key]?.remove(at: index)
                return false
            }
            if wasGranted { leave(key) }
            throw error
        }
    }

    private func leave(_ key: Key) {
        let next: Signal<Void>? = waiting.withLock { waiting in
            if let next = waiting[key]?.popFirst() { return next }
            waiting[key] = nil
            return nil
        }
        next?.raise(())
    }
}
