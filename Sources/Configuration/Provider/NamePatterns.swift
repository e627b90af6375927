import YAMLKit

/// Regular expressions on names, with the meaning of Python's `re.match`: anchored at the start only, case-sensitive
/// (facts/openstack.md 6.1).
package struct NamePatterns: Sendable, Hashable {
    package let sources: [String]

    /// - Throws: `InvalidPattern`.
    package init(_ sources: [String]) throws(InvalidPattern) {
        for source in sources { _ = try Self.compile(source) }
        self.sources = sources
    }

    private init(known sources: [String]) { self.sources = sources }

    /// Matches every name.
    package static let everything = NamePatterns(known: [".*"])
    package static let none = NamePatterns(known: [])
    /// teuthology's default for `exclude_sizes`.
    package static let windows = NamePatterns(known: ["win-.*"])

    package var isEmpty: Bool { sources.isEmpty }

    /// Compiled once, for a whole listing.
    package func matcher() -> Matcher { Matcher(self) }

    /// Not sendable, as `Regex` is not: make one where it is used.
    package struct Matcher {
        private let tests: [(String) -> Bool]

        fileprivate init(_ patterns: NamePatterns) {
            tests = patterns.sources.map { source in
                if source == ".*" { return { _ in true } }
                if !source.utf8.contains(where: { #"\.^$*+?{}[]|()"#.utf8.contains($0) }) {
                    return { $0.utf8.starts(with: source.utf8) }
                }
                // Compiled in `init` already; a pattern that will not compile again matches nothing.
                guard let regex = try? NamePatterns.compile(source) else { return { _ in false } }
                return { (try? regex.prefixMatch(in: $0)) != nil }
            }
        }

        /// False without patterns.
        package func matchesAny(_ name: String) -> Bool { tests.contains { $0(name) } }
        /// True without patterns, like Python's `all([])`.
        package func matchesAll(_ name: String) -> Bool { tests.allSatisfy { $0(name) } }
    }

    private static func compile(_ source: String) throws(InvalidPattern) -> Regex<AnyRegexOutput> {
        do {
            return try Regex(source).matchingSemantics(.unicodeScalar)
        } catch {
            throw InvalidPattern(source: source, problem: "\(error)")
        }
    }
}

package struct InvalidPattern: Error, Sendable, Hashable, CustomStringConvertible {
    package var source: String
    package var problem: String

    package var description: String { "\(Node.quoted(source)) is not a regular expression: \(problem)" }
}

extension Shape where Value == NamePatterns {
    /// A list of regular expressions; a single one counts as a list of one.
    static var patterns: Shape {
        let list = Shape<[String]>.list(.text("a regular expression"))
        return Shape(
            list.expectation,
            read: { node, path, problems in
                guard let sources = list.read(node, path, problems) else { return nil }
                do throws(InvalidPattern) {
                    return try NamePatterns(sources)
                } catch {
                    problems.error(node.mark, path, error.description)
                    return nil
                }
            }, write: { list.write($0.sources) })
    }
}
