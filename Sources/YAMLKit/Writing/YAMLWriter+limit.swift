extension YAMLWriter {
    /// The document with texts and lists cut so far that it has at most `limit` bytes as it is written: an escape has
    /// up to four bytes for one. What does not fit even so has texts of 64 bytes, enough for every id, and no lists.
    package static func write(_ node: Node, limit: Int) -> String {
        var text = write(node)
        for halving in 0..<12 where text.utf8.count > limit {
            text = write(node.shortened(texts: max(64, 4_096 >> halving), items: 1_024 >> halving))
        }
        return text
    }
}

extension Node {
    /// Of a list of texts the first ones stay, with a word about the others; of other lists the last ones. Tags go: they
    /// may be as long as texts.
    fileprivate func shortened(texts: Int, items most: Int) -> Node {
        switch kind {
        case .scalar(let scalar):
            return scalar.isPlain ? self : .string(scalar.text.shortened(to: texts))
        case .sequence(let items):
            guard items.count > most else { return .list(items.map { $0.shortened(texts: texts, items: most) }) }
            let isOfTexts = items.allSatisfy { $0.scalar != nil }
            let kept = isOfTexts ? items.prefix(most) : items.suffix(most)
            let note = isOfTexts ? [Node.string("… and \(items.count - most) more")] : []
            return .list(kept.map { $0.shortened(texts: texts, items: most) } + note)
        case .tagged(_, let node):
            return node.shortened(texts: texts, items: most)
        case .mapping(let mapping):
            return .map(mapping.entries.map { ($0.key, $0.value.shortened(texts: texts, items: most)) })
        }
    }
}

extension String {
    /// At most so many bytes of UTF-8, with an ellipsis at the end of what was cut.
    package func shortened(to bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        // By scalars: one character may have any number of them.
        var left = bytes - 3
        let end = unicodeScalars.indices.first { index in
            left -= UTF8.width(unicodeScalars[index])
            return left < 0
        }
        return String(unicodeScalars[..<(end ?? unicodeScalars.endIndex)]) + "…"
    }
}
