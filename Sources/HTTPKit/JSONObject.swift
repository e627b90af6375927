/// The members of an object, sorted by name: written, compared and read without a hash. Objects of services have a
/// dozen or two members, of which each is read once.
package struct JSONObject: Sendable {
    package typealias Element = (key: String, value: JSONValue)

    private var members: [Element]

    package init() { members = [] }

    /// Of members that have one name the last stands.
    package init(_ members: some Sequence<(String, JSONValue)>) {
        var sorted: [Element] = []
        sorted.reserveCapacity(members.underestimatedCount)
        var isSorted = true
        for (name, value) in members {
            if let last = sorted.last, last.key >= name { isSorted = false }
            sorted.append((name, value))
        }
        self.members = isSorted ? sorted : Self.sort(sorted)
    }

    package init(_ members: [String: JSONValue]) {
        self.members = members.sorted { $0.key < $1.key }
    }

    private static func sort(_ members: [Element]) -> [Element] {
        // `sort` is stable, so of equal names the last comes last.
        var sorted: [Element] = []
        sorted.reserveCapacity(members.count)
        for member in members.sorted(by: { $0.key < $1.key }) {
            if sorted.last?.key == member.key { sorted.removeLast() }
            sorted.append(member)
        }
        return sorted
    }

    package subscript(name: String) -> JSONValue? {
        get {
            for member in members where member.key == name { return member.value }
            return nil
        }
        set {
            let index = members.firstIndex { $0.key >= name } ?? members.endIndex
            let isThere = index < members.endIndex && members[index].key == name
            switch newValue {
            case let value? where isThere: members[index].value = value
            case let value?: members.insert((name, value), at: index)
            case nil: if isThere { members.remove(at: index) }
            }
        }
    }

    package var keys: [String] { members.map(\.key) }

    /// Those that are texts.
    package var strings: [String: String] {
        var strings: [String: String] = [:]
        for case (let name, .string(let text)) in members { strings[name] = text }
        return strings
    }

    package func filter(_ isWanted: (Element) throws -> Bool) rethrows -> JSONObject {
        var result = JSONObject()
        result.members = try members.filter(isWanted)
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
    package subscript(position: Int) -> Element { members[position] }
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
