import YAMLKit

/// Writes the example file: every key with its meaning, form and default. Keys that have a value stand there with it,
/// the others are commented out (`#key:`, no blank after the sign; prose has one).
package enum ExampleText {
    package static func write(_ documents: [KeyDocument], preamble: String) -> String {
        var writer = Writer()
        writer.comment(preamble, indent: 0)
        for document in documents {
            writer.lines.append("")
            writer.entry(document, indent: 0)
        }
        return writer.lines.joined(separator: "\n") + "\n"
    }

    private struct Writer {
        var lines: [String] = []
        /// Explanations that were given: the eleven steps have the same two keys each.
        private var explained: Set<String> = []
        private let width = 100

        mutating func entry(_ document: KeyDocument, indent: Int) {
            explain(document, indent: indent)
            let margin = String(repeating: " ", count: indent)
            switch document.content {
            case .value(let value): assign(document.name, value, indent: indent, isLive: true)
            case .optional(_, let example, let isSet): assign(document.name, example, indent: indent, isLive: isSet)
            case .section(let children):
                lines.append("\(margin)\(document.name):")
                nested(children, indent: indent + 2)
            case .named(let example, let children):
                lines.append("\(margin)\(document.name):")
                lines.append("\(margin)  \(YAMLWriter.inline(example)):")
                nested(children, indent: indent + 4)
            }
        }

        private mutating func explain(_ document: KeyDocument, indent: Int) {
            guard let value = document.defaultText else {
                comment(document.meaning, indent: indent)
                return
            }
            if explained.insert("\(document.name) \(document.meaning) \(document.form)").inserted {
                comment(document.meaning, indent: indent)
                comment("Expects \(document.form); default: \(value).", indent: indent)
            } else {
                comment("As above; default: \(value).", indent: indent)
            }
        }

        private mutating func nested(_ children: [KeyDocument], indent: Int) {
            for (position, child) in children.enumerated() {
                if position > 0 { lines.append("") }
                entry(child, indent: indent)
            }
        }

        private mutating func assign(_ name: String, _ value: Node, indent: Int, isLive: Bool) {
            let lead = String(repeating: " ", count: indent) + (isLive ? "" : "#")
            lines += YAMLWriter.write(.map([(name, value)])).split(separator: "\n").map { lead + $0 }
        }

        mutating func comment(_ text: String, indent: Int) {
            let margin = String(repeating: " ", count: indent) + "#"
            for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
                var line = margin
                for word in paragraph.split(separator: " ") {
                    if line.utf8.count + 1 + word.utf8.count > width, line != margin {
                        lines.append(line)
                        line = margin
                    }
                    line += " \(word)"
                }
                lines.append(line)
            }
        }
    }
}
