package import YAMLKit

/// What there is to say about one key of the configuration.
package struct KeyDocument: Sendable {
    package enum Content: Sendable {
        case value(default: Node)
        /// No default of its own; `example` is what the example file shows, commented out unless `isSet`.
        case optional(otherwise: String, example: Node, isSet: Bool)
        case section([KeyDocument])
        /// Entries under names of the operator's choice; the name is that of the example.
        case named(String, [KeyDocument])
    }

    package var name: String
    package var meaning: String
    /// `a whole number from 1 to 10000, in MB`
    package var form: String
    package var content: Content

    /// The paths of this key and of all below it, as the example file has them.
    package func paths(under parent: String = "") -> [String] {
        let path = parent.isEmpty ? name : "\(parent).\(name)"
        return switch content {
        case .value, .optional: [path]
        case .section(let children): children.flatMap { $0.paths(under: path) }
        case .named(let example, let children): children.flatMap { $0.paths(under: "\(path).\(example)") }
        }
    }

    /// What holds when the key is absent; nil for mappings of keys.
    var defaultText: String? {
        switch content {
        case .value(let value): Self.inline(value)
        case .optional(let otherwise, _, _): otherwise
        case .section, .named: nil
        }
    }

    /// A value on one line.
    static func inline(_ node: Node) -> String {
        switch node.kind {
        case .scalar:
            let text = YAMLWriter.write(node)
            return String(text.prefix { $0 != "\n" })
        case .tagged: return inline(.string(node.summary))
        case .sequence(let items): return "[\(items.map { inline($0) }.joined(separator: ", "))]"
        case .mapping(let mapping):
            let entries = mapping.entries.map { "\(YAMLWriter.inline($0.key)): \(inline($0.value))" }
            return "{\(entries.joined(separator: ", "))}"
        }
    }
}
