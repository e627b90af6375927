import YAMLKit

extension JobBody {
    /// What one body says otherwise than another, a line for each key. Only values that a report may show are told.
    package static func changes(from old: [UInt8], to new: [UInt8]) -> [String] {
        guard let before = mapping(old), let after = mapping(new) else { return ["the whole text"] }
        let keys = before.keys + after.keys.filter { before[$0] == nil }
        let changes = keys.compactMap { key -> String? in
            guard before[key] != after[key] else { return nil }
            let name = Fields.join("", key)
            guard shown.contains(key) else {
                let what = before[key] == nil ? "added" : after[key] == nil ? "removed" : "changed"
                return "\(name): \(what) (values of this key are not shown)"
            }
            return "\(name): \(text(before[key])) -> \(text(after[key]))"
        }
        return changes.isEmpty ? ["only its form"] : changes
    }

    private static func mapping(_ bytes: [UInt8]) -> Mapping? {
        (try? YAML.parse(bytes, source: "job", limits: .job))?.mapping
    }

    private static func text(_ node: Node?) -> String {
        guard let node else { return "(none)" }
        return node.text ?? YAMLWriter.write(node).split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
