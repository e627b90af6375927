import Jobs

/// An error's message without what is different each time: names of nodes, ids, addresses, numbers. Messages of one cause
/// have one shape.
enum ErrorShape {
    static func of(_ report: Report) -> String {
        var words: [String] = []
        for word in report.message.split(whereSeparator: \.isWhitespace) {
            let shaped = shape(word, of: report)
            // A list of ids is one thing that varies, however long it is.
            if shaped != words.last || !shaped.hasPrefix("#") { words.append(shaped) }
        }
        return words.joined(separator: " ")
    }

    /// What surrounds a word (quotes, brackets, full stops) stays, as it tells messages apart and costs nothing.
    private static func shape(_ word: Substring, of report: Report) -> String {
        guard let first = word.firstIndex(where: isPart), let last = word.lastIndex(where: isPart) else {
            return String(word)
        }
        let core = word[first...last]
        let before = word[..<first]
        let after = word[word.index(after: last)...]
        let name = String(core)
        if !name.isEmpty, name == report.node || name == report.shortNode { return before + "NODE" + after }
        return core.contains(where: \.isNumber) ? before + "#" + after : String(word)
    }

    private static func isPart(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}

extension Report {
    /// The node without its domain.
    var shortNode: String { node.split(separator: ".").first.map(String.init) ?? "" }
}
