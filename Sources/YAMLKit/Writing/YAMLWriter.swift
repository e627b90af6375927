/// Writes block-style YAML that PyYAML and libyaml read back as the same tree.
package struct YAMLWriter {
    private let sortKeys: Bool
    private var out = ""

    private init(sortKeys: Bool) { self.sortKeys = sortKeys }

    /// - Parameter sortKeys: order keys by code point at every level, as PyYAML's `dump` does.
    /// - Returns: the document, with a newline at its end.
    package static func write(_ node: Node, sortKeys: Bool = false) -> String {
        var writer = YAMLWriter(sortKeys: sortKeys)
        writer.write(node, indent: 0, after: .nothing)
        return writer.out
    }

    /// One scalar on one line, quoted where needed.
    package static func inline(_ text: String) -> String { ScalarText.inline(Scalar(text: text, isPlain: false)) }

    /// What stands on the line already.
    private enum Lead { case nothing, key, dash, tag }

    private mutating func write(_ node: Node, indent: Int, after lead: Lead) {
        switch node.kind {
        case .scalar(let scalar):
            if lead != .nothing { out += " " }
            out += ScalarText.write(scalar, indent: max(indent, 2))
            if !out.hasSuffixByte(UInt8(ascii: "\n")) { out += "\n" }
        case .sequence(let items) where items.isEmpty: out += lead == .nothing ? "[]\n" : " []\n"
        case .mapping(let mapping) where mapping.isEmpty: out += lead == .nothing ? "{}\n" : " {}\n"
        case .tagged(let tag, let node):
            out += (lead == .nothing ? "" : " ") + Self.text(of: tag)
            write(node, indent: indent, after: .tag)
        case .sequence(let items): sequence(items, indent: indent, after: lead)
        case .mapping(let mapping): write(mapping, indent: indent, after: lead)
        }
    }

    /// A list below a key is not indented further, which is PyYAML's habit and legal.
    private mutating func sequence(_ items: [Node], indent: Int, after lead: Lead) {
        let column = lead == .key ? indent - 2 : indent
        if lead == .key || lead == .tag { out += "\n" }
        for (position, item) in items.enumerated() {
            begin(position, lead, column)
            out += "-"
            write(item, indent: column + 2, after: .dash)
        }
    }

    private mutating func write(_ mapping: Mapping, indent: Int, after lead: Lead) {
        if lead == .key || lead == .tag { out += "\n" }
        var entries = mapping.entries
        if sortKeys { entries.sort { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) } }
        for (position, entry) in entries.enumerated() {
            begin(position, lead, indent)
            let isPlain = entry.keyType.tag != nil
            let key = ScalarText.inline(Scalar(text: entry.key, isPlain: isPlain))
            // A simple key may have 1,024 characters; longer ones need the explicit form.
            if key.utf8.count > 1_000 {
                out += "? \(key)\n"
                pad(indent)
                out += ":"
                write(entry.value, indent: indent + 2, after: .dash)
            } else {
                out += key + ":"
                write(entry.value, indent: indent + 2, after: .key)
            }
        }
    }

    /// `!!binary`, or the tag in full. What may end a tag is escaped.
    private static func text(of tag: String) -> String {
        func escaped(_ text: Substring) -> String {
            text.utf8.map { byte in
                let isSafe = byte.isWord || "-./:".utf8.contains(byte)
                let hex = String(byte, radix: 16, uppercase: true)
                return isSafe ? String(UnicodeScalar(byte)) : "%" + (hex.utf8.count == 1 ? "0" : "") + hex
            }.joined()
        }
        let name = tag.hasPrefix(YAML.tagPrefix) ? tag.dropFirst(YAML.tagPrefix.count) : ""
        return name.isEmpty ? "!<\(escaped(tag[...]))>" : "!!\(escaped(name))"
    }

    private mutating func begin(_ position: Int, _ lead: Lead, _ column: Int) {
        if lead == .dash, position == 0 { out += " " } else { pad(column) }
    }

    private mutating func pad(_ count: Int) { out += String(repeating: " ", count: count) }
}

extension String {
    fileprivate func hasSuffixByte(_ byte: UInt8) -> Bool { utf8.last == byte }
}
