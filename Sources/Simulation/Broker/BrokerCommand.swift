/// A command line of the beanstalk protocol, as 1.12 reads it: `reserve-with-timeout` and `kick` take any text for a
/// number (C's strtol), everything else is strict.
enum BrokerCommand: Sendable, Equatable {
    case put(priority: UInt32, delay: UInt32, timeToRun: UInt32, size: UInt32, hasGarbage: Bool)
    case use(String)
    case watch(String)
    case ignore(String)
    /// Seconds; negative or nil wait for ever.
    case reserve(timeout: Int32?)
    case reserveJob(UInt64)
    case delete(UInt64)
    case release(UInt64, priority: UInt32, delay: UInt32)
    case bury(UInt64, priority: UInt32)
    case touch(UInt64)
    case kick(UInt32)
    case kickJob(UInt64)
    case peek(UInt64)
    case peekReady, peekDelayed, peekBuried
    case stats
    case statsJob(UInt64)
    case statsTube(String)
    case listTubes, listTubeUsed, listTubesWatched
    /// The name is checked after the command was counted.
    case pauseTube(String, delay: UInt32)
    case quit

    enum Failure: Error, Sendable { case badFormat, unknown }

    init(_ line: [UInt8], isStrict: Bool) throws(Failure) {
        if line.contains(0) { throw .badFormat }
        for (word, parse) in Self.words where line.starts(with: word.utf8) {
            self = try parse(LineReader(line[word.utf8.count...]), isStrict)
            return
        }
        throw .unknown
    }

    private typealias Parse = @Sendable (LineReader, Bool) throws(Failure) -> BrokerCommand

    /// The first word that the line begins with decides, so longer ones stand before shorter ones.
    private static let words: [(String, Parse)] = [
        ("put ", { (reader, _) throws(Failure) in try put(reader) }),
        ("peek ", { (reader, _) throws(Failure) in .peek(try id(reader)) }),
        ("peek-ready", { (reader, _) throws(Failure) in try bare(reader, .peekReady) }),
        ("peek-delayed", { (reader, _) throws(Failure) in try bare(reader, .peekDelayed) }),
        ("peek-buried", { (reader, _) throws(Failure) in try bare(reader, .peekBuried) }),
        ("reserve-with-timeout ", { (reader, isStrict) throws(Failure) in try reserve(reader, isStrict) }),
        ("reserve-job ", { (reader, _) throws(Failure) in .reserveJob(try id(reader)) }),
        ("reserve", { (reader, _) throws(Failure) in try bare(reader, .reserve(timeout: nil)) }),
        ("delete ", { (reader, _) throws(Failure) in .delete(try id(reader)) }),
        ("release ", { (reader, _) throws(Failure) in try release(reader) }),
        ("bury ", { (reader, _) throws(Failure) in try bury(reader) }),
        ("kick ", { (reader, _) throws(Failure) in try kick(reader) }),
        ("kick-job ", { (reader, _) throws(Failure) in .kickJob(try id(reader)) }),
        ("touch ", { (reader, _) throws(Failure) in .touch(try id(reader)) }),
        ("stats-job ", { (reader, _) throws(Failure) in .statsJob(try id(reader)) }),
        ("stats-tube ", { (reader, _) throws(Failure) in .statsTube(try tube(reader)) }),
        ("stats", { (reader, _) throws(Failure) in try bare(reader, .stats) }),
        ("use ", { (reader, _) throws(Failure) in .use(try tube(reader)) }),
        ("watch ", { (reader, _) throws(Failure) in .watch(try tube(reader)) }),
        ("ignore ", { (reader, _) throws(Failure) in .ignore(try tube(reader)) }),
        ("list-tubes-watched", { (reader, _) throws(Failure) in try bare(reader, .listTubesWatched) }),
        ("list-tube-used", { (reader, _) throws(Failure) in try bare(reader, .listTubeUsed) }),
        ("list-tubes", { (reader, _) throws(Failure) in try bare(reader, .listTubes) }),
        ("quit", { (_, _) throws(Failure) in .quit }),
        ("pause-tube", { (reader, _) throws(Failure) in try pause(reader) }),
    ]

    private static func bare(_ reader: LineReader, _ command: BrokerCommand) throws(Failure) -> BrokerCommand {
        guard reader.isAtEnd else { throw .badFormat }
        return command
    }

    private static func id(_ reader: LineReader) throws(Failure) -> UInt64 {
        var reader = reader
        guard let id = reader.unsigned(), reader.isAtEnd else { throw .badFormat }
        return id
    }

