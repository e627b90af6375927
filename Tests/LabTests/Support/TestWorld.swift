import HTTPKit
import World

/// A world of scripts: every seam that a test does not set fails when it is used.
struct TestWorld {
    var http: any HTTPTransport = Unused()
    var dial: any Dialer = Unused()
    var datagrams: any Datagrams = Unused()
    var children: any ChildProcesses = Unused()
    var files: any FileSystem = MemoryFiles()
    var time: any TimeSource = JumpingTime()

    var world: World {
        World(
            executor: NoExecutor(), time: time, http: http, dial: dial, datagrams: datagrams, children: children,
            random: CountingRandom(), files: files, compute: InPlace(),
            host: HostIdentity(name: "worker1", process: 7, environment: [:]))
    }
}

/// Nothing in this room runs on the world's executor by itself.
final class NoExecutor: TaskExecutor, SerialExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        UnownedJob(job).runSynchronously(on: asUnownedSerialExecutor())
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}

struct InPlace: Compute {
    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value { try work() }
}

/// Sleeping takes no time but moves the clock.
final class JumpingTime: TimeSource {
    private let current = Locked(Moment(nanoseconds: 0))

    var now: Moment { current.withLock { $0 } }
    var wallClock: Timestamp { Timestamp(seconds: 1_795_000_000) }

    func sleep(until moment: Moment) async throws {
        try Task.checkCancellation()
        current.withLock { $0 = max($0, moment) }
    }
}

/// Time stands still: a sleep ends only by cancellation, so no time-out ever fires.
final class FrozenTime: TimeSource {
    var now: Moment { Moment(nanoseconds: 0) }
    var wallClock: Timestamp { Timestamp(seconds: 1_795_000_000) }

    func sleep(until moment: Moment) async throws {
        try await Signal<Void>().wait()
    }
}

final class CountingRandom: RandomSource {
    private let state = Locked<UInt64>(0x1234_5678)

    func next() -> UInt64 {
        state.withLock { state in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }
}

struct Unused: HTTPTransport, Dialer, Datagrams, ChildProcesses {
    struct Used: Error {}

    func execute(_ request: HTTPRequest) async throws -> HTTPResponse { throw Used() }
    func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream { throw Used() }
    func exchange(
        _ payload: [UInt8], with host: String, port: UInt16, timeout: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> [UInt8] { throw Used() }
    func run(_ command: ChildCommand) async throws -> ChildResult { throw Used() }
}

/// Answers from a list, one after another, and remembers what was asked.
final class Script<Question: Sendable, Answer: Sendable>: Sendable {
    private struct State {
        var asked: [Question] = []
        var answers: [@Sendable (Question) throws -> Answer]
    }

    struct Exhausted: Error {
        var question: Question
    }

    private let state: Locked<State>

    init(_ answers: [@Sendable (Question) throws -> Answer]) {
        state = Locked(State(answers: answers))
    }

    var asked: [Question] { state.withLock { $0.asked } }
    var left: Int { state.withLock { $0.answers.count } }

    func answer(_ question: Question) throws -> Answer {
        let next = state.withLock { state -> (@Sendable (Question) throws -> Answer)? in
            state.asked.append(question)
            return state.answers.isEmpty ? nil : state.answers.removeFirst()
        }
        guard let next else { throw Exhausted(question: question) }
        return try next(question)
    }
}

struct ScriptedHTTP: HTTPTransport {
    let script: Script<HTTPRequest, HTTPResponse>

    init(_ answers: [@Sendable (HTTPRequest) throws -> HTTPResponse]) {
        script = Script(answers)
    }

    func execute(_ request: HTTPRequest) async throws -> HTTPResponse { try script.answer(request) }
}

/// A DNS server: queries in, messages out.
struct ScriptedDatagrams: Datagrams {
    let script: Script<[UInt8], [UInt8]>

    init(_ answers: [@Sendable ([UInt8]) throws -> [UInt8]]) {
        script = Script(answers)
    }

    func exchange(
        _ payload: [UInt8], with host: String, port: UInt16, timeout: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        let reply = try script.answer(payload)
        guard accept(reply) else {
            throw NetworkFailure(reason: .timeout, doing: "ask \(host)", detail: "no answer within \(timeout.short)")
        }
        return reply
    }
}

struct ScriptedChildren: ChildProcesses {
    let script: Script<ChildCommand, ChildResult>

    init(_ answers: [@Sendable (ChildCommand) throws -> ChildResult]) {
        script = Script(answers)
    }

    func run(_ command: ChildCommand) async throws -> ChildResult { try script.answer(command) }
}

struct ScriptedDialer: Dialer {
    let script: Script<Endpoint, any ByteStream>

    init(_ answers: [@Sendable (Endpoint) throws -> any ByteStream]) {
        script = Script(answers)
    }

    func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream {
        try script.answer(endpoint)
    }
}

final class SilentStream: ByteStream {
    let isClosed = Signal<Void>()

    func read() async throws -> [UInt8]? { nil }
    func write(_ bytes: [UInt8]) {}
    var unsent: Int { 0 }
    func drained() async throws {}
    func close() { isClosed.raise(()) }
}

final class MemoryFiles: FileSystem {
    private let files = Locked<[String: [UInt8]]>([:])
    private let failure: FileFailure.Reason?

    /// - Parameter failing: how whatever is written fails.
    init(failing failure: FileFailure.Reason? = nil) { self.failure = failure }

    var all: [String: [UInt8]] { files.withLock { $0 } }

    func read(_ path: String, limit: Int) async throws -> [UInt8] {
        guard let bytes = all[path] else { throw FileFailure(reason: .missing, path: path, detail: "missing") }
        return bytes
    }

    func write(_ path: String, _ bytes: [UInt8], mode: UInt16) async throws {
        if let failure { throw FileFailure(reason: failure, path: path, detail: "\(failure)") }
        files.withLock { $0[path] = bytes }
    }

    func permissions(_ path: String) async throws -> UInt16? { all[path] == nil ? nil : 0o600 }
    func isOnlyOurs(_ path: String) async throws -> Bool? { all[path] == nil ? nil : true }
    func modified(_ path: String) async throws -> Timestamp? { nil }
    func createFolder(_ path: String) async throws {}
    func remove(_ path: String) async throws { files.withLock { $0[path] = nil } }
}
