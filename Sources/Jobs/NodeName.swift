/// A test machine's name. It ends up in a shell-like nsupdate script on the other side, so nothing but letters, digits
/// and inner hyphens ever gets through (facts/teuthology.md section 2, injection).
package struct NodeName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// `ovh001`: the server's name, and what nsupdate-web is told.
    package let short: String
    /// The lab's domain.
    package let domain: String

    /// `ovh001.front.lab.test`: the name in paddles and in DNS.
    package var qualified: String { domain.isEmpty ? short : "\(short).\(domain)" }
    package var description: String { qualified }

    package static func < (a: NodeName, b: NodeName) -> Bool { a.qualified < b.qualified }

    /// Reads a short or a qualified name in `domain`; a leading `user@` is dropped.
    /// - Throws: `Malformed`, which says what is wrong and what is expected.
    package init(_ text: String, domain: String) throws(Malformed) {
        var name = Substring(text)
        if let at = name.lastIndex(of: "@") { name = name[name.index(after: at)...] }
        let suffix = ".\(domain)"
        if !domain.isEmpty, name.hasSuffix(suffix) { name = name.dropLast(suffix.count) }
        if let dot = name.firstIndex(of: ".") {
            throw Malformed(
                text: text,
                problem:
                    "is in the domain '\(Malformed.printable(String(name[name.index(after: dot)...])))', not in '\(domain)'"
            )
        }
        guard !name.isEmpty else { throw Malformed(text: text, problem: "is empty") }
        guard name.utf8.count <= 63 else {
            throw Malformed(
                text: text, problem: "has a label of \(name.utf8.count) bytes; 63 is the most that DNS allows")
        }
        if let bad = name.unicodeScalars.first(where: { !Self.isAllowed($0) }) {
            let hint = bad.properties.isUppercase ? " (names are lower case)" : ""
            throw Malformed(text: text, problem: "contains \(Self.show(bad))\(hint)")
        }
        guard name.first != "-", name.last != "-" else {
            throw Malformed(text: text, problem: "begins or ends with a hyphen")
        }
        short = String(name)
        self.domain = domain
    }

    package struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        package let text: String
        package let problem: String

        package var description: String {
            "node name '\(Self.printable(text))' \(problem); expected lower-case letters, digits and inner hyphens, "
                + "at most 63, optionally followed by the lab's domain"
        }

        fileprivate static func printable(_ text: String) -> String {
            let shown = text.unicodeScalars.prefix(80).map { scalar in
                isControl(scalar) ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            }
            return shown.joined() + (text.unicodeScalars.count > 80 ? "…" : "")
        }

        /// What steers a terminal or ends a line.
        fileprivate static func isControl(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "0"..."9", "-": true
        default: false
        }
    }

    private static func show(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case " ": "a space"
        case "\n", "\r": "a line break"
        case ";": "a semicolon"
        default: Malformed.isControl(scalar) ? "a control character" : "'\(scalar)'"
        }
    }
}
