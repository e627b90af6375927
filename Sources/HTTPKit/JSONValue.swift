/// JSON of any shape: what services answer, and what we send and print. Typed values are read from it (`JSONReadable`).
/// Objects that are made here are written with sorted keys, so that the same value always gives the same bytes; what was
/// read is written in its own order.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// - Throws: what is wrong and where, when the bytes are not one JSON value.
    package init(parsing bytes: [UInt8]) throws(JSONError) {
        self = try JSONParser.parse(bytes, with: JSONValueBuilder())
    }

    /// Compact JSON.
    package var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(1_024)
        write(into: &out)
        return out
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    package var isNull: Bool { if case .null = self { true } else { false } }

    private func write(into out: inout [UInt8]) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .integer(let value): out += String(value).utf8
        case .number(let value): out += (value.isFinite ? String(value) : "null").utf8
        case .string(let value): Self.write(value, into: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                value.write(into: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                Self.write(member.key, into: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(into: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        var text = text
        let isPlain = text.withUTF8 { bytes in
            guard !bytes.contains(where: mayNeedEscape) else { return false }
            out.append(contentsOf: bytes)
            return true
        }
        if !isPlain {
            for scalar in text.unicodeScalars { write(scalar, into: &out) }
        }
        out.append(UInt8(ascii: "\""))
    }

    /// Whether a byte begins a character that is escaped, or one of a few dozen others: nearly no text has any.
    private static func mayNeedEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x7F, 0xC2, 0xD8, 0xE2: true
        default: false
        }
    }

    /// What a terminal acts on is escaped beyond what RFC 8259 demands: it is shown to people, and any reader takes it.
    private static func write(_ scalar: Unicode.Scalar, into out: inout [UInt8]) {
        switch scalar {
        case "\"": out += #"\""#.utf8
        case "\\": out += #"\\"#.utf8
        case "\n": out += #"\n"#.utf8
        case "\r": out += #"\r"#.utf8
        case "\t": out += #"\t"#.utf8
        case _ where scalar.isTerminalControl:
            let digits = String(scalar.value, radix: 16)
            out += (#"\u"# + String(repeating: "0", count: 4 - digits.utf8.count) + digits).utf8
        default: out += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements))
    }
    package init(nilLiteral: ()) { self = .null }
}

/// Values without their places.
private struct JSONValueBuilder: JSONBuilder {
    func place(_ offset: Int) {}
    func null(_: Void) -> JSONValue { .null }
    func bool(_ value: Bool, _: Void) -> JSONValue { .bool(value) }
    func string(_ value: String, _: Void) -> JSONValue { .string(value) }
    func array(_ values: [JSONValue], _: Void) -> JSONValue { .array(values) }
    func member(_ name: String, _: Void, _ value: JSONValue) -> (String, JSONValue) { (name, value) }
    func object(_ members: [(String, JSONValue)], _: Void) -> JSONValue { .object(JSONObject(inOrder: members)) }

    func number(_ text: String, isWhole: Bool, _: Void) -> JSONValue? {
        if isWhole, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { return nil }
        // 1.0 is 1: services differ in how they write the same number.
        return Int(exactly: value).map { .integer($0) } ?? .number(value)
    }
}
