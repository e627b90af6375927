import YAMLKit

/// Writes the example file: every key with its meaning, form and default. Keys with a default stand there with it, the
/// others are commented out (`#key:`, no blank after the sign; prose has one).
package enum ExampleText {
    private static let width = 100

    package static func write(_ documents: [KeyDocument], preamble: String) -> String {
        var lines = comment(preamble, indent: 0)
        for document in documents { lines += [""] + entry(document, indent: 0, isLive: true) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func entry(_ document: KeyDocument, indent: Int, isLive: Bool) -> [String] {
        let margin = String(repeating: " ", count: indent)
        var lines = comment(document.meaning, indent: indent)
        if !document.facts.isEmpty { lines += comment(document.facts, indent: indent) }
        switch document.content {
        case .value(let value): lines += assignment(document.name, value, indent: indent, isLive: isLive)
        case .optional(_, let example): lines += assignment(document.name, example, indent: indent, isLive: false)
        case .section(let children):
            lines.append("\(margin)\(document.name):")
            lines += nested(children, indent: indent + 2)
        case .named(let example, let children):
            lines.append("\(margin)\(document.name):")
            lines.append("\(margin)  \(YAMLWriter.inline(example)):")
            lines += nested(children, indent: indent + 4)
        }
        return lines
    }

    private static func nested(_ children: [KeyDocument], indent: Int) -> [String] {
        children.enumerated().flatMap { position, child in
            (position == 0 ? [] : [""]) + entry(child, indent: indent, isLive: true)
        }
    }

    private static func assignment(_ name: String, _ value: Node, indent: Int, isLive: Bool) -> [String] {
        let margin = String(repeating: " ", count: indent)
        let written = YAMLWriter.write(.map([(name, value)])).split(separator: "\n")
        return written.map { "\(margin)\(isLive ? "" : "#")\($0)" }
    }

    private static func comment(_ text: String, indent: Int) -> [String] {
        let margin = String(repeating: " ", count: indent) + "#"
        var lines: [String] = []
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
        return lines
    }
}
