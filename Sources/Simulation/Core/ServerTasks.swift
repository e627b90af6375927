import World

/// Tasks of the simulated servers: on the simulation's own lane, so that what a server has received it carries out,
/// whatever happens to the process that asked.
final class ServerTasks: Sendable {
    private let executor: DeterministicExecutor
    private let running = Locked((next: UInt64(0), tasks: [UInt64: Task<Void, Never>](), isOver: false))

    init(executor: DeterministicExecutor) {
        self.executor = executor
    }

    /// This room may start unstructured tasks: it plays the machine on which the others are structured.
    func start(_ body: @escaping @Sendable () async -> Void) {
        let id: UInt64? = running.withLock { running in
            if running.isOver { return nil }
            running.next += 1
            return running.next
        }
        guard let id else { return }
        let task = Task(executorPreference: executor) { [weak self] in
            await body()
            self?.running.withLock { $0.tasks[id] = nil }
        }
        // The task cannot have run yet: its job stands in the queue of the thread that is here.
        running.withLock { $0.tasks[id] = task }
    }

    func cancelAll() {
        let tasks = running.withLock { running in
            running.isOver = true
            defer { running.tasks = [:] }
            return running.tasks.sorted { $0.key < $1.key }.map(\.value)
        }
        for task in tasks { task.cancel() }
    }
}
