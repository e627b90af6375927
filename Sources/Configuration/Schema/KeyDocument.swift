package import YAMLKit

/// What there is to say about one key of the configuration.
package struct KeyDocument: Sendable {
    package enum Content: Sendable {
        case value(default: Node)
        /// No default of its own; `example` is what the example file shows.
        case optional(otherwise: String, example: Node)
        case section([KeyDocument])
        /// Entries under names of the operator's choice; the name is that of the example.
        case named(String, [KeyDocument])
    }

    package var name: String
    package var meaning: String
    /// `a whole number from 1 to 10000`
    package var expectation: String
    /// `seconds`, `MB`; empty where the expectation says it or there is none.
    package var unit: String
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

    /// `A whole number from 1 to 10000. Default: 50.`
    var facts: String {
        var text = expectation.prefix(1).uppercased() + expectation.dropFirst()
        if !unit.isEmpty { text += ", in \(unit)" }
        switch content {
        case .value(let value): text += ". Default: \(Self.inline(value))."
        case .optional(let otherwise, _): text += ". Default: \(otherwise)."
        case .section, .named: return ""
        }
        return text
    }

    /// A value on one line.
    static func inline(_ node: Node) -> String {
        switch node.kind {
        case .scalar:
            let text = YAMLWriter.write(node)
            return String(text.prefix { $0 != "\n" })
        case .sequence(let items): return "[\(items.map { inline($0) }.joined(separator: ", "))]"
        case .mapping(let mapping):
            let entries = mapping.entries.map { "\(YAMLWriter.inline($0.key)): \(inline($0.value))" }
            return "{\(entries.joined(separator: ", "))}"
        }
    }
}