    private static func tube(_ reader: LineReader) throws(Failure) -> String {
        let name = reader.rest
        guard isTubeName(name) else { throw .badFormat }
        return String(decoding: name, as: UTF8.self)
    }

    private static func put(_ reader: LineReader) throws(Failure) -> BrokerCommand {
        var reader = reader
        guard let priority = reader.unsigned32(), let delay = reader.unsigned32(), let ttr = reader.unsigned32(),
            let size = reader.unsigned32()
        else { throw .badFormat }
        return .put(priority: priority, delay: delay, timeToRun: ttr, size: size, hasGarbage: !reader.isAtEnd)
    }

    private static func reserve(_ reader: LineReader, _ isStrict: Bool) throws(Failure) -> BrokerCommand {
        var reader = reader
        if isStrict {
            guard let seconds = reader.unsigned32(), reader.isAtEnd, let timeout = Int32(exactly: seconds) else {
                throw .badFormat
            }
            return .reserve(timeout: timeout)
        }
        guard let number = reader.lenient() else { throw .badFormat }
        return .reserve(timeout: Int32(truncatingIfNeeded: number.value))
    }

    private static func release(_ reader: LineReader) throws(Failure) -> BrokerCommand {
        var reader = reader
        guard let id = reader.unsigned(), let priority = reader.unsigned32(), let delay = reader.unsigned32(),
            reader.isAtEnd
        else { throw .badFormat }
        return .release(id, priority: priority, delay: delay)
    }

    private static func bury(_ reader: LineReader) throws(Failure) -> BrokerCommand {
        var reader = reader
        guard let id = reader.unsigned(), let priority = reader.unsigned32(), reader.isAtEnd else { throw .badFormat }
        return .bury(id, priority: priority)
    }

    private static func kick(_ reader: LineReader) throws(Failure) -> BrokerCommand {
        var reader = reader
        guard let number = reader.lenient(), number.hasDigits else { throw .badFormat }
        return .kick(UInt32(truncatingIfNeeded: number.value))
    }

    private static func pause(_ reader: LineReader) throws(Failure) -> BrokerCommand {
        var reader = reader
        guard let name = reader.name(), let delay = reader.unsigned32(), reader.isAtEnd else { throw .badFormat }
        return .pauseTube(name, delay: delay)
    }

    /// 1 to 200 of `A-Za-z0-9-+/;.$_()`, not beginning with a hyphen (facts G2).
    static func isTubeName(_ name: some Collection<UInt8>) -> Bool {
        guard let first = name.first, first != UInt8(ascii: "-"), name.count <= 200 else { return false }
        return name.allSatisfy(LineReader.isNameByte)
    }
}

/// The arguments of a command line.
struct LineReader: Sendable {
    private(set) var rest: ArraySlice<UInt8>

    init(_ rest: ArraySlice<UInt8>) {
        self.rest = rest
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func unsigned() -> UInt64? {
        skipSpaces()
        var value: UInt64 = 0
        var hasDigits = false
        while let byte = rest.first, let digit = Self.digit(byte) {
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = scaled.addingReportingOverflow(UInt64(digit))
            if overflow || sumOverflow { return nil }
            value = sum
            hasDigits = true
            rest.removeFirst()
        }
        return hasDigits ? value : nil
    }

    mutating func unsigned32() -> UInt32? {
        unsigned().flatMap { UInt32(exactly: $0) }
    }

    /// As strtol reads: blanks, a sign, digits; whatever follows is nobody's concern, and no digits are a zero.
    mutating func lenient() -> (value: Int64, hasDigits: Bool)? {
        skipSpaces()
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest.removeFirst()
        }
        guard let first = rest.first, Self.digit(first) != nil else { return (0, false) }
        guard let magnitude = unsigned(), let value = Int64(exactly: magnitude) else { return nil }
        return (isNegative ? -value : value, true)
    }

    mutating func name() -> String? {
        skipSpaces()
        let name = rest.prefix(while: Self.isNameByte)
        rest = rest.dropFirst(name.count)
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    private mutating func skipSpaces() {
        rest = rest.drop { $0 == UInt8(ascii: " ") }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? byte - UInt8(ascii: "0") : nil
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "/"),
            UInt8(ascii: ";"), UInt8(ascii: "."), UInt8(ascii: "$"), UInt8(ascii: "_"), UInt8(ascii: "("),
            UInt8(ascii: ")"):
            true
        default:
            false
        }
    }
}
