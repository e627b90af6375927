/// Writes the reference: a table of all keys for the README.
package enum ReferenceText {
    package static func markdown(_ documents: [KeyDocument]) -> String {
        var rows = ["| key | form | default | meaning |", "| --- | --- | --- | --- |"]
        for document in documents { rows += Self.rows(document, under: "") }
        return rows.joined(separator: "\n") + "\n"
    }

    private static func rows(_ document: KeyDocument, under parent: String) -> [String] {
        let path = parent.isEmpty ? document.name : "\(parent).\(document.name)"
        let form = document.form
        switch document.content {
        case .value(let value): return [row(path, form, "`\(KeyDocument.inline(value))`", document.meaning)]
        case .optional(let otherwise, _, _): return [row(path, form, otherwise, document.meaning)]
        case .section(let children):
            return [row(path, "a mapping", "", document.meaning)] + children.flatMap { rows($0, under: path) }
        case .named(_, let children):
            let below = "\(path).NAME"
            return [row(below, "a mapping", "", document.meaning)] + children.flatMap { rows($0, under: below) }
        }
    }

    private static func row(_ path: String, _ form: String, _ value: String, _ meaning: String) -> String {
        let cells = ["`\(path)`", form, value, meaning].map { cell in
            cell.split(separator: "\n").joined(separator: " ").split(separator: "|", omittingEmptySubsequences: false)
                .joined(separator: "\\|")
        }
        return "| \(cells.joined(separator: " | ")) |"
    }
}
