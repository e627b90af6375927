/// The entries of a YAML mapping in the order of the source, each key once.
package struct Mapping: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package var key: String
        /// What PyYAML would make of the key: keys are compared by their text, and written as what they are.
        package var keyType: ScalarType
        package var keyMark: Mark
        package var value: Node

        package init(key: String, keyType: ScalarType = .string, keyMark: Mark = .none, value: Node) {
            self.key = key
            self.keyType = keyType
            self.keyMark = keyMark
            self.value = value
        }

        package static func == (a: Entry, b: Entry) -> Bool {
            a.key == b.key && a.keyType == b.keyType && a.value == b.value
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(key)
            hasher.combine(value)
        }
    }

    package private(set) var entries: [Entry] = []
    private var index: [String: Int] = [:]

    package init() {}

    package var keys: [String] { entries.map(\.key) }
    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    package func entry(_ key: String) -> Entry? { index[key].map { entries[$0] } }

    /// Setting replaces in place or appends; setting nil removes.
    package subscript(key: String) -> Node? {
        get { entry(key)?.value }
        set {
            guard let newValue else {
                guard let position = index.removeValue(forKey: key) else { return }
                entries.remove(at: position)
                for later in position..<entries.count { index[entries[later].key] = later }
                return
            }
            set(key, entry(key)?.keyMark ?? .none, newValue)
        }
    }

    /// Replaces in place or appends, with the place of the new key.
    package mutating func set(_ key: String, _ keyMark: Mark, _ value: Node) {
        if let position = index[key] {
            entries[position] = Entry(key: key, keyType: entries[position].keyType, keyMark: keyMark, value: value)
        } else {
            append(key, keyMark, value)
        }
    }

    /// - Returns: false, and nothing is changed, when the key is there already.
    @discardableResult
    package mutating func append(
        _ key: String, _ keyMark: Mark, _ value: Node, keyType: ScalarType = .string
    ) -> Bool {
        guard index[key] == nil else { return false }
        index[key] = entries.count
        entries.append(Entry(key: key, keyType: keyType, keyMark: keyMark, value: value))
        return true
    }

    package static func == (a: Mapping, b: Mapping) -> Bool { a.entries == b.entries }

    package func hash(into hasher: inout Hasher) { hasher.combine(entries) }
}
