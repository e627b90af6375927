/// One node of a YAML document with the place where it begins. Comparing ignores places.
package struct Node: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        case scalar(Scalar)
        case sequence([Node])
        case mapping(Mapping)
        /// A node with a tag that its own form does not imply (`!!binary`, `!!float 1`, `!mine`). Whoever reads such a node
        /// as something else finds that it is not; whoever passes it on passes the tag on.
        indirect case tagged(String, Node)
    }

    package var kind: Kind
    package var mark: Mark

    package init(_ kind: Kind, mark: Mark = .none) {
        self.kind = kind
        self.mark = mark
    }

    package static func == (a: Node, b: Node) -> Bool { a.kind == b.kind }

    package func hash(into hasher: inout Hasher) { hasher.combine(kind) }

    package var scalar: Scalar? {
        if case .scalar(let scalar) = kind { scalar } else { nil }
    }

    /// The source text of a scalar, whatever its type.
    package var text: String? { scalar?.text }

    package var sequence: [Node]? {
        if case .sequence(let items) = kind { items } else { nil }
    }

    package var mapping: Mapping? {
        if case .mapping(let mapping) = kind { mapping } else { nil }
    }

    package var isNull: Bool { scalar?.type == .null }

    /// The value of a key, when this is a mapping that has it.
    package subscript(key: String) -> Node? { mapping?[key] }

    /// The tags of this node and of all below it, with their places.
    package var tags: [(tag: String, mark: Mark)] {
        switch kind {
        case .scalar: []
        case .sequence(let items): items.flatMap(\.tags)
        case .mapping(let mapping): mapping.entries.flatMap(\.value.tags)
        case .tagged(let tag, let node): [(tag, mark)] + node.tags
        }
    }

    /// `a list`, `the number 22.10`, `the text "abc"`: completes "found …". Long texts are cut.
    package var summary: String {
        switch kind {
        case .sequence(let items): items.isEmpty ? "an empty list" : "a list"
        case .mapping: "a mapping"
        // Unnamed: what begins with ! may be somebody's password.
        case .tagged: "a value with a tag (quote a text that begins with !)"
        case .scalar(let scalar):
            switch scalar.type {
            case .null: "nothing"
            case .boolean: "the boolean \(scalar.text)"
            case .integer, .float: "the number \(scalar.text.prefix(40))"
            case .timestamp: "the date \(scalar.text.prefix(40))"
            case .string, .merge, .value: "the text \(Self.quoted(scalar.text))"
            }
        }
    }

    /// A text for an error message: one line, at most 40 characters, control characters shown.
    package static func quoted(_ text: String) -> String {
        let head = text.unicodeScalars.prefix(40).map { $0.escaped(asASCII: !$0.isPrintable) }.joined()
        return text.unicodeScalars.count > 40 ? "\"\(head)…\"" : "\"\(head)\""
    }
}

/// Nodes from Swift values.
extension Node {
    package static let null = Node(.scalar(Scalar(text: "null", isPlain: true)))

    package static func string(_ text: String) -> Node { Node(.scalar(Scalar(text: text, isPlain: false))) }

    package static func integer(_ value: some BinaryInteger) -> Node {
        Node(.scalar(Scalar(text: String(value), isPlain: true)))
    }

    /// A number in a form that PyYAML reads as one: it needs a point, and a sign in the exponent.
    package static func number(_ value: Double) -> Node {
        Node(.scalar(Scalar(text: ScalarType.floatText(value), isPlain: true)))
    }

    package static func boolean(_ value: Bool) -> Node {
        Node(.scalar(Scalar(text: value ? "true" : "false", isPlain: true)))
    }

    package static func list(_ items: [Node]) -> Node { Node(.sequence(items)) }

    package static func strings(_ items: some Sequence<String>) -> Node { .list(items.map { .string($0) }) }

    /// A later entry replaces an earlier one of the same key.
    package static func map(_ entries: [(String, Node)]) -> Node {
        var mapping = Mapping()
        for (key, value) in entries { mapping[key] = value }
        return Node(.mapping(mapping))
    }
}
