import CLinux
import DequeModule
import Glibc
import World

/// A few threads for calls that block: name look-ups, files, heavy computing. The loop never runs such calls, and the
/// runtime's own pool has one thread per core, so two of them would stop everything else there.
///
/// The first thread starts at once, more when there is work and none is idle. They end when the last reference to this
/// handle goes; work that is queued by then is still done.
final class WorkerThreads: Sendable {
    typealias Work = @Sendable () -> Void

    private let queue: WorkQueue
    private let name: String
    private let limit: Int

    /// - Throws: `SystemError` when the process is out of descriptors or threads.
    init(_ name: String, limit: Int) throws {
        self.name = name
        self.limit = limit
        queue = try WorkQueue()
        queue.reserveFirstThread()
        try queue.startThread(name)
    }

    deinit { queue.end() }

    /// Runs `work` on one of the threads and waits for its end, cancelled or not: for what has effects.
    /// - Throws: what `work` throws.
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let end = Promise<Value>()
        submit { end.settle(Result { try work() }) }
        return try await end.settledValue()
    }

    /// Like `run`, but a cancelled task stops waiting at once: for pure work, whose late result is dropped.
    /// - Throws: what `work` throws; `CancellationError`.
    func runAbandonable<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        let end = Promise<Value>()
        submit {
            if !end.isSettled { end.settle(Result { try work() }) }
        }
        return try await end.value()
    }

    /// Has `work` done, and does not wait for it.
    func submit(_ work: @escaping Work) {
        guard queue.append(work, threadLimit: limit) else { return }
        do {
            try queue.startThread(name)
        } catch {
            // The threads that there are do the work, only later.
            queue.giveUpThread()
        }
    }
}

/// What the threads share: work, and an eventfd in semaphore mode that counts it. A thread takes one from the count and
/// then one from the queue; none in the queue means that it is to end.
private final class WorkQueue: Sendable {
    private struct State {
        var work: Deque<WorkerThreads.Work> = []
        var threads = 0
        var idle = 0
    }

    private let state = Locked(State())
    private let count: Int32

    init() throws {
        count = eventfd(0, Int32(EFD_SEMAPHORE | EFD_CLOEXEC))
        guard count >= 0 else { throw SystemError(doing: "start worker threads") }
    }

    deinit { close(count) }

    func reserveFirstThread() { state.withLock { $0.threads = 1 } }
    func giveUpThread() { state.withLock { $0.threads -= 1 } }

    /// - Returns: whether the caller is to start one more thread.
    func append(_ work: @escaping WorkerThreads.Work, threadLimit: Int) -> Bool {
        let needsThread = state.withLock { state in
            state.work.append(work)
            guard state.work.count > state.idle, state.threads < threadLimit else { return false }
            state.threads += 1
            return true
        }
        add(1)
        return needsThread
    }

    func end() { add(UInt64(state.withLock { $0.threads })) }

    private func add(_ number: UInt64) {
        var number = number
        _ = write(count, &number, 8)
    }

    func startThread(_ name: String) throws {
        let me = Unmanaged.passRetained(self)
        let error = clinux_start_thread(
            nil, name,
            { raw in
                guard let raw else { return }
                Unmanaged<WorkQueue>.fromOpaque(raw).takeRetainedValue().serve()
            }, me.toOpaque())
        guard error == 0 else {
            me.release()
            throw SystemError(doing: "start a thread for \(name)", code: error)
        }
    }

    private func serve() {
        while let work = next() { work() }
    }

    private func next() -> WorkerThreads.Work? {
        state.withLock { $0.idle += 1 }
        var one: UInt64 = 0
        while read(count, &one, 8) != 8 {}
        return state.withLock { state in
            state.idle -= 1
            return state.work.popFirst()
        }
    }
}
