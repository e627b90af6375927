/// What is read out of the JSON of an answer, member by member. Members that nobody reads may be missing or anything:
/// services add to their answers with every release.
package protocol JSONReadable: Sendable {
    init(json: JSONValue) throws(JSONError)
}

/// What is wrong with JSON, and where; nothing of what it says.
package struct JSONError: Error, Hashable, CustomStringConvertible {
    private let what: String
    /// Names of members and positions in arrays, from the outside.
    private var path: [String] = []

    /// - Parameter what: one line without any of the content.
    package init(_ what: String) {
        self.what = what
    }

    /// Of what is not JSON at all.
    init(notJSON what: String, at offset: Int) {
        self.init("not JSON: \(what) at byte \(offset)")
    }

    static var unexpectedValue: JSONError { JSONError("unexpected value") }

    /// The same, seen from one level further out.
    package func inside(_ name: String) -> JSONError {
        var outer = self
        outer.path.insert(name, at: 0)
        return outer
    }

    package var description: String { path.isEmpty ? what : "\(what) at \(path.joined(separator: "."))" }
}

extension JSONValue {
    /// A member that must be there.
    package func read<Value: JSONReadable>(_ name: String) throws(JSONError) -> Value {
        try read(name) { value throws(JSONError) in try Value(json: value) }
    }

    /// A member that may be missing or null.
    package func readIfPresent<Value: JSONReadable>(_ name: String) throws(JSONError) -> Value? {
        guard let value = try member(name) else { return nil }
        do { return try Value(json: value) } catch { throw error.inside(name) }
    }

    /// What a member that must be there holds.
    package func read<Value>(
        _ name: String, _ reading: (JSONValue) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        guard let value = try member(name) else { throw JSONError("no \(name)") }
        do { return try reading(value) } catch { throw error.inside(name) }
    }

    private func member(_ name: String) throws(JSONError) -> JSONValue? {
        guard case .object(let members) = self else { throw .unexpectedValue }
        guard let value = members[name], !value.isNull else { return nil }
        return value
    }
}

extension String: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        guard case .string(let value) = json else { throw .unexpectedValue }
        self = value
    }
}

extension Int: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        guard case .integer(let value) = json else { throw .unexpectedValue }
        self = value
    }
}

extension Bool: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        guard case .bool(let value) = json else { throw .unexpectedValue }
        self = value
    }
}

extension Array: JSONReadable where Element: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        guard case .array(let values) = json else { throw .unexpectedValue }
        self.init()
        reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            do { append(try Element(json: value)) } catch { throw error.inside(String(index)) }
        }
    }
}

extension JSONObject: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        guard case .object(let value) = json else { throw .unexpectedValue }
        self = value
    }
}

/// The elements of a list. Those that cannot be read are kept apart, so that one does not make the others unreadable.
package struct JSONElements<Element: JSONReadable>: JSONReadable {
    package var items: [Element] = []
    package var odd: [OddElement] = []

    package init(json: JSONValue) throws(JSONError) {
        guard case .array(let values) = json else { throw .unexpectedValue }
        items.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            do { items.append(try Element(json: value)) } catch {
                odd.append(OddElement(json: value, error: error.inside(String(index))))
            }
        }
    }
}

/// An element of a list that cannot be read.
package struct OddElement: Sendable, Hashable, CustomStringConvertible {
    package let json: JSONValue
    package let error: JSONError

    /// Nil when not even the name can be read.
    package var name: String? { json["name"]?.string }

    /// Which one, as far as it says, and what is wrong with it.
    package var description: String {
        let names = ["name", "id"].compactMap { json[$0]?.string }.filter { !$0.isEmpty }
        return AnswerText.shortened((names + ["(\(error))"]).joined(separator: " "))
    }
}

extension Dictionary: JSONReadable where Key == String, Value: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        guard case .object(let members) = json else { throw .unexpectedValue }
        self.init(minimumCapacity: members.count)
        for (name, value) in members {
            do { self[name] = try Value(json: value) } catch { throw error.inside(name) }
        }
    }
}

/// As it stands, to be taken apart by whoever asked.
extension JSONValue: JSONReadable {
    package init(json: JSONValue) { self = json }
}
