import Glibc
import Synchronization
package import World

extension EventLoop: TimeSource {
    package var now: Moment { Moment(nanoseconds: Self.read(CLOCK_BOOTTIME)) }

    package var wallClock: Timestamp { Timestamp(microseconds: Self.read(CLOCK_REALTIME) / 1_000) }

    package func sleep(until moment: Moment) async throws {
        try Task.checkCancellation()
        let end = Promise<Void>()
        let timer = schedule(at: moment) { end.succeed(()) }
        do {
            try await end.value()
        } catch {
            cancel(timer)
            throw error
        }
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension EventLoop {
    package struct Timer: Sendable, Hashable {
        fileprivate let id: UInt64
    }

    /// Calls `action` on the loop at or after `moment`, unless cancelled before. From any thread.
    package func schedule(at moment: Moment, _ action: @escaping Action) -> Timer {
        let timer = Timer(id: lastTimer.wrappingAdd(1, ordering: .relaxed).newValue)
        perform { self.timers.add(timer.id, at: moment, action) }
        return timer
    }

    /// From the thread that scheduled it, or from the loop once it is known to be scheduled: a cancellation that
    /// overtakes its timer has no effect.
    package func cancel(_ timer: Timer) {
        perform { self.timers.cancel(timer.id) }
    }
}
