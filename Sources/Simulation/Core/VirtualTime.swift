package import World

/// The clocks of one simulated host. The monotonic one is the simulation's and jumps when nothing is ready; the wall
/// clock begins at 2026-01-01T00:00:00Z and can be stepped, as ntpd or an operator does, without the other noticing.
package final class VirtualTime: TimeSource {
    /// The wall clock at the start of every simulation.
    package static let epoch = Timestamp(seconds: 1_767_225_600)

    private let scheduler: Scheduler
    private let lane: Int
    private let gate: StopGate
    private let start: Moment
    private let steps = Locked(Duration.zero)
    private let sleepers = Locked((next: UInt64(0), until: [UInt64: Moment]()))

    init(scheduler: Scheduler, lane: Int, gate: StopGate, start: Moment, name: String) {
        self.scheduler = scheduler
        self.lane = lane
        self.gate = gate
        self.start = start
        scheduler.addReporter { [weak self] in
            guard let self else { return [] }
            let until = self.sleepers.withLock { $0.until.values.sorted() }
            return until.map { "\(name) sleeps until \($0)" }
        }
    }

    package var now: Moment { scheduler.now }

    package var wallClock: Timestamp { Self.epoch + (now - start) + steps.withLock { $0 } }

    package func stepWallClock(by duration: Duration) {
        steps.withLock { $0 += duration }
    }

    /// Always lets others run first, even when `moment` is past, so that a loop around it is seen as the spin it is.
    package func sleep(until moment: Moment) async throws {
        try await gate.pass()
        try Task.checkCancellation()
        let wake = OneShot<Void>()
        let timer = scheduler.schedule(at: moment, lane: lane) { wake.resolve(.success(())) }
        let id = sleepers.withLock { sleepers in
            sleepers.next += 1
            sleepers.until[sleepers.next] = moment
            return sleepers.next
        }
        defer { sleepers.withLock { $0.until[id] = nil } }
        try await wake.value { [scheduler] in scheduler.cancel(timer: timer) }
    }
}
