import DequeModule
import Glibc
import HeapModule
import Synchronization
import World

/// Virtual time, timers, and the jobs of all simulated processes on one thread.
///
/// Every process has a lane. Jobs of all lanes stand in one queue, so that their order is one thing and is decided in
/// one place; a job whose lane is stopped (frozen or killed) is set aside when its turn comes.
final class Scheduler: Sendable {
    struct Limits: Sendable {
        /// Jobs and timers at one instant before it is called a spin.
        var jobsPerInstant: Int
        var virtualTime: Duration
    }

    private struct Entry {
        var job: UnownedJob
        var lane: Int
    }

    private struct Ready {
        var job: UnownedJob
        var executor: UnownedTaskExecutor
    }

    private struct Lane {
        var name: String
        /// Set when the process has made its executor, before any job can exist.
        var executor: UnownedTaskExecutor?
        var isStopped = false
        var isDead = false
        var held: [UnownedJob] = []
    }

    private struct TimerKey: Comparable {
        var at: Moment
        var id: UInt64

        static func < (a: TimerKey, b: TimerKey) -> Bool { (a.at, a.id) < (b.at, b.id) }
    }

    private struct TimerAction {
        var lane: Int
        var run: @Sendable () -> Void
    }

    private struct State {
        var ready = Deque<Entry>()
        var lanes: [Lane] = []
        var timers = Heap<TimerKey>()
        var actions: [UInt64: TimerAction] = [:]
        var nextTimer: UInt64 = 0
        var random: SplitMix
        var owner: pthread_t
        var foreign: String?
        /// Rung when something comes from elsewhere.
        var bell: Bell?
        var jobs = 0
        var jobsAtInstant = 0
        var reporters: [@Sendable () -> [String]] = []

        mutating func takeJob(shuffles: Bool) -> Ready? {
            while !ready.isEmpty {
                if shuffles { ready.swapAt(0, Int.random(in: 0..<ready.count, using: &random)) }
                let entry = ready.removeFirst()
                if !lanes[entry.lane].isStopped, let executor = lanes[entry.lane].executor {
                    return Ready(job: entry.job, executor: executor)
                }
                lanes[entry.lane].held.append(entry.job)
            }
            return nil
        }

        mutating func count(_ more: Int, at now: Moment, _ limits: Limits) -> SimulationError? {
            jobs += more
            jobsAtInstant += more
            return jobsAtInstant > limits.jobsPerInstant ? .spin(jobs: jobsAtInstant, at: now) : nil
        }
    }

    private let state: Locked<State>
    /// Moved under the lock of `state`; outside of it because it is read far more often than anything else here.
    private let clock = Atomic(Int64(1_000_000_000))
    private let shuffles: Bool
    private let limits: Limits
    let start: Moment

    init(seed: UInt64, shuffles: Bool, limits: Limits) {
        state = Locked(State(random: SplitMix(seed: seed), owner: pthread_self()))
        start = Moment(nanoseconds: clock.load(ordering: .relaxed))
        self.shuffles = shuffles
        self.limits = limits
    }

    var now: Moment { Moment(nanoseconds: clock.load(ordering: .relaxed)) }
    /// Jobs run so far.
    var jobs: Int { state.withLock { $0.jobs } }
    var isOnOwnThread: Bool { pthread_equal(state.withLock { $0.owner }, pthread_self()) != 0 }

    /// The thread that drives is the one that may enqueue.
    func adoptThread() {
        state.withLock { $0.owner = pthread_self() }
    }

    // MARK: Lanes

    /// The executor of a new lane. The caller keeps it alive as long as it drives.
    func addLane(_ name: String) -> DeterministicExecutor {
        let lane = state.withLock { state in
            state.lanes.append(Lane(name: name))
            return state.lanes.count - 1
        }
        let executor = DeterministicExecutor(lane: lane, scheduler: self)
        state.withLock { $0.lanes[lane].executor = executor.asUnownedTaskExecutor() }
        return executor
    }

    /// Its jobs are set aside from now on.
    func stop(lane: Int) {
        state.withLock { $0.lanes[lane].isStopped = true }
    }

    /// Its timers, set or to be set, never fire.
    func forgetTimers(ofLane lane: Int) {
        state.withLock { $0.lanes[lane].isDead = true }
    }

    /// What was set aside is ready again, in the order in which it came.
    func resume(lane: Int) {
        state.withLock { state in
            state.lanes[lane].isStopped = false
            for job in state.lanes[lane].held { state.ready.append(Entry(job: job, lane: lane)) }
            state.lanes[lane].held = []
        }
    }

    func heldJobs(lane: Int) -> Int {
        state.withLock { $0.lanes[lane].held.count }
    }

