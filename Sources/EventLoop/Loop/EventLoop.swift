import CLinux
import Glibc
import Synchronization
import World

/// One thread around one epoll: the executor of everything that the worker does, and of the actors that own
/// descriptors.
///
/// A turn of the loop: deliver events, run jobs, fire timers, run what was put off to the end of the turn, sleep.
/// Jobs are bounded per turn, so that a storm of them cannot starve the descriptors.
///
/// Unchecked, because an executor cannot be confined by anything but itself: what is marked "loop's thread" is touched
/// there only, and every way to it checks the thread.
package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    package typealias Action = @Sendable () -> Void

    private enum Work {
        case job(UnownedJob)
        case action(Action)
    }

    private struct Inbox {
        var work: [Work] = []
        /// The thread will look into the inbox before it sleeps, so nobody has to wake it.
        var isAwake = true
        var isStopping = false
        var hasEnded = false
    }

    private enum Pause { case none, untilEvent, end }

    private static let jobsPerTurn = 1_000
    private static let eventsPerTurn = 256

    private let inbox = Locked(Inbox())
    private let threadID = Atomic<UInt>(0)
    let lastTimer = Atomic<UInt64>(0)
    let epoll: Int32
    private let wake: Int32
    private let alarm: Int32
    private var thread: UInt = 0

    // Loop's thread:
    var descriptors = DescriptorTable()
    var timers = TimerQueue()
    private var alarmedFor = Moment.distantFuture
    private var turnEnd: [Action] = []
    /// Where streams receive: one buffer for all, as only one receives at a time.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)

    /// Starts the thread.
    /// - Throws: `SystemError` when the process is out of descriptors or threads.
    package init() throws {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        alarm = clinux_timer_open()
        guard epoll >= 0, wake >= 0, alarm >= 0 else { throw SystemError(doing: "open the event loop") }
        for descriptor in [wake, alarm] {
            var event = epoll_event()
            event.events = Readiness.read.rawValue
            event.data.u64 = UInt64(UInt32(bitPattern: descriptor))
            guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
                throw SystemError(doing: "open the event loop")
            }
        }
        let me = Unmanaged.passRetained(self)
        let error = clinux_start_thread(
            &thread, "loop",
            { raw in
                guard let raw else { return }
                Unmanaged<EventLoop>.fromOpaque(raw).takeRetainedValue().serve()
            }, me.toOpaque())
        guard error == 0 else {
            me.release()
            throw SystemError(doing: "start the event loop's thread", code: error)
        }
    }

    deinit {
        for descriptor in [epoll, wake, alarm] where descriptor >= 0 { close(descriptor) }
        scratch.deallocate()
    }

    /// Ends the thread after everything that is already enqueued has run, and waits for its end. Timers and descriptors
    /// that are left are dropped; tasks that need the loop must have ended before. Never to be called on the loop.
    package func shutdown() {
        precondition(!isCurrent, "the event loop cannot wait for its own end")
        let isFirst = inbox.withLock { box in
            defer { box.isStopping = true }
            return !box.isStopping
        }
        guard isFirst else { return }
        ring()
        clinux_join_thread(thread)
    }

    /// Runs `body` on the loop, from its first instruction on, and with it all its child tasks.
    ///
    /// `withTaskExecutorPreference` alone starts on the caller's thread and comes to the loop only after the first
    /// suspension, which is therefore made here.
    package func run<Result: Sendable>(
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withTaskExecutorPreference(self) {
            await Task.yield()
            return try await body()
        }
    }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        // A job that can never run is a task that hangs for ever: better to hear of it here.
        let isTaken = post(.job(UnownedJob(job)))
        precondition(isTaken, "a task outlived its event loop")
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
    package func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    // Handlers run on the thread, but not as part of a job: the runtime asks these when one enters an actor by
    // `assumeIsolated`.
    package func isIsolatingCurrentContext() -> Bool? { isCurrent }
    package func checkIsolated() { precondition(isCurrent, "not on the event loop") }

    /// Whether the caller runs on the loop's thread.
    package var isCurrent: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Runs `action` on the loop: in place when there already, else as soon as possible. Dropped after `shutdown`.
    package func perform(_ action: @escaping Action) {
        if isCurrent { action() } else { submit(action) }
    }

    /// Runs `action` on the loop, never in place.
    /// - Returns: false after `shutdown`: it is dropped.
    @discardableResult
    package func submit(_ action: @escaping Action) -> Bool { post(.action(action)) }

    private func post(_ work: Work) -> Bool {
        let (isTaken, mustRing) = inbox.withLock { box in
            if box.hasEnded { return (false, false) }
            box.work.append(work)
            defer { box.isAwake = true }
            return (true, !box.isAwake)
        }
        if mustRing { ring() }
        return isTaken
    }

    private func ring() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    // MARK: Loop's thread

    /// Runs `action` once, after the jobs of this turn and before the thread sleeps: where writes are put together.
    package func atTurnEnd(_ action: @escaping Action) {
        checkIsolated()
        turnEnd.append(action)
    }

    // MARK: The thread

    private func fireTimers() {
        guard !timers.isEmpty else { return }
        // Read once: a timer that a timer sets for now waits for the next turn, after the descriptors.
        let now = now
        while let action = timers.takeDue(now) { action() }
    }

    private func setAlarm() {
        guard let next = timers.next(), next < alarmedFor else { return }
        // An alarm that rings too early because its timer was cancelled costs one turn; moving it back costs a system
        // call per cancellation.
        guard clinux_timer_arm(alarm, next.nanoseconds) == 0 else { return }
        alarmedFor = next
    }

    private func serve() {
        threadID.store(UInt(pthread_self()), ordering: .relaxed)
        let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: Self.eventsPerTurn)
        defer { events.deallocate() }
        var batch: [Work] = []
        while true {
            runWork(&batch)
            fireTimers()
            runTurnEnd()
            setAlarm()
            let pause = nextPause()
            if pause == .end { break }
            let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), pause == .none ? 0 : -1)
            inbox.withLock { $0.isAwake = true }
            if count > 0 { deliver(events.prefix(Int(count))) }
        }
        // Handlers may hold the last reference to what they serve; their owners must be able to go.
        descriptors = DescriptorTable()
        timers = TimerQueue()
        threadID.store(0, ordering: .relaxed)
    }

    private func runWork(_ batch: inout [Work]) {
        let serial = asUnownedSerialExecutor()
        let task = asUnownedTaskExecutor()
        var left = Self.jobsPerTurn
        while left > 0 {
            inbox.withLock { swap(&batch, &$0.work) }
            if batch.isEmpty { return }
            for work in batch {
                switch work {
                case .job(let job): job.runSynchronously(isolatedTo: serial, taskExecutor: task)
                case .action(let action): action()
                }
            }
            left -= batch.count
            batch.removeAll(keepingCapacity: true)
        }
    }

    private func runTurnEnd() {
        guard !turnEnd.isEmpty else { return }
        var actions: [Action] = []
        swap(&actions, &turnEnd)
        for action in actions { action() }
    }

    private func nextPause() -> Pause {
        let isBusy = !turnEnd.isEmpty
        return inbox.withLock { box in
            if isBusy || !box.work.isEmpty { return .none }
            if box.isStopping {
                box.hasEnded = true
                return .end
            }
            box.isAwake = false
            return .untilEvent
        }
    }

    private func deliver(_ events: Slice<UnsafeMutableBufferPointer<epoll_event>>) {
        for event in events {
            switch Int32(truncatingIfNeeded: event.data.u64) {
            case wake: clear(wake)
            case alarm:
                clear(alarm)
                alarmedFor = .distantFuture
            default: descriptors.handler(for: event.data.u64)?(Readiness(rawValue: event.events))
            }
        }
    }

    private func clear(_ counter: Int32) {
        var count: UInt64 = 0
        _ = read(counter, &count, 8)
    }
}
