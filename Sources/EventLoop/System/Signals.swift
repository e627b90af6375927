import CLinux
import Glibc
import World

/// Makes the process ignore SIGPIPE: writing to a peer that is gone is an error like others. OpenSSL's writes raise it
/// whatever flags we use. Called once from `main`, before anything is written.
package func ignoreBrokenPipes() {
    // Fails only for signals that do not exist.
    _ = clinux_ignore_signal(SIGPIPE)
}

extension EventLoop {
    /// Takes over `numbers` (SIGTERM, SIGINT, SIGHUP) from now on: instead of ending the process they arrive at the
    /// returned value. One taker per signal in a process; `SignalWatch.stop` gives them back. A SIGHUP that was ignored
    /// when the process started stays so: nohup(1) does that.
    /// - Throws: `SystemError`.
    package func signals(_ numbers: [Int32]) async throws -> SignalWatch {
        try await SignalWatch(loop: self, numbers.filter { $0 != SIGHUP || clinux_ignores_signal(SIGHUP) == 0 })
    }
}

/// Signals of this process, in the order in which they came.
package actor SignalWatch {
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private nonisolated let loop: EventLoop
    private let numbers: [Int32]
    /// The handler writes into one end, the loop reads from the other.
    private var ends: [Int32]
    private var arrived: [Int32] = []
    private var waiting: Promise<Int32>?

    fileprivate init(loop: EventLoop, _ numbers: [Int32]) async throws {
        self.loop = loop
        self.numbers = numbers
        var pipe: [Int32] = [-1, -1]
        let error = clinux_pipe(&pipe, O_NONBLOCK | O_CLOEXEC)
        guard error == 0 else { throw SystemError(doing: "watch for signals", code: error) }
        ends = pipe
        try start()
    }

    deinit {
        guard let reading = ends.first else { return }
        for number in numbers { _ = clinux_catch_signal(number, -1) }
        loop.discard(reading)
        close(ends[1])
    }

    private func start() throws {
        try loop.watch(ends[0], for: .read) { [weak self] _ in self?.assumeIsolated { $0.receive() } }
        for number in numbers {
            let error = clinux_catch_signal(number, ends[1])
            guard error == 0 else {
                stop()
                throw SystemError(doing: "watch for signal \(number)", code: error)
            }
        }
    }

    /// The next signal's number.
    /// - Throws: `CancellationError`.
    package func next() async throws -> Int32 {
        try Task.checkCancellation()
        if !arrived.isEmpty { return arrived.removeFirst() }
        let promise = Promise<Int32>()
        waiting = promise
        defer { waiting = nil }
        return try await promise.value()
    }

    /// Gives the signals their default meaning back: the next one ends the process.
    package func stop() {
        guard !ends.isEmpty else { return }
        for number in numbers { _ = clinux_catch_signal(number, -1) }
        loop.forget(ends[0])
        for end in ends { close(end) }
        ends = []
    }

    private func receive() {
        guard let end = ends.first else { return }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(end, &bytes, bytes.count)
        guard count > 0 else { return }
        for number in bytes.prefix(count).map(Int32.init) {
            if let waiting, waiting.succeed(number) { continue }
            arrived.append(number)
        }
    }
}
