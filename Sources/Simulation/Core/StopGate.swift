import World

/// Where every seam of a process begins: open while it runs, shut while it is frozen or dead.
///
/// Stopping a process sets its jobs aside, but the job that is being run when it is stopped (by a hook inside a seam)
/// goes on to its next suspension. The gate is that suspension: nothing leaves the process after the point at which it
/// was stopped.
final class StopGate: Sendable {
    private enum Phase {
        case open
        /// Frozen or killed: whoever comes waits, whatever else happens to its task.
        case shut
        /// The run is over: dead code is run to its end, and every seam fails, so that its memory is given back.
        case reaped
    }

    private struct State {
        var phase = Phase.open
        var waiting: [CheckedContinuation<Void, Never>] = []
        var deferred: [@Sendable () -> Void] = []
    }

    private let state = Locked(State())

    var isOpen: Bool { state.withLock { $0.phase == .open } }

    /// - Throws: `CancellationError` once the run is over.
    func pass() async throws {
        while true {
            let phase = state.withLock { $0.phase }
            switch phase {
            case .open: return
            case .reaped: throw CancellationError()
            case .shut:
                await withCheckedContinuation { continuation in
                    let waits = state.withLock { state in
                        guard state.phase == .shut else { return false }
                        state.waiting.append(continuation)
                        return true
                    }
                    if !waits { continuation.resume() }
                }
            }
        }
    }

    /// For seams that do not suspend: now if open, after the thaw if frozen, never if dead.
    func perform(_ action: @escaping @Sendable () -> Void) {
        let now = state.withLock { state in
            if state.phase == .shut { state.deferred.append(action) }
            return state.phase == .open
        }
        if now { action() }
    }

    func shut() {
        state.withLock { $0.phase = .shut }
    }

    func open() {
        let (waiting, deferred) = state.withLock { state in
            state.phase = .open
            defer { (state.waiting, state.deferred) = ([], []) }
            return (state.waiting, state.deferred)
        }
        for action in deferred { action() }
        for continuation in waiting { continuation.resume() }
    }

    func reap() {
        let waiting = state.withLock { state in
            state.phase = .reaped
            defer { (state.waiting, state.deferred) = ([], []) }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
