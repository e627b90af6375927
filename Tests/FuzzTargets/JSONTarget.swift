import FoundationEssentials
import HTTPKit

/// JSON of services: our reader against itself and against Foundation's.
enum JSONTarget {
    static func check(_ input: [UInt8]) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: input)
        } catch {
            try requireOneLine("\(error)")
            return
        }
        let written = value.bytes
        let again = try? JSONValue(parsing: written)
        try require(again == value, "\(value.text) is read as \(again?.text ?? "nothing")")
        try require(again?.bytes == written, "\(value.text) is written in two ways")
        // Of members that have one name Foundation takes the first; we take the last, as Python's services do.
        guard members(of: value) == colons(in: input) else { return }
        // Foundation refuses deeper nesting and larger exponents than we do; it must not see another value.
        guard let theirs = try? JSONDecoder().decode(FoundationsReading.self, from: Data(input)).value else { return }
        try require(isSame(value, theirs), "Foundation reads \(theirs.text), we read \(value.text)")
    }

    private static func members(of value: JSONValue) -> Int {
        switch value {
        case .array(let values): values.reduce(0) { $0 + members(of: $1) }
        case .object(let object): object.reduce(object.count) { $0 + members(of: $1.value) }
        default: 0
        }
    }

    /// One for each member that was written: those outside of texts.
    private static func colons(in input: [UInt8]) -> Int {
        var count = 0
        var isText = false
        var isEscaped = false
        for byte in input {
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isText: isEscaped = true
            case UInt8(ascii: "\""): isText.toggle()
            case UInt8(ascii: ":") where !isText: count += 1
            default: break
            }
        }
        return count
    }

    private struct FoundationsReading: Decodable {
        let value: JSONValue

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                value = .null
            } else if let bool = try? container.decode(Bool.self) {
                value = .bool(bool)
            } else if let integer = try? container.decode(Int.self) {
                value = .integer(integer)
            } else if let number = try? container.decode(Double.self) {
                value = .number(number)
            } else if let text = try? container.decode(String.self) {
                value = .string(text)
            } else if let elements = try? container.decode([FoundationsReading].self) {
                value = .array(elements.map(\.value))
            } else {
                value = .object(JSONObject(try container.decode([String: FoundationsReading].self).mapValues(\.value)))
            }
        }
    }

    /// Equal but for the last bit of a number: Foundation cuts some fractions instead of rounding them.
    private static func isSame(_ ours: JSONValue, _ theirs: JSONValue) -> Bool {
        switch (ours, theirs) {
        case (.array(let one), .array(let two)): one.count == two.count && zip(one, two).allSatisfy(isSame)
        case (.object(let one), .object(let two)):
            one.count == two.count && one.allSatisfy { key, value in two[key].map { isSame(value, $0) } ?? false }
        default: ours == theirs || number(ours, isCloseTo: theirs)
        }
    }

    private static func number(_ one: JSONValue, isCloseTo other: JSONValue) -> Bool {
        guard let one = double(one), let other = double(other) else { return false }
        return (one - other).magnitude <= one.magnitude * 1e-15
    }

    private static func double(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}
