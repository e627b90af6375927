import Testing
import World

/// A conversation of several connections with a beanstalkd, whichever it is.
struct BrokerScript: Sendable {
    enum Step: Sendable {
        case open(String)
        case close(String)
        /// Sends these bytes and reads that many replies.
        case ask(String, [UInt8], replies: Int)
        /// Reads replies to what was sent before.
        case expect(String, replies: Int)
        /// Reads the end of the stream.
        case expectEnd(String)
        /// Nothing may come within this time.
        case silence(String, Duration)
        case wait(Duration)
        /// What a client gets that sends this, ends its sending, and reads to the end (facts A4).
        case last([UInt8])
        case drain
        /// Stops and starts the broker; as it was, or now with a log or without one.
        case restart(isPersistent: Bool?)
        case disk(isFull: Bool)
        /// Stops the broker, which does not come up again.
        case cannotRestart

        static let restart = Step.restart(isPersistent: nil)
    }

    let name: String
    /// The facts (A1 to H3) that it holds both brokers to.
    var facts: [String] = []
    var isPersistent = false
    var maximumJobSize: Int?
    /// Fields of statistics that are nothing to compare: what hangs on how long a script took.
    var hidden: Set<String> = []
    let steps: [Step]
}

extension BrokerScript: CustomTestStringConvertible {
    var testDescription: String { name }
}

extension BrokerScript.Step {
    /// One command, one reply.
    static func say(_ connection: String, _ lines: String...) -> [BrokerScript.Step] {
        lines.map { .ask(connection, Array("\($0)\r\n".utf8), replies: 1) }
    }

    static func put(
        _ connection: String, _ body: String, priority: UInt32 = 5, delay: Int = 0, ttr: Int = 60
    ) -> [BrokerScript.Step] {
        say(connection, "put \(priority) \(delay) \(ttr) \(body.utf8.count)\r\n\(body)")
    }

    /// A command that blocks: sent, and the broker given time to read it.
    static func block(_ connection: String, _ line: String) -> [BrokerScript.Step] {
        [.ask(connection, Array("\(line)\r\n".utf8), replies: 0), .wait(.milliseconds(60))]
    }
}

/// What a script may do to its broker besides talking to it.
protocol BrokerControl: Sendable {
    func drain() async throws
    func restart(isPersistent: Bool?) async throws
    func setDisk(isFull: Bool) async throws
    /// - Returns: whether it came up.
    func tryRestart() async throws -> Bool
    /// Sends, ends the sending, and reads to the end.
    func last(_ bytes: [UInt8]) async throws -> [UInt8]
}

struct ScriptFailure: Error, CustomStringConvertible {
    let description: String
}

/// Plays a script against the broker at an endpoint of a world.
struct BrokerScriptPlayer: Sendable {
    let world: World
    let endpoint: Endpoint
    let control: any BrokerControl

    private final class Connection: Sendable {
        let stream: any ByteStream
        let received = Locked([UInt8]())

        init(_ stream: any ByteStream) {
            self.stream = stream
        }
    }

    /// - Returns: the replies in order, each with the connection that got it.
    func play(_ script: BrokerScript) async throws -> [String] {
        var transcript: [String] = []
        var connections: [String: Connection] = [:]
        func connection(_ name: String) throws -> Connection {
            guard let found = connections[name] else { throw ScriptFailure(description: "no connection \(name)") }
            return found
        }
        for step in script.steps {
            switch step {
            case .open(let name):
                connections[name] = Connection(try await world.dial.connect(to: endpoint, timeout: .seconds(2)))
            case .close(let name):
                try connection(name).stream.close()
                try await world.time.sleep(for: .milliseconds(40))
            case .ask(let name, let bytes, let replies):
                let connection = try connection(name)
                connection.stream.write(bytes)
                let command = Self.shown(bytes)
                if replies == 0 { transcript.append("\(name) < \(command)") }
                for _ in 0..<replies {
                    transcript.append("\(name) < \(command) > \(try await reply(to: connection, script))")
                }
            case .expect(let name, let replies):
                for _ in 0..<replies { transcript.append("\(name) > \(try await reply(to: connection(name), script))") }
            case .expectEnd(let name):
                let bytes = try await read(connection(name))
                transcript.append("\(name) > \(bytes.map { Self.shown($0) } ?? "end")")
            case .silence(let name, let duration):
                transcript.append("\(name) > \(try await hears(connection(name), within: duration) ?? "silence")")
            case .wait(let duration):
                try await world.time.sleep(for: duration)
            case .drain:
                transcript.append("drain")
                try await control.drain()
            case .last(let bytes):
                var received = try await control.last(bytes)
                while let reply = Self.takeReply(&received) {
                    transcript.append("\(Self.shown(bytes)) > \(masked(reply, script))")
                }
                transcript.append("\(Self.shown(bytes)) > \(Self.shown(received))end")
            case .restart(let isPersistent):
                transcript.append("restart")
                try await control.restart(isPersistent: isPersistent)
            case .disk(let isFull):
                try await control.setDisk(isFull: isFull)
            case .cannotRestart:
                transcript.append("started: \(try await control.tryRestart())")
            }
        }
        for (_, connection) in connections.sorted(by: { $0.key < $1.key }) { connection.stream.close() }
        return transcript
    }

    private func read(_ connection: Connection) async throws -> [UInt8]? {
        try await world.time.withTimeout(.seconds(4), doing: "read a reply") { try await connection.stream.read() }
    }

    private func hears(_ connection: Connection, within duration: Duration) async throws -> String? {
        do {
            let bytes = try await world.time.withTimeout(duration, doing: "hear nothing") {
                try await connection.stream.read()
            }
            return bytes.map { Self.shown($0) } ?? "end"
        } catch is TimeoutError {
            return nil
        }
    }

    /// A line, and the body that it announces.
    private func reply(to connection: Connection, _ script: BrokerScript) async throws -> String {
        while true {
            if let reply = connection.received.withLock(Self.takeReply) { return masked(reply, script) }
            guard let bytes = try await read(connection) else { return "end" }
            connection.received.withLock { $0 += bytes }
        }
    }

    private static func takeReply(_ received: inout [UInt8]) -> String? {
        guard let end = received.firstIndex(of: 10) else { return nil }
        let line = String(decoding: received[...end], as: UTF8.self)
        let words = line.split(whereSeparator: \.isWhitespace)
        var length = end + 1
        if let word = words.first, ["OK", "FOUND", "RESERVED"].contains(word),
            let size = words.last.flatMap({ Int($0) })
        {
            length += size + 2
        }
        guard received.count >= length else { return nil }
        defer { received.removeFirst(length) }
        return String(decoding: received[..<length], as: UTF8.self)
    }

    /// Without what differs from process to process and host to host.
    private func masked(_ reply: String, _ script: BrokerScript) -> String {
        guard reply.hasPrefix("OK "), reply.contains(": ") else { return Self.shown(Array(reply.utf8)) }
        var fields = script.hidden
        if reply.contains("\ncurrent-tubes:") {
            fields.formUnion(["pid", "id", "hostname", "os", "platform", "uptime", "rusage-utime", "rusage-stime"])
        }
        if fields.isEmpty { return reply }
        let lines = reply.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().map { line in
            fields.contains { line.hasPrefix("\($0): ") } ? "\(line.prefix { $0 != ":" }): *" : String(line)
        }
        return "OK *\r\n" + lines.joined(separator: "\n")
    }

    private static func shown(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return text.utf8.count <= 400 ? text : "\(text.prefix(60))… \(bytes.count) bytes"
    }
}
