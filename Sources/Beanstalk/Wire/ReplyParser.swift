/// What no beanstalkd sends: after it nothing on this connection can be trusted.
package struct ProtocolViolation: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Bytes in, replies out, in whatever pieces they arrive.
///
/// A length is only a promise: nothing is allocated for it before its bytes are there, and one beyond the limit ends
/// the parser. A partial line is not searched again from its start, a body is copied once, as a whole.
package struct ReplyParser: Sendable {
    /// The longest line of a real broker is `USING` with a name of 200 bytes.
    package static let longestLine = 1_024
    /// Well above any list or statistics; jobs have 65,535 bytes unless the broker was started with `-z`.
    package static let usualBodyLimit = 16 << 20

    private enum State {
        case line
        case body(Header, size: Int)
        case failed(ProtocolViolation)
    }

    private enum Header {
        case reserved(JobID), found(JobID), ok
    }

    private let bodyLimit: Int
    private var state = State.line
    private var buffer: [UInt8] = []
    /// Where the unread bytes start, and up to where they were searched for the end of the line.
    private var start = 0
    private var searched = 0

    /// - Parameter bodyLimit: the largest body accepted, in bytes; never more than `Command.largestBody`.
    package init(bodyLimit: Int = ReplyParser.usualBodyLimit) {
        self.bodyLimit = min(max(0, bodyLimit), Command.largestBody)
    }

    /// Whether a reply has begun and not ended.
    package var isInsideReply: Bool {
        if case .line = state { return start < buffer.count }
        return true
    }

    package mutating func append(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
            start = 0
            searched = 0
            return
        }
        // Moving the rest to the front costs no more than what was read before it, so it stays linear.
        if start >= buffer.count - start {
            buffer.removeSubrange(0..<start)
            searched -= start
            start = 0
        }
        buffer += bytes
    }

    /// The next complete reply; nil until more bytes are appended.
    /// - Throws: `ProtocolViolation`, from then on always.
    package mutating func next() throws(ProtocolViolation) -> Reply? {
        do {
            if case .line = state {
                guard let reply = try readLine() else { return try readBody() }
                return reply
            }
            return try readBody()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func readBody() throws(ProtocolViolation) -> Reply? {
        switch state {
        case .line:
            return nil
        case .failed(let violation):
            throw violation
        case .body(let header, let size):
            guard buffer.count - start >= size + 2 else { return nil }
            let end = start + size
            guard buffer[end] == UInt8(ascii: "\r"), buffer[end + 1] == UInt8(ascii: "\n") else {
                throw ProtocolViolation("a body of \(size) bytes does not end with CR LF")
            }
            let body = Array(buffer[start..<end])
            advance(to: end + 2)
            state = .line
            switch header {
            case .reserved(let id): return .reserved(QueuedJob(id: id, body: body))
            case .found(let id): return .found(QueuedJob(id: id, body: body))
            case .ok: return .ok(body)
            }
        }
    }

    /// - Returns: a reply of one line; nil if the line is not there yet, or if it announced a body.
    private mutating func readLine() throws(ProtocolViolation) -> Reply? {
        guard let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = buffer.count
            if searched - start > Self.longestLine {
                throw ProtocolViolation("a line of more than \(Self.longestLine) bytes")
            }
            return nil
        }
        guard newline - start <= Self.longestLine else {
            throw ProtocolViolation("a line of more than \(Self.longestLine) bytes")
        }
        guard newline > start, buffer[newline - 1] == UInt8(ascii: "\r") else {
            throw ProtocolViolation("a line that does not end with CR LF: \(Self.excerpt(buffer[start..<newline]))")
        }
        var line = ReplyLine(buffer[start..<newline - 1])
        let reply = try parse(&line)
        advance(to: newline + 1)
        return reply
    }

    private mutating func advance(to index: Int) {
        start = index
        searched = index
    }

    private mutating func parse(_ line: inout ReplyLine) throws(ProtocolViolation) -> Reply? {
        let keyword = line.word()
        let reply: Reply?
        switch keyword {
        case "RESERVED":
            let id = JobID(try line.number())
            reply = try expectBody(.reserved(id), size: line.number())
        case "FOUND":
            let id = JobID(try line.number())
            reply = try expectBody(.found(id), size: line.number())
        case "OK": reply = try expectBody(.ok, size: line.number())
        case "INSERTED": reply = .inserted(JobID(try line.number()))
        case "BURIED": reply = .buried(line.isAtEnd ? nil : JobID(try line.number()))
        case "USING": reply = .using(try line.tube())
        case "WATCHING": reply = .watching(try line.number())
        case "KICKED": reply = .kicked(line.isAtEnd ? nil : try line.number())
        case "DELETED": reply = .deleted
        case "TOUCHED": reply = .touched
        case "RELEASED": reply = .released
        case "NOT_FOUND": reply = .notFound
        case "TIMED_OUT": reply = .timedOut
        case "DEADLINE_SOON": reply = .deadlineSoon
        case "NOT_IGNORED": reply = .notIgnored
        case "PAUSED": reply = .paused
        default:
            guard let error = ErrorReply(rawValue: keyword) else { throw line.violation }
            reply = .error(error)
        }
        guard line.isAtEnd else { throw line.violation }
        return reply
    }

    private mutating func expectBody(_ header: Header, size: UInt64) throws(ProtocolViolation) -> Reply? {
        guard size <= UInt64(bodyLimit) else {
            throw ProtocolViolation("a body of \(size) bytes is announced, the limit is \(bodyLimit)")
        }
        state = .body(header, size: Int(size))
        return nil
    }

    fileprivate static func excerpt(_ bytes: ArraySlice<UInt8>) -> String {
        var text = ""
        for byte in bytes.prefix(80) {
            switch byte {
            case 0x20...0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return "'\(text)'" + (bytes.count > 80 ? "…" : "")
    }
}

/// The words of one line, separated by exactly one space each.
private struct ReplyLine {
    private let all: ArraySlice<UInt8>
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        all = bytes
        rest = bytes
    }

    var isAtEnd: Bool { rest.isEmpty }
    var violation: ProtocolViolation {
        ProtocolViolation("a line that no beanstalkd sends: \(ReplyParser.excerpt(all))")
    }

    /// The first word. Those that we know fit into a `String` without an allocation.
    mutating func word() -> String {
        let word = rest.prefix { $0 != UInt8(ascii: " ") }
        rest = rest[word.endIndex...]
        return String(decoding: word, as: UTF8.self)
    }

    mutating func number() throws(ProtocolViolation) -> UInt64 {
        try space()
        var value: UInt64 = 0
        let first = rest.startIndex
        while let byte = rest.first, byte != UInt8(ascii: " ") {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { throw violation }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw violation }
            value = sum
            rest.removeFirst()
        }
        guard rest.startIndex > first else { throw violation }
        return value
    }

    mutating func tube() throws(ProtocolViolation) -> TubeName {
        try space()
        do {
            return try TubeName(word())
        } catch {
            throw violation
        }
    }

    private mutating func space() throws(ProtocolViolation) {
        guard rest.first == UInt8(ascii: " ") else { throw violation }
        rest.removeFirst()
    }
}
