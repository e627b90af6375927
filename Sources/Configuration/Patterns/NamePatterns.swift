import YAMLKit

/// The regular expressions of one key of a provider, compiled when the file is read.
package struct NamePatterns: Sendable, Hashable {
    private let patterns: [PythonPattern]

    /// - Throws: `PythonPattern.Malformed`.
    package init(_ sources: [String]) throws(PythonPattern.Malformed) {
        var patterns: [PythonPattern] = []
        for source in sources { patterns.append(try PythonPattern(source)) }
        self.patterns = patterns
    }

    private init(_ patterns: [PythonPattern]) { self.patterns = patterns }

    /// `.*`: every name.
    package static let everything = NamePatterns([.anything(after: "")])
    package static let none = NamePatterns([PythonPattern]())
    /// `win-.*`: teuthology's default for `exclude_sizes`.
    package static let windows = NamePatterns([.anything(after: "win-")])

    package var sources: [String] { patterns.map(\.source) }
    package var count: Int { patterns.count }
    package var isEmpty: Bool { patterns.isEmpty }

    /// False without patterns.
    package func anyMatches(_ name: String) -> Bool { patterns.contains { $0.matches(name) } }
    /// True without patterns, like Python's `all([])`.
    package func allMatch(_ name: String) -> Bool { patterns.allSatisfy { $0.matches(name) } }
}

extension Shape where Value == NamePatterns {
    /// A list of regular expressions; a single one counts as a list of one.
    static var patterns: Shape {
        let list = Shape<[String]>.list(.text("a regular expression"))
        return Shape(
            list.expectation,
            read: { node, path, problems in
                guard let sources = list.read(node, path, problems) else { return nil }
                do throws(PythonPattern.Malformed) {
                    return try NamePatterns(sources)
                } catch {
                    problems.error(node.mark, path, error.description)
                    return nil
                }
            }, write: { list.write($0.sources) })
    }
}
