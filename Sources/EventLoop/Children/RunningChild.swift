import Glibc
package import World

/// A program that runs in a process group of its own.
///
/// When it ends, what it left behind in its group is killed, and only then is it reaped: until then nobody else can get
/// its number. The loop keeps it until its end, wanted or not; a loop that shuts down kills it, and so does the death of
/// this process, whatever it died of.
package actor RunningChild {
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    package nonisolated let process: Int32
    private nonisolated let loop: EventLoop
    /// The kernel kills the program when the thread that started it ends.
    private let starters: WorkerThreads
    private let program: String
    private let descriptor: Int32
    private var input: ChildInput
    private var streams: [ChildOutput]
    private var end: Result<ChildResult, ChildFailure>?
    private var waiting: [CheckedContinuation<ChildResult, any Error>] = []
    private var change = Signal<Void>()

    init(loop: EventLoop, starters: WorkerThreads, _ launched: Launched, _ command: ChildCommand) async throws {
        self.loop = loop
        self.starters = starters
        program = command.program
        process = launched.process
        descriptor = launched.descriptor
        input = ChildInput(launched.input, command.input)
        streams = [launched.output, launched.errors].map { ChildOutput($0, limit: command.maximumOutput) }
        do {
            try watch()
        } catch {
            let failure = ChildFailure(program: program, detail: "\(error)")
            end = .failure(failure)
            kill(-process, SIGKILL)
            waitpid(process, nil, 0)
            closeAll()
            throw failure
        }
    }

    deinit {
        // The loop has ended before it.
        guard end == nil else { return }
        Glibc.kill(-process, SIGKILL)
        waitpid(process, nil, 0)
        close(descriptor)
        input.finish()
        for index in streams.indices { streams[index].finish() }
    }

    private func watch() throws {
        try loop.watch(descriptor, for: .read) { _ in self.assumeIsolated { $0.reap() } }
        for index in streams.indices {
            try loop.watch(streams[index].descriptor, for: .read) { _ in self.assumeIsolated { $0.receive(index) } }
        }
        try loop.watch(input.descriptor, for: .write) { _ in self.assumeIsolated { $0.send() } }
    }

    // MARK: For others

    package var output: [UInt8] { streams[0].bytes }
    package var errors: [UInt8] { streams[1].bytes }
    package var isRunning: Bool { end == nil }
    /// Raised when more output has arrived, or the program has ended, after this was asked for.
    package var nextChange: Signal<Void> { change }

    /// Sends a signal to the whole group; nothing once it has ended.
    package nonisolated func signal(_ number: Int32) {
        loop.perform {
            self.assumeIsolated { me in
                if me.isRunning { kill(-me.process, number) }
            }
        }
    }

    /// Waits for the end, cancelled or not.
    /// - Throws: `ChildFailure` when its end was seen by somebody else, so that nobody knows how it ended.
    package func result() async throws -> ChildResult {
        if let end { return try end.get() }
        return try await withCheckedThrowingContinuation { waiting.append($0) }
    }

    // MARK: Events

    private func receive(_ index: Int) {
        guard streams[index].isOpen else { return }
        let before = streams[index].bytes.count
        if !streams[index].receive(through: loop.scratch) {
            loop.forget(streams[index].descriptor)
            streams[index].finish()
        }
        if streams[index].bytes.count != before { tellChange() }
    }

    private func send() {
        guard !input.send() else { return }
        loop.forget(input.descriptor)
        input.finish()
    }

    private func reap() {
        // As long as it is not reaped its group's number cannot be anybody else's.
        kill(-process, SIGKILL)
        for index in streams.indices { receive(index) }
        var status: Int32 = 0
        let reaped = waitpid(process, &status, WNOHANG)
        if reaped == 0 { return }
        closeAll()
        let result: Result<ChildResult, ChildFailure> =
            reaped == process
            ? .success(ChildResult(end: .init(status: status), output: output, errors: errors))
            : .failure(ChildFailure(program: program, detail: "its exit status was lost: \(SystemError.text(errno))"))
        end = result
        tellChange()
        let continuations = waiting
        waiting = []
        for continuation in continuations { continuation.resume(with: result.mapError { $0 }) }
    }

    private func closeAll() {
        loop.discard(descriptor)
        if input.isOpen { loop.forget(input.descriptor) }
        input.finish()
        for index in streams.indices where streams[index].isOpen {
            loop.forget(streams[index].descriptor)
            streams[index].finish()
        }
    }

    private func tellChange() {
        let changed = change
        change = Signal()
        changed.raise(())
    }
}
