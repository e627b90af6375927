import World

/// The far end of a connection, played by the test: it waits for what we send, and says what the broker would.
final class ScriptedBroker: ByteStream, Dialer {
    private struct State {
        var toUs: [[UInt8]] = []
        var hasEnded = false
        var failure: NetworkFailure?
        var sent: [UInt8] = []
        var writes = 0
        var reader = Signal<Void>()
        var writer = Signal<Void>()
    }

    private let state = Locked(State())

    // MARK: What the test does

    /// The next line that was sent, without its end.
    func line() async throws -> String {
        while true {
            let (line, more) = state.withLock { state -> (String?, Signal<Void>) in
                guard let end = state.sent.firstIndex(of: 10) else { return (nil, state.writer) }
                let line = String(decoding: state.sent[..<end].dropLast(), as: UTF8.self)
                state.sent.removeSubrange(...end)
                return (line, state.writer)
            }
            if let line { return line }
            try await more.wait()
        }
    }

    func say(_ text: String) {
        wake { $0.toUs.append(wire(text)) }
    }

    /// Answers one expected line.
    func expect(_ expected: String, say answer: String) async throws {
        let line = try await line()
        guard line == expected else { throw Unexpected(description: "'\(line)' came instead of '\(expected)'") }
        say(answer)
    }

    func end() { wake { $0.hasEnded = true } }

    func fail(_ failure: NetworkFailure) { wake { $0.failure = failure } }

    /// What was sent and not yet taken by `line`.
    var unread: String { readable(state.withLock { $0.sent }) }
    var isClosed: Bool { state.withLock { $0.failure?.reason == .closed } }
    /// How many pieces were written.
    var writes: Int { state.withLock { $0.writes } }

    struct Unexpected: Error, CustomStringConvertible { let description: String }

    // MARK: ByteStream

    func read() async throws -> [UInt8]? {
        while true {
            let (result, more) = state.withLock { state -> (Result<[UInt8]?, NetworkFailure>?, Signal<Void>) in
                if let failure = state.failure { return (.failure(failure), state.reader) }
                if !state.toUs.isEmpty { return (.success(state.toUs.removeFirst()), state.reader) }
                return (state.hasEnded ? .success(nil) : nil, state.reader)
            }
            if let result { return try result.get() }
            try await more.wait()
        }
    }

    func write(_ bytes: [UInt8]) {
        let writer = state.withLock { state in
            if state.failure == nil {
                state.sent += bytes
                state.writes += 1
            }
            defer { state.writer = Signal() }
            return state.writer
        }
        writer.raise(())
    }

    var unsent: Int { 0 }
    func drained() async throws {}

    func close() {
        wake { state in
            if state.failure == nil {
                state.failure = NetworkFailure(reason: .closed, doing: "use the stream", detail: "closed by us")
            }
        }
    }

    private func wake(_ change: @Sendable (inout State) -> Void) {
        let reader = state.withLock { state in
            change(&state)
            defer { state.reader = Signal() }
            return state.reader
        }
        reader.raise(())
    }

    // MARK: Dialer

    func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream { self }
}
