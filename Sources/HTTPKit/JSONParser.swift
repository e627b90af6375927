/// Reads JSON (RFC 8259) of any shape, and has a builder make values of it.
///
/// Writers differ in what they do with half of a surrogate pair (Python writes one for each byte that it could not
/// decode): it becomes U+FFFD, so that one odd text does not make the rest unreadable.
package struct JSONParser<Builder: JSONBuilder> {
    /// Arrays and objects inside each other; more is an attack on the stack, not an answer.
    private let deepest: Int
    private let bytes: [UInt8]
    private var index = 0
    private var builder: Builder

    /// - Throws: unless the bytes are exactly one JSON value; what the builder throws.
    package static func parse(
        _ bytes: [UInt8], deepest: Int = 200, with builder: Builder
    ) throws(JSONError) -> Builder.Value {
        // Once for all: cutting texts out of what is UTF-8 needs no look at each.
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw JSONError(notJSON: "a text that is not UTF-8", at: error.byteOffsets.lowerBound)
        }
        var parser = JSONParser(bytes: bytes, deepest: deepest, builder: builder)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.failure("something after the value") }
        return value
    }

    private init(bytes: [UInt8], deepest: Int, builder: Builder) {
        self.bytes = bytes
        self.deepest = deepest
        self.builder = builder
    }

    private mutating func value(depth: Int) throws(JSONError) -> Builder.Value {
        guard depth <= deepest else { throw failure("nested too deeply") }
        skipSpace()
        let place = try builder.place(index)
        switch peek {
        case UInt8(ascii: "{"): return try object(depth: depth, place)
        case UInt8(ascii: "["): return try array(depth: depth, place)
        case UInt8(ascii: "\""): return builder.string(try string(), place)
        case UInt8(ascii: "t"): return try literal("true", builder.bool(true, place))
        case UInt8(ascii: "f"): return try literal("false", builder.bool(false, place))
        case UInt8(ascii: "n"): return try literal("null", builder.null(place))
        case nil: throw failure("the end where a value is expected")
        default: return try number(place)
        }
    }

    private mutating func object(depth: Int, _ place: Builder.Place) throws(JSONError) -> Builder.Value {
        index += 1
        var members: [Builder.Member] = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return builder.object(members, place) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw failure("no member name") }
            let keyPlace = try builder.place(index)
            let key = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw failure("no colon after a member name") }
            members.append(builder.member(key, keyPlace, try value(depth: depth + 1)))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw failure("an object without an end") }
        return builder.object(members, place)
    }

    private mutating func array(depth: Int, _ place: Builder.Place) throws(JSONError) -> Builder.Value {
        index += 1
        var values: [Builder.Value] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return builder.array(values, place) }
        repeat {
            values.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw failure("an array without an end") }
        return builder.array(values, place)
    }

    private mutating func literal(_ text: StaticString, _ value: Builder.Value) throws(JSONError) -> Builder.Value {
        let end = index + text.utf8CodeUnitCount
        let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard end <= bytes.count, bytes[index..<end].elementsEqual(wanted) else { throw failure("no value") }
        index = end
        return value
    }

    private mutating func number(_ place: Builder.Place) throws(JSONError) -> Builder.Value {
        let start = index
        var isWhole = true
        _ = take(UInt8(ascii: "-"))
        let first = index
        guard skipDigits() else { return try word(from: start, place) }
        guard index - first == 1 || bytes[first] != UInt8(ascii: "0") else { throw failure("a leading zero") }
        if take(UInt8(ascii: ".")) {
            isWhole = false
            guard skipDigits() else { throw failure("no digits after the point") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard skipDigits() else { throw failure("no digits in the exponent") }
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        guard let value = builder.number(text, isWhole: isWhole, place) else { throw failure("a number out of range") }
        return value
    }

    /// Not of the standard, but Python's writer and reader have them.
    private mutating func word(from start: Int, _ place: Builder.Place) throws(JSONError) -> Builder.Value {
        for word in ["NaN", "Infinity", "-Infinity"] where bytes[start...].starts(with: word.utf8) {
            index = start + word.utf8.count
            guard let value = builder.number(word, isWhole: false, place) else { break }
            return value
        }
        throw failure("no value")
    }

    private mutating func string() throws(JSONError) -> String {
        index += 1
        let start = index
        while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
        if peek == UInt8(ascii: "\"") {
            defer { index += 1 }
            return String(decoding: bytes[start..<index], as: UTF8.self)
        }
        var out = Array(bytes[start..<index])
        while let byte = peek {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: out, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &out)
            case 0..<0x20: throw failure("a control character in a text")
            default: out.append(byte)
            }
        }
        throw failure("a text without an end")
    }

    private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
        guard let byte = peek else { throw failure("an escape without an end") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(8)
        case UInt8(ascii: "f"): out.append(12)
        case UInt8(ascii: "n"): out.append(10)
        case UInt8(ascii: "r"): out.append(13)
        case UInt8(ascii: "t"): out.append(9)
        case UInt8(ascii: "u"):
            var code = try unit()
            if (0xD800..<0xDC00).contains(code), let low = try lowSurrogate() {
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            out += UTF8.encode(Unicode.Scalar(code) ?? "\u{FFFD}").map(Array.init) ?? []
        default: throw failure("an unknown escape")
        }
    }

    /// The second half of a character, if it is what follows.
    private mutating func lowSurrogate() throws(JSONError) -> UInt32? {
        let start = index
        if take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let low = try unit()
            if (0xDC00..<0xE000).contains(low) { return low }
        }
        index = start
        return nil
    }

    private mutating func unit() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw failure("a broken escape")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipDigits() -> Bool {
        let start = index
        while let byte = peek, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { index += 1 }
        return index > start
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    private func failure(_ what: String) -> JSONError { JSONError(notJSON: what, at: index) }
}

/// Makes values of what a `JSONParser` reads.
package protocol JSONBuilder {
    /// Where a value or a member's name begins, for builders that keep it.
    associatedtype Place
    associatedtype Value
    associatedtype Member

    /// Called once for each value and each name, in the order of the text, with the byte at which it begins.
    mutating func place(_ offset: Int) throws(JSONError) -> Place
    func null(_ place: Place) -> Value
    func bool(_ value: Bool, _ place: Place) -> Value
    func string(_ value: String, _ place: Place) -> Value
    /// - Parameter isWhole: written without fraction and exponent.
    /// - Returns: nil when the number is out of range.
    func number(_ text: String, isWhole: Bool, _ place: Place) -> Value?
    func array(_ values: [Value], _ place: Place) -> Value
    func member(_ name: String, _ place: Place, _ value: Value) -> Member
    func object(_ members: [Member], _ place: Place) -> Value
}
