/// Something that happens once, with a value: drain was asked for, a lease was lost. Anyone may look, wait, or raise;
/// only the first raise counts.
package final class Signal<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var nextID: UInt64 = 0
        var waiting: [(id: UInt64, resume: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Locked(State())

    package init() {}

    /// The value, once raised.
    package var value: Value? { state.withLock { $0.value } }
    package var isRaised: Bool { value != nil }

    /// - Returns: whether this call was the first.
    @discardableResult
    package func raise(_ value: Value) -> Bool {
        let waiting: [CheckedContinuation<Void, Never>]? = state.withLock { state in
            guard state.value == nil else { return nil }
            state.value = value
            defer { state.waiting = [] }
            return state.waiting.map(\.resume)
        }
        guard let waiting else { return false }
        for continuation in waiting { continuation.resume() }
        return true
    }

    /// Waits until it is raised.
    /// - Throws: `CancellationError`.
    package func wait() async throws -> Value {
        let id = newID()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if !register(id, continuation) { continuation.resume() }
            }
        } onCancel: {
            forget(id)?.resume()
        }
        guard let value else { throw CancellationError() }
        return value
    }

    private func newID() -> UInt64 {
        state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
    }

    private func register(_ id: UInt64, _ continuation: CheckedContinuation<Void, Never>) -> Bool {
        state.withLock { state in
            if state.value != nil || Task.isCancelled { return false }
            state.waiting.append((id, continuation))
            return true
        }
    }

    private func forget(_ id: UInt64) -> CheckedContinuation<Void, Never>? {
        state.withLock { state in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiting.remove(at: index).resume
        }
    }
}
