/// A regular expression as a tree: what matters for "does it match from the start", and so no captures and no
/// difference between greedy and lazy.
indirect enum PatternSyntax: Sendable {
    case empty
    case scalar(ScalarTest)
    case sequence([PatternSyntax])
    case alternatives([PatternSyntax])
    /// `maximum` nil: no limit.
    case repeated(PatternSyntax, minimum: Int, maximum: Int?)
    case boundary(Boundary)
    case look(PatternSyntax, behind: Bool, negated: Bool)

    enum Boundary: Sendable {
        /// `^` and `\A`; `^` with the flag m.
        case start, lineStart
        /// `$`: the end, or before a newline that ends the text; with m before any newline.
        case end, lineEnd
        /// `\Z`
        case veryEnd
        case word(negated: Bool)
    }
}

/// What one character must be.
struct ScalarTest: Sendable {
    enum Member: Sendable {
        case range(ClosedRange<Unicode.Scalar>)
        case category(Category, negated: Bool)
    }

    enum Category: Sendable {
        case digit, word, space
    }

    var members: [Member]
    var negated = false
    var ignoresCase = false
    var isASCII = false

    static let any = ScalarTest(members: [], negated: true)
    static let anyButNewline = ScalarTest(members: [.range("\n"..."\n")], negated: true)

    func accepts(_ scalar: Unicode.Scalar) -> Bool {
        var isMember = contains(scalar)
        if !isMember, ignoresCase {
            isMember = Self.otherCases(of: scalar).contains(where: contains)
        }
        return isMember != negated
    }

    private func contains(_ scalar: Unicode.Scalar) -> Bool {
        members.contains { member in
            switch member {
            case .range(let range): range.contains(scalar)
            case .category(let category, let negated): Self.isIn(category, scalar, isASCII: isASCII) != negated
            }
        }
    }

    /// Python's `str.isdecimal`, `str.isalnum` or `_`, `str.isspace`; in ASCII alone with the flag a.
    static func isIn(_ category: Category, _ scalar: Unicode.Scalar, isASCII: Bool) -> Bool {
        if isASCII, !scalar.isASCII { return false }
        switch category {
        case .digit: return scalar.properties.generalCategory == .decimalNumber
        case .word: return scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        case .space: return scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
        }
    }

    private static func otherCases(of scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping].compactMap { text in
            text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
        }
    }
}
