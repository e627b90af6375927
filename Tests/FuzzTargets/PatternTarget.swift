import Configuration

/// Regular expressions of the configuration: the first line is one, the others are names.
enum PatternTarget {
    static func check(_ input: [UInt8]) throws {
        let (source, rest) = input.firstLine
        guard source.utf8.count <= 300, rest.count <= 300 else { return }
        let pattern: PythonPattern
        do throws(PythonPattern.Malformed) {
            pattern = try PythonPattern(source)
        } catch {
            try requireOneLine(error.description)
            return
        }
        let names = rest.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        for name in names + [""] { try check(pattern, name) }
        try checkWork(pattern, String(repeating: "a", count: 255))
    }

    private static func check(_ pattern: PythonPattern, _ name: String) throws {
        let matches = pattern.matches(name)
        try checkWork(pattern, name)
        // What must mean the same. Flags for the whole pattern cannot stand inside of it, and are refused there.
        for (other, expected) in [
            ("(?:\(pattern.source))", matches), ("\(pattern.source)|\(pattern.source)", matches),
            ("(?=\(pattern.source))", matches), ("(?!\(pattern.source))", !matches),
        ] {
            guard let other = try? PythonPattern(other) else { continue }
            try require(
                other.matches(name) == expected,
                "\(pattern.source.debugDescription) and \(other.source.debugDescription) differ for \(name)")
        }
    }

    private static func checkWork(_ pattern: PythonPattern, _ name: String) throws {
        let work = pattern.work(matching: name)
        let positions = name.unicodeScalars.count + 1
        try require(
            work.followed <= work.instructions * positions * positions,
            "\(work.followed) steps of \(work.instructions) instructions for \(name.debugDescription)")
    }
}
