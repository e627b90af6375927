import HTTPKit
import World

/// How the services write times.
extension Timestamp {
    /// To the second, as their databases keep it.
    var wholeSeconds: Timestamp {
        let rest = microseconds % 1_000_000
        return Timestamp(microseconds: microseconds - (rest < 0 ? rest + 1_000_000 : rest))
    }

    /// `2026-11-22T15:42:54Z`
    var seconds: String { wholeSeconds.description }

    /// `2026-11-22T15:42:54.000000`: a database column of whole seconds, written without a zone.
    var column: String { String(decoding: seconds.utf8.dropLast() + ".000000".utf8, as: UTF8.self) }

    /// `2026-11-22T15:42:54.495992`: the moment itself, written without a zone.
    var exact: String {
        let text = description.dropLast()
        return text.utf8.count > 19 ? String(text) : text + ".000000"
    }
}

extension JSONValue {
    static func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }

    static func map(_ value: [String: String]) -> JSONValue { .object(JSONObject(value.mapValues(JSONValue.string))) }

    /// As Python's `repr` writes it, which is what Nova's messages show. Members come sorted; Python keeps the order of
    /// the request.
    var pythonText: String {
        switch self {
        case .null: "None"
        case .bool(let value): value ? "True" : "False"
        case .integer(let value): String(value)
        case .number(let value): String(value)
        case .string(let value): "'\(value)'"
        case .array(let values): "[" + values.map(\.pythonText).joined(separator: ", ") + "]"
        case .object(let members):
            "{"
                + members.sorted { $0.key < $1.key }.map { "'\($0.key)': \($0.value.pythonText)" }
                .joined(separator: ", ") + "}"
        }
    }
}

/// A UUID with or without hyphens, as `uuid.UUID` of Python takes it.
func isUUID(_ text: String) -> Bool {
    let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
    return digits.count == 32
        && digits.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"):
                true
            default: false
            }
        }
}
