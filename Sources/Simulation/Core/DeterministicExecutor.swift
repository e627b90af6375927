import World

/// The executor of one simulated process: hands its jobs to the scheduler, which runs those of all processes on one
/// thread. Default actors, task groups and `async let` stay on it; `Task {}`, `Task.detached`, `Task.sleep` and system
/// clocks do not, and are reported when they come back.
package final class DeterministicExecutor: TaskExecutor, SerialExecutor {
    let lane: Int
    private let scheduler: Scheduler

    init(lane: Int, scheduler: Scheduler) {
        self.lane = lane
        self.scheduler = scheduler
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        scheduler.enqueue(UnownedJob(job), lane: lane)
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    /// All processes share one thread, so being on it is as exclusive as being in this process.
    package func isIsolatingCurrentContext() -> Bool? { scheduler.isOnOwnThread }
    package func checkIsolated() {
        precondition(scheduler.isOnOwnThread, "not on the thread of the simulation")
    }
}
