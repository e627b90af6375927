import HTTPKit

/// JSON as Python's `json.dumps` writes it: members in the order given, `", "` and `": "` between, ASCII only. paddles'
/// bodies are compared byte by byte with the recordings.
enum PythonJSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case string(String)
    case array([PythonJSON])
    case object([(name: String, value: PythonJSON)])

    static func text(_ value: String?) -> PythonJSON { value.map { .string($0) } ?? .null }
    static func flag(_ value: Bool?) -> PythonJSON { value.map { .bool($0) } ?? .null }

    var bytes: [UInt8] {
        var out: [UInt8] = []
        write(into: &out)
        return out
    }

    private func write(into out: inout [UInt8]) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .integer(let value): out += String(value).utf8
        case .string(let value): Self.write(value, into: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out += ", ".utf8 }
                value.write(into: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out += ", ".utf8 }
                Self.write(member.name, into: &out)
                out += ": ".utf8
                member.value.write(into: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for unit in text.utf16 {
            switch unit {
            case 0x22: out += #"\""#.utf8
            case 0x5C: out += #"\\"#.utf8
            case 0x0A: out += #"\n"#.utf8
            case 0x0D: out += #"\r"#.utf8
            case 0x09: out += #"\t"#.utf8
            case 0x08: out += #"\b"#.utf8
            case 0x0C: out += #"\f"#.utf8
            case 0x20..<0x7F: out.append(UInt8(unit))
            default:
                let digits = String(unit, radix: 16)
                out += #"\u"#.utf8
                out += String(repeating: "0", count: 4 - digits.utf8.count).utf8
                out += digits.utf8
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