    func enqueue(_ job: UnownedJob, lane: Int) {
        state.withLock { state in
            if pthread_equal(state.owner, pthread_self()) == 0, state.foreign == nil {
                state.foreign = state.lanes[lane].name
                state.bell?.ring()
            }
            state.ready.append(Entry(job: job, lane: lane))
        }
    }

    // MARK: Timers

    /// Runs `action` on the driving thread at `moment`, or as soon as nothing is ready if that is past.
    @discardableResult
    func schedule(at moment: Moment, lane: Int, _ action: @escaping @Sendable () -> Void) -> UInt64 {
        state.withLock { state in
            state.nextTimer += 1
            state.timers.insert(TimerKey(at: max(moment, now), id: state.nextTimer))
            state.actions[state.nextTimer] = TimerAction(lane: lane, run: action)
            return state.nextTimer
        }
    }

    func cancel(timer id: UInt64) {
        state.withLock { $0.actions[id] = nil }
    }

    /// None of them fires any more; what they hold is let go.
    func forgetTimers() {
        let forgotten = state.withLock { state in
            defer { (state.actions, state.timers) = ([:], Heap()) }
            return state.actions
        }
        withExtendedLifetime(forgotten) {}
    }

    /// Asked only when the simulation cannot go on: who waits for what.
    func addReporter(_ reporter: @escaping @Sendable () -> [String]) {
        state.withLock { $0.reporters.append(reporter) }
    }

    // MARK: Driving

    /// Runs jobs, and lets time jump when there is none, until `isDone`.
    func drive(until isDone: () -> Bool) throws(SimulationError) {
        while !isDone() {
            if let ready = try nextJob() {
                ready.job.runSynchronously(on: ready.executor)
                continue
            }
            let due = try nextTimers()
            for action in due { action() }
            if due.isEmpty, !somethingCameFromElsewhere() {
                throw .deadlock(at: now, waiting: waiting())
            }
        }
        if let process = state.withLock({ $0.foreign }) { throw .foreignThread(process: process) }
    }

    /// Runs what is ready without letting time move, at most `limit` jobs: for taking down what is left.
    func settle(limit: Int) {
        for _ in 0..<limit {
            guard let ready = state.withLock({ $0.takeJob(shuffles: false) }) else { return }
            ready.job.runSynchronously(on: ready.executor)
        }
    }

    private func nextJob() throws(SimulationError) -> Ready? {
        let (ready, problem): (Ready?, SimulationError?) = state.withLock { state in
            if let process = state.foreign { return (nil, .foreignThread(process: process)) }
            guard let ready = state.takeJob(shuffles: shuffles) else { return (nil, nil) }
            return (ready, state.count(1, at: now, limits))
        }
        if let problem { throw problem }
        return ready
    }

    /// The timers that are due next, after moving time to them; equal times in the order of their setting, or shuffled.
    private func nextTimers() throws(SimulationError) -> [@Sendable () -> Void] {
        let (due, problem): ([@Sendable () -> Void], SimulationError?) = state.withLock { state in
            var due: [@Sendable () -> Void] = []
            while let next = state.timers.min, due.isEmpty || next.at <= now {
                _ = state.timers.popMin()
                guard let action = state.actions.removeValue(forKey: next.id), !state.lanes[action.lane].isDead else {
                    continue
                }
                if next.at > now {
                    if next.at - start > limits.virtualTime { return ([], .timeLimit(limits.virtualTime, waiting: [])) }
                    clock.store(next.at.nanoseconds, ordering: .relaxed)
                    state.jobsAtInstant = 0
                }
                due.append(action.run)
            }
            if shuffles { due.shuffle(using: &state.random) }
            return (due, state.count(due.count, at: now, limits))
        }
        if case .timeLimit(let limit, _) = problem { throw .timeLimit(limit, waiting: waiting()) }
        if let problem { throw problem }
        return due
    }

    private func waiting() -> [String] {
        let (reporters, stopped) = state.withLock { state in
            (
                state.reporters,
                state.lanes.filter { $0.isStopped && !$0.isDead }.map {
                    "process '\($0.name)' is frozen with \($0.held.count.counted("job")) held"
                }
            )
        }
        return stopped + reporters.flatMap { $0() }
    }

    /// Before a deadlock is declared: work that left the simulation may be about to come back from its own thread,
    /// and then that is the error to report. Only a run that has failed already waits here.
    private func somethingCameFromElsewhere() -> Bool {
        // Out of descriptors: it may be called a deadlock a little early.
        guard let bell = Bell() else { return state.withLock { $0.foreign != nil } }
        let came = state.withLock { state in
            state.bell = bell
            return state.foreign != nil
        }
        if !came { bell.wait(milliseconds: 100) }
        return state.withLock { state in
            state.bell = nil
            return state.foreign != nil
        }
    }
}
