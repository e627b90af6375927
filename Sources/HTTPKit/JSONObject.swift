/// The members of an object, sorted by name: written, compared and read without a hash. Objects of services have a
/// dozen or two members, of which each is read once.
package struct JSONObject: Sendable {
    package typealias Element = (key: String, value: JSONValue)

    private var members: [(String, JSONValue)]

    package init() { members = [] }

    /// Of members that have one name the last stands.
    package init(_ members: [(String, JSONValue)]) {
        self.members = members
        if !zip(members, members.dropFirst()).allSatisfy({ $0.0 < $1.0 }) { arrange() }
    }

    package init(_ members: [String: JSONValue]) {
        self.members = members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private mutating func arrange() {
        // `sort` is stable, so of equal names the last comes last.
        members.sort { $0.0 < $1.0 }
        let hasTwins = zip(members, members.dropFirst()).contains { $0.0 == $1.0 }
        guard hasTwins else { return }
        let next = members.dropFirst().map(\.0) + [nil]
        members = zip(members, next).filter { $0.0.0 != $0.1 }.map(\.0)
    }

    package subscript(name: String) -> JSONValue? {
        get {
            for (key, value) in members where key == name { return value }
            return nil
        }
        set {
            let index = members.firstIndex { $0.0 >= name } ?? members.endIndex
            let isThere = index < members.endIndex && members[index].0 == name
            switch newValue {
            case let value? where isThere: members[index].1 = value
            case let value?: members.insert((name, value), at: index)
            case nil: if isThere { members.remove(at: index) }
            }
        }
    }

    package var keys: [String] { members.map(\.0) }

    /// Those that are texts.
    package var strings: [String: String] {
        var strings: [String: String] = [:]
        for case (let name, .string(let text)) in members { strings[name] = text }
        return strings
    }

    package func filter(_ isWanted: (Element) throws -> Bool) rethrows -> JSONObject {
        var result = JSONObject()
        result.members = try members.filter { try isWanted(($0.0, $0.1)) }
        return result
    }

    /// Both; of members that have one name the other's stands.
    package func merging(_ other: JSONObject) -> JSONObject {
        var result = self
        for (name, value) in other { result[name] = value }
        return result
    }
}

extension JSONObject: RandomAccessCollection {
    package var startIndex: Int { members.startIndex }
    package var endIndex: Int { members.endIndex }
    package subscript(position: Int) -> Element { (members[position].0, members[position].1) }
}

extension JSONObject: Hashable {
    package static func == (a: JSONObject, b: JSONObject) -> Bool { a.members.elementsEqual(b.members, by: ==) }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        for (name, value) in members {
            hasher.combine(name)
            hasher.combine(value)
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
