/// Reads the syntax of Python's `re` (Python 3.11). What needs captures, back references, conditionals, atomic groups
/// and possessive repetition, is refused by name.
struct PatternParser {
    private struct Flags {
        var ignoresCase = false
        var isMultiline = false
        var dotMatchesAll = false
        var isASCII = false
    }

    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var flags = Flags()
    private var depth = 0

    private init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    static func parse(_ text: String) throws(PythonPattern.Malformed) -> PatternSyntax {
        var parser = PatternParser(text)
        try parser.globalFlags()
        let syntax = try parser.alternatives()
        guard parser.position == parser.scalars.count else { throw parser.problem("unbalanced parenthesis") }
        return syntax
    }

    // MARK: Structure

    private mutating func alternatives() throws(PythonPattern.Malformed) -> PatternSyntax {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 50 else { throw problem("more than 50 groups within each other") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func sequence() throws(PythonPattern.Malformed) -> PatternSyntax {
        var items: [PatternSyntax] = []
        while let next = peek, next != "|", next != ")" {
            let item = try atom()
            items.append(try repetition(of: item))
        }
        return items.count == 1 ? items[0] : items.isEmpty ? .empty : .sequence(items)
    }

    private mutating func repetition(of item: PatternSyntax) throws(PythonPattern.Malformed) -> PatternSyntax {
        guard let (minimum, maximum) = try quantifier() else { return item }
        if case .boundary = item { throw problem("nothing to repeat") }
        if take("+") { throw problem("possessive repetition is not supported") }
        _ = take("?")
        let again = position
        if try quantifier() != nil {
            position = again
            throw problem("multiple repeat")
        }
        return .repeated(item, minimum: minimum, maximum: maximum)
    }

    /// nil when there is none; a brace that is none is an ordinary character.
    private mutating func quantifier() throws(PythonPattern.Malformed) -> (Int, Int?)? {
        switch peek {
        case "*":
            position += 1
            return (0, nil)
        case "+":
            position += 1
            return (1, nil)
        case "?":
            position += 1
            return (0, 1)
        case "{":
            let start = position
            position += 1
            let low = digits()
            var high = low
            if take(",") { high = digits() } else if low.isEmpty { high = "x" }
            guard take("}"), high != "x" else {
                position = start
                return nil
            }
            guard let minimum = low.isEmpty ? 0 : Int(low), let maximum = high.isEmpty ? Int.max : Int(high),
                minimum <= 1_000, maximum == .max || maximum <= 1_000
            else { throw problem("more than 1000 repetitions") }
            guard minimum <= maximum else { throw problem("min repeat greater than max repeat") }
            return (minimum, maximum == .max ? nil : maximum)
        default:
            return nil
        }
    }

    private mutating func atom() throws(PythonPattern.Malformed) -> PatternSyntax {
        guard let next = peek else { return .empty }
        position += 1
        switch next {
        case "(": return try group()
        case "[": return .scalar(try characterClass())
        case ".": return .scalar(flags.dotMatchesAll ? .any : .anyButNewline)
        case "^": return .boundary(flags.isMultiline ? .lineStart : .start)
        case "$": return .boundary(flags.isMultiline ? .lineEnd : .end)
        case "*", "+", "?": throw problem("nothing to repeat")
        case "{":
            position -= 1
            if try quantifier() != nil { throw problem("nothing to repeat") }
            position += 1
            return .scalar(test([.range("{"..."{")]))
        case "\\": return try escape()
        default: return .scalar(test([.range(next...next)]))
        }
    }

    // MARK: Groups

    private mutating func group() throws(PythonPattern.Malformed) -> PatternSyntax {
        let outer = flags
        defer { flags = outer }
        var look: (behind: Bool, negated: Bool)?
        if take("?") {
            switch try next("unexpected end of pattern") {
            case ":": break
            case "=": look = (false, false)
            case "!": look = (false, true)
            case "<":
                switch try next("unexpected end of pattern") {
                case "=": look = (true, false)
                case "!": look = (true, true)
                default: throw problem("unknown extension ?<")
                }
            case "P":
                guard take("<") else { throw problem("references to groups are not supported") }
                while let letter = peek, letter != ">" {
                    guard ScalarTest.isIn(.word, letter, isASCII: false) else { throw problem("bad group name") }
                    position += 1
                }
                guard take(">") else { throw problem("missing >, unterminated name") }
            case "#":
                while let letter = peek, letter != ")" { position += 1 }
                guard take(")") else { throw problem("missing ), unterminated comment") }
                return .empty
            case "(": throw problem("conditional groups are not supported")
            case ">": throw problem("atomic groups are not supported")
            default:
                position -= 1
                try scopedFlags()
            }
        }
        let inner = try alternatives()
        guard take(")") else { throw problem("missing ), unterminated subpattern") }
        return look.map { .look(inner, behind: $0.behind, negated: $0.negated) } ?? inner
    }

    /// `(?i)` and the like, which Python takes only at the very start.
    private mutating func globalFlags() throws(PythonPattern.Malformed) {
        while scalars[position...].starts(with: "(?".unicodeScalars) {
            let start = position
            position += 2
            var letters: [Unicode.Scalar] = []
            while let letter = peek, ("a"..."z").contains(letter) {
                letters.append(letter)
                position += 1
            }
            guard !letters.isEmpty, take(")") else {
                position = start
                return
            }
            for letter in letters { try set(letter, true) }
        }
    }

    /// `i-s:` of `(?i-s:...)`
    private mutating func scopedFlags() throws(PythonPattern.Malformed) {
        var value = true
        while let letter = peek, letter != ":" {
            position += 1
            if letter == "-", value {
                value = false
            } else if letter == ")" {
                throw problem("global flags not at the start of the expression")
            } else {
                try set(letter, value)
            }
        }
        guard take(":") else { throw problem("missing :") }
    }

    private mutating func set(_ letter: Unicode.Scalar, _ value: Bool) throws(PythonPattern.Malformed) {
        switch letter {
        case "i": flags.ignoresCase = value
        case "m": flags.isMultiline = value
        case "s": flags.dotMatchesAll = value
        case "a": flags.isASCII = value
        case "u": flags.isASCII = false
        default: throw problem("the flag \(letter.escaped(asASCII: true)) is not supported")
        }
    }

    // MARK: Characters

    private mutating func escape() throws(PythonPattern.Malformed) -> PatternSyntax {
        let letter = try next("bad escape (end of pattern)")
        switch letter {
        case "A": return .boundary(.start)
        case "Z": return .boundary(.veryEnd)
        case "b": return .boundary(.word(negated: false))
        case "B": return .boundary(.word(negated: true))
        case "1"..."9": throw problem("references to groups are not supported")
        default: return .scalar(test([try member(escaped: letter)]))
        }
    }

    private mutating func characterClass() throws(PythonPattern.Malformed) -> ScalarTest {
        let negated = take("^")
        var members: [ScalarTest.Member] = []
        var isFirst = true
        while true {
            let letter = try next("unterminated character set")
            if letter == "]", !isFirst { break }
            isFirst = false
            let low = try classMember(letter)
            guard case .range(let start) = low, peek == "-", position + 1 < scalars.count, scalars[position + 1] != "]"
            else {
                members.append(low)
                continue
            }
            position += 1
            let high = try classMember(try next("unterminated character set"))
            guard case .range(let end) = high, start.lowerBound <= end.lowerBound else {
                throw problem("bad character range")
            }
            members.append(.range(start.lowerBound...end.lowerBound))
        }
        var test = test(members)
        test.negated = negated
        return test
    }

    private mutating func classMember(_ letter: Unicode.Scalar) throws(PythonPattern.Malformed) -> ScalarTest.Member {
        guard letter == "\\" else { return .range(letter...letter) }
        let escaped = try next("unterminated character set")
        if escaped == "b" { return .range("\u{8}"..."\u{8}") }
        return try member(escaped: escaped)
    }

    private mutating func member(
        escaped letter: Unicode.Scalar
    ) throws(PythonPattern.Malformed) -> ScalarTest.Member {
        switch letter {
        case "d", "D": return .category(.digit, negated: letter == "D")
        case "w", "W": return .category(.word, negated: letter == "W")
        case "s", "S": return .category(.space, negated: letter == "S")
        case "n": return .range("\n"..."\n")
        case "t": return .range("\t"..."\t")
        case "r": return .range("\r"..."\r")
        case "f": return .range("\u{C}"..."\u{C}")
        case "v": return .range("\u{B}"..."\u{B}")
        case "a": return .range("\u{7}"..."\u{7}")
        case "x": return try hexadecimal(2)
        case "u": return try hexadecimal(4)
        case "U": return try hexadecimal(8)
        case "0"..."9", "a"..."z", "A"..."Z": throw problem("bad escape \\\(letter)")
        default: return .range(letter...letter)
        }
    }

    private mutating func hexadecimal(_ count: Int) throws(PythonPattern.Malformed) -> ScalarTest.Member {
        var text = ""
        for _ in 0..<count {
            let digit = try next("incomplete escape")
            guard digit.properties.isASCIIHexDigit else { throw problem("incomplete escape") }
            text.unicodeScalars.append(digit)
        }
        guard let scalar = UInt32(text, radix: 16).flatMap(Unicode.Scalar.init) else {
            throw problem("bad escape: no character \(text)")
        }
        return .range(scalar...scalar)
    }

    private func test(_ members: [ScalarTest.Member]) -> ScalarTest {
        ScalarTest(members: members, ignoresCase: flags.ignoresCase, isASCII: flags.isASCII)
    }

    // MARK: Reading

    private var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        position += 1
        return true
    }

    private mutating func next(_ otherwise: String) throws(PythonPattern.Malformed) -> Unicode.Scalar {
        guard let scalar = peek else { throw problem(otherwise) }
        position += 1
        return scalar
    }

    private mutating func digits() -> String {
        var text = ""
        while let digit = peek, ("0"..."9").contains(digit) {
            text.unicodeScalars.append(digit)
            position += 1
        }
        return text
    }

    private func problem(_ text: String) -> PythonPattern.Malformed {
        PythonPattern.Malformed(
            pattern: String(String.UnicodeScalarView(scalars)),
            problem: "\(text) at position \(min(position, scalars.count))")
    }
}
