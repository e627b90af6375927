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
        let theirs = try? JSONDecoder().decode(JSONValue.self, from: Data(input))
        // Foundation refuses deeper nesting and larger exponents than we do; it must not see another value.
        try require(theirs == nil || theirs == value, "Foundation reads \(theirs?.text ?? ""), we read \(value.text)")
    }
}
