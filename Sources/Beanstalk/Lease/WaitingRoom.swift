import DequeModule
import World

/// Seats for those who wait in a reserve: any number of slots share a few waiting connections (README, "Holding a job").
/// First come, first served.
package final class WaitingRoom: Sendable {
    private struct State {
        var free: Int
        var nextGuest: UInt64 = 0
        var queue: Deque<(guest: UInt64, continuation: CheckedContinuation<Bool, Never>)> = []
    }

    private let state: Locked<State>

    package init(seats: Int) {
        precondition(seats > 0, "a waiting room without a seat would never serve anybody")
        state = Locked(State(free: seats))
    }

    /// Runs `body` with a seat of its own.
    /// - Throws: what `body` throws; `CancellationError` while waiting for the seat.
    package func withSeat<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await takeSeat()
        defer { leaveSeat() }
        return try await body()
    }

    package var waiting: Int { state.withLock { $0.queue.count } }

    fileprivate func takeSeat() async throws {
        let guest = state.withLock { state in
            state.nextGuest += 1
            return state.nextGuest
        }
        let isSeated = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.queue.append((guest, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.queue.firstIndex { $0.guest == guest }.map { state.queue.remove(at: $0).continuation }
            }
            waiting?.resume(returning: false)
        }
        guard isSeated else { throw CancellationError() }
    }

    fileprivate func leaveSeat() {
        let next = state.withLock { state in
            let next = state.queue.popFirst()?.continuation
            if next == nil { state.free += 1 }
            return next
        }
        next?.resume(returning: true)
    }
}

extension WaitingRoom {
    /// A seat that is left before its holder is through: once a job is there, the connection waits no longer.
    package final class Seat: Sendable {
        private let room: Locked<WaitingRoom?>

        fileprivate init(_ room: WaitingRoom) {
            self.room = Locked(room)
        }

        /// May be called more than once.
        package func leave() {
            let room = room.withLock { $0.take() }
            room?.leaveSeat()
        }

        deinit { leave() }
    }

    /// - Throws: `CancellationError` while waiting for it.
    package func seat() async throws -> Seat {
        try await takeSeat()
        return Seat(self)
    }
}
