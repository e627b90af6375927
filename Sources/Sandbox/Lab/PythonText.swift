/// What the real services do with Python's `re` and `str`. Not the worker's own patterns (room Configuration): what a test
/// holds against the worker must not have its faults.
enum PythonText {
    /// `re.match`: anchored at the start, not at the end. A pattern that cannot be read matches nothing.
    static func matches(_ pattern: String, startOf text: String) -> Bool {
        guard let regex = try? Regex(pattern) else { return false }
        if (try? regex.prefixMatch(in: text)) != nil { return true }
        // Python's `$` also matches before a newline that ends the text; Swift's does not.
        guard text.unicodeScalars.last == "\n" else { return false }
        return (try? regex.prefixMatch(in: String(text.unicodeScalars.dropLast()))) != nil
    }

    /// `str.strip`.
    static func stripped(_ text: String) -> String {
        var rest = Substring(text)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
