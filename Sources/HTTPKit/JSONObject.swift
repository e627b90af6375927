/// The members of an object, written, compared and read without a hash: objects of services have a dozen or two members,
/// of which each is read once. One made here has them sorted by name, so that equal objects are written alike; one that was
/// read keeps the order in which they came, because the order of a server's addresses means something.
package struct JSONObject: Sendable {
    package typealias Element = (key: String, value: JSONValue)

    private var members: [(String, JSONValue)]

    package init() { members = [] }

    /// Of members that have one name the last stands.
    package init(_ members: [(String, JSONValue)]) {
        self.members = members
        if !isSorted { arrange() }
    }

    package init(_ members: [String: JSONValue]) {
        self.members = members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// In this order. Of members that have one name the last stands, in the place of the first, as in Python.
    package init(inOrder members: [(String, JSONValue)]) {
        self.members = members
        guard !isSorted else { return }
        var sorted = self
        sorted.arrange()
        guard sorted.count < members.count else { return }
        var seen: Set<String> = []
        self.members = members.filter { seen.insert($0.0).inserted }.map { ($0.0, sorted[$0.0] ?? .null) }
    }

    private var isSorted: Bool { zip(members, members.dropFirst()).allSatisfy { $0.0 < $1.0 } }

    private mutating func arrange() {
        // `sort` is stable, so of equal names the last comes last.
        members.sort { $0.0 < $1.0 }
        let hasTwins = zip(members, members.dropFirst()).contains { $0.0 == $1.0 }
        guard hasTwins else { return }
        let next = members.dropFirst().map(\.0) + [nil]
        members = zip(members, next).filter { $0.0.0 != $0.1 }.map(\.0)
    }

    private var sorted: JSONObject { isSorted ? self : JSONObject(members) }

    package subscript(name: String) -> JSONValue? {
        get {
            for (key, value) in members where key == name { return value }
            return nil
        }
        set {
            if let index = members.firstIndex(where: { $0.0 == name }) {
                if let newValue { members[index].1 = newValue } else { members.remove(at: index) }
            } else if let newValue {
                members.insert((name, newValue), at: members.firstIndex { $0.0 > name } ?? members.endIndex)
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
    /// Whatever the order.
    package static func == (a: JSONObject, b: JSONObject) -> Bool {
        a.count == b.count && a.sorted.members.elementsEqual(b.sorted.members, by: ==)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        for (name, value) in sorted.members {
            hasher.combine(name)
            hasher.combine(value)
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
