/// Typed reading of one mapping. Every reader remembers its key, reports what is wrong to `problems` and goes on, so
/// that one pass finds everything; null counts as absent.
package final class Fields {
    package let path: String
    package let mark: Mark
    package let problems: Problems
    private let mapping: Mapping
    private var known: [String] = []

    /// - Parameter node: nil or null reads like an empty mapping; anything else that is no mapping is a problem.
    package init(_ node: Node?, path: String = "", problems: Problems) {
        self.path = path
        self.problems = problems
        mark = node?.mark ?? .none
        if let node, node.mapping == nil, !node.isNull {
            problems.error(node.mark, path, "expected a mapping, found \(node.summary)")
        }
        mapping = node?.mapping ?? Mapping()
    }

    // MARK: Any shape

    /// - Returns: nil when the key is absent or null, or when it has another shape (then a problem is reported).
    package func read<Value>(_ key: String, _ shape: Shape<Value>, required: Bool = false) -> Value? {
        guard let node = node(key) else {
            if required { problems.error(mark, path(key), "missing", hint: "expected \(shape.expectation)") }
            return nil
        }
        return shape.read(node, path(key), problems)
    }

    /// The raw value of a key; nil when absent or null.
    package func node(_ key: String) -> Node? {
        expect(key)
        guard let node = mapping[key], !node.isNull else { return nil }
        return node
    }

    package func has(_ key: String) -> Bool { node(key) != nil }

    /// The key stands there, and nothing behind it.
    package func isEmpty(_ key: String) -> Bool { mapping[key]?.text == "" && mapping[key]?.isNull == true }

    /// Where the key stands, for problems that are found later.
    package func mark(of key: String) -> Mark { mapping.entry(key)?.keyMark ?? mark }

    package func path(_ key: String) -> String { Self.join(path, key) }

    // MARK: Common shapes

    package func string(_ key: String, required: Bool = false) -> String? { read(key, .string, required: required) }

    package func int(_ key: String, in range: ClosedRange<Int> = .min ... .max, required: Bool = false) -> Int? {
        read(key, .integer(in: range), required: required)
    }

    package func double(
        _ key: String,
        in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude,
        required: Bool = false
    ) -> Double? {
        read(key, .number(in: range), required: required)
    }

    package func bool(_ key: String, required: Bool = false) -> Bool? { read(key, .boolean, required: required) }

    package func duration(
        _ key: String, in range: ClosedRange<Duration> = .zero ... .seconds(10_000 * 86_400), required: Bool = false
    ) -> Duration? {
        read(key, .duration(in: range), required: required)
    }

    /// A single scalar counts as a list of one.
    package func strings(_ key: String, required: Bool = false) -> [String]? {
        read(key, .list(.string), required: required)
    }

    package func choice<Value: CaseIterable & RawRepresentable & Sendable>(
        _ key: String, of type: Value.Type = Value.self, required: Bool = false
    ) -> Value? where Value.RawValue == String {
        read(key, .choice, required: required)
    }

    // MARK: Nested mappings

    /// The mapping under a key; nil when absent, null, or no mapping.
    package func fields(_ key: String, required: Bool = false) -> Fields? {
        guard let node = node(key) else {
            if required { problems.error(mark, path(key), "missing", hint: "expected a mapping") }
            return nil
        }
        let fields = Fields(node, path: path(key), problems: problems)
        return node.mapping == nil ? nil : fields
    }

    /// A list of mappings; a single mapping counts as a list of one, a null item is skipped.
    package func fieldsList(_ key: String) -> [Fields] {
        guard let node = node(key) else { return [] }
        guard let items = node.sequence else { return fields(key).map { [$0] } ?? [] }
        return items.enumerated().filter { !$1.isNull }.map { position, item in
            Fields(item, path: "\(path(key))[\(position)]", problems: problems)
        }
    }

    /// A mapping of free names to mappings, in the order of the source; null reads like an empty mapping.
    package func fieldsMap(_ key: String) -> [(name: String, fields: Fields)] {
        (node(key).map { _ in fields(key)?.mapping.entries ?? [] } ?? []).map { entry in
            let value = entry.value.isNull ? Node(.mapping(Mapping()), mark: entry.keyMark) : entry.value
            return (entry.key, Fields(value, path: Self.join(path(key), entry.key), problems: problems))
        }
    }

    // MARK: Unknown keys

    /// Names a key as known without reading it.
    package func expect(_ key: String) {
        if !known.contains(key) { known.append(key) }
    }

    /// The entries whose keys nobody has asked for, in the order of the source.
    package func leftovers() -> [Mapping.Entry] { mapping.entries.filter { !known.contains($0.key) } }

    /// Reports every leftover with the nearest known key.
    package func reportLeftovers(_ severity: Problem.Severity = .error) {
        for entry in leftovers() {
            problems.add(
                Problem(
                    severity, source: problems.source, mark: entry.keyMark, path: path(entry.key),
                    message: "unknown key", hint: hint(for: entry.key)))
        }
    }

    /// `did you mean slots?`, or empty.
    package func hint(for key: String) -> String {
        Spelling.nearest(to: key, in: known).map { "did you mean \($0)?" } ?? ""
    }

    package static func join(_ path: String, _ key: String) -> String {
        let isSimple = !key.isEmpty && key.unicodeScalars.allSatisfy { $0 != "." && $0 > " " && $0.isPrintable }
        let name = isSimple ? key : Node.quoted(key)
        return path.isEmpty ? name : "\(path).\(name)"
    }
}
