import Glibc
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
