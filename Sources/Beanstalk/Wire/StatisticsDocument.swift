/// A document of `key: value` lines, read by hand: 1.13 quotes some strings, 1.12 none, and its `os` line is not YAML
/// (fact G6). Nothing is guessed from how a value looks: a tube may be named `1.5`.
package struct StatisticsDocument: Sendable, Hashable {
    /// In the broker's order, as written there, without quotes.
    package let fields: [Field]

    package struct Field: Sendable, Hashable {
        package let key: String
        package let value: String
    }

    package init(parsing bytes: [UInt8]) throws(ProtocolViolation) {
        var fields: [Field] = []
        for line in try Self.lines(of: bytes) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                throw ProtocolViolation("statistics with a line that is not 'key: value'")
            }
            var value = line[(colon + 1)...]
            if value.first == UInt8(ascii: " ") { value.removeFirst() }
            fields.append(
                Field(
                    key: String(decoding: line[..<colon], as: UTF8.self),
                    value: String(decoding: Self.unquoted(value), as: UTF8.self)))
        }
        self.fields = fields
    }

    /// The names in a `- name` document.
    package static func tubes(parsing bytes: [UInt8]) throws(ProtocolViolation) -> [TubeName] {
        var tubes: [TubeName] = []
        for line in try lines(of: bytes) {
            guard line.starts(with: "- ".utf8),
                let tube = try? TubeName(String(decoding: unquoted(line.dropFirst(2)), as: UTF8.self))
            else { throw ProtocolViolation("a list of tubes with a line that is not '- name'") }
            tubes.append(tube)
        }
        return tubes
    }

    package subscript(key: String) -> String? {
        fields.first { $0.key == key }?.value
    }

    func text(_ key: String) throws(ProtocolViolation) -> String {
        guard let value = self[key] else { throw ProtocolViolation("statistics without '\(key)'") }
        return value
    }

    func tube(_ key: String) throws(ProtocolViolation) -> TubeName {
        let value = try text(key)
        do {
            return try TubeName(value)
        } catch {
            throw ProtocolViolation("statistics with '\(key)': \(error)")
        }
    }

    /// A number of any size, clamped to 64 bits: after a step of the broker's clock ages and times left can be absurd
    /// (fact B8), which is no reason to fail.
    func number(_ key: String) throws(ProtocolViolation) -> Int64 {
        let value = try text(key)
        if let number = Int64(value) { return number }
        let digits = value.utf8.first == UInt8(ascii: "-") ? value.utf8.dropFirst() : value.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
            throw ProtocolViolation("statistics with '\(key): \(value.prefix(40))', a number was expected")
        }
        return digits.count == value.utf8.count ? .max : .min
    }

    func count(_ key: String) throws(ProtocolViolation) -> Int { Int(clamping: try number(key)) }

    func seconds(_ key: String) throws(ProtocolViolation) -> Duration { .seconds(try number(key)) }

    /// 0 where an older broker does not count it.
    func countIfKnown(_ key: String) throws(ProtocolViolation) -> Int { self[key] == nil ? 0 : try count(key) }

    private static func lines(of bytes: [UInt8]) throws(ProtocolViolation) -> [ArraySlice<UInt8>] {
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard let first = lines.first, first.elementsEqual("---".utf8) else {
            throw ProtocolViolation("a document that does not begin with '---'")
        }
        return Array(lines.dropFirst())
    }

    private static func unquoted(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") else {
            return value
        }
        return value.dropFirst().dropLast()
    }
}
