import HTTPKit

/// What is wrong with something that a person told the Sandbox.
package struct SandboxMistake: Error, Sendable, Hashable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) {
        self.description = description
    }
}

/// Reads the members of a JSON object one by one and then says which were not understood.
struct JSONFields {
    private let what: String
    private var members: JSONObject

    /// - Parameter what: what the object is, for messages.
    init(_ value: JSONValue, of what: String) throws(SandboxMistake) {
        guard let members = value.object else { throw SandboxMistake("\(what): a JSON object is expected") }
        self.what = what
        self.members = members
    }

    mutating func take(_ name: String) -> JSONValue? {
        defer { members[name] = nil }
        let value = members[name]
        return value?.isNull == true ? nil : value
    }

    mutating func text(_ name: String) throws(SandboxMistake) -> String? {
        try take(name).map { value throws(SandboxMistake) in
            guard let text = value.string else { throw wrong(name, "a string") }
            return text
        }
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(SandboxMistake) -> Int? {
        try take(name).map { value throws(SandboxMistake) in
            guard let number = value.integer, range.contains(number) else {
                throw wrong(name, "an integer from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
    }

    mutating func flag(_ name: String) throws(SandboxMistake) -> Bool? {
        try take(name).map { value throws(SandboxMistake) in
            guard let flag = value.bool else { throw wrong(name, "true or false") }
            return flag
        }
    }

    mutating func fraction(_ name: String) throws(SandboxMistake) -> Double? {
        try take(name).map { value throws(SandboxMistake) in
            guard let number = Self.number(value), (0...1).contains(number) else { throw wrong(name, "from 0 to 1") }
            return number
        }
    }

    /// Seconds, whole or not, up to a day.
    mutating func duration(_ name: String) throws(SandboxMistake) -> Duration? {
        try take(name).map { value throws(SandboxMistake) in
            guard let number = Self.number(value), (0...86_400).contains(number) else {
                throw wrong(name, "seconds, from 0 to 86400")
            }
            return .nanoseconds(Int64(number * 1e9))
        }
    }

    mutating func texts(_ name: String) throws(SandboxMistake) -> [String]? {
        try take(name).map { value throws(SandboxMistake) in
            guard let items = value.array else { throw wrong(name, "a list of strings") }
            let texts = items.compactMap(\.string)
            guard texts.count == items.count else { throw wrong(name, "a list of strings") }
            return texts
        }
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _: Choice.Type = Choice.self
    ) throws(SandboxMistake) -> Choice? where Choice.RawValue == String {
        guard let text = try text(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw wrong(name, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    func required<Value>(_ value: Value?, _ name: String) throws(SandboxMistake) -> Value {
        guard let value else { throw SandboxMistake("\(what): \(name) is missing") }
        return value
    }

    /// - Throws: when a member was never asked for.
    func end() throws(SandboxMistake) {
        guard let name = members.keys.min() else { return }
        throw SandboxMistake("\(what): \(name) is not known here")
    }

    func wrong(_ name: String, _ expected: String) -> SandboxMistake {
        SandboxMistake("\(what): \(name): \(expected) is expected")
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .number(let number): number
        default: nil
        }
    }
}
