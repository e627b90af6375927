/// One text held against a program. Each instruction is followed at most once per position; what is looked ahead for, at
/// most once per position and place to look from. So the work is bounded by the length of the program times that of the
/// text, squared where the pattern looks ahead, however deep such looks stand inside each other.
struct PatternRun {
    private let code: [PatternProgram.Instruction]
    private let text: [Unicode.Scalar]
    /// Where the body of a look, named by its first instruction, was found: ahead of a position, or behind it.
    private var ahead: [Place: Bool] = [:]
    private var behind: [Int: [Bool]] = [:]
    /// Instructions followed so far.
    private(set) var steps = 0

    private struct Place: Hashable {
        var body: Int
        var position: Int
    }

    /// The ways that are open at one position.
    private struct Ways {
        /// Character tests that are reached.
        var tests: [Int] = []
        var isMatch = false
    }

    init(_ program: PatternProgram, _ text: String) {
        code = program.code
        self.text = Array(text.unicodeScalars)
    }

    /// Whether some way through the program begins at the start of the text.
    mutating func matches() -> Bool { matches(code.indices, from: 0) }

    private mutating func matches(_ body: Range<Int>, from start: Int) -> Bool {
        var seen = [Int](repeating: -1, count: body.count)
        var ways = Ways()
        follow(body.lowerBound, in: body, at: start, &ways, &seen)
        var position = start
        while !ways.isMatch, !ways.tests.isEmpty, position < text.count {
            ways = advance(ways, in: body, at: position, &seen)
            position += 1
        }
        return ways.isMatch
    }

    /// The positions at which a way ends that began at any earlier one, or there.
    private mutating func ends(of body: Range<Int>) -> [Bool] {
        var seen = [Int](repeating: -1, count: body.count)
        var ways = Ways()
        var ends: [Bool] = []
        for position in 0...text.count {
            if position > 0 { ways = advance(ways, in: body, at: position - 1, &seen) }
            follow(body.lowerBound, in: body, at: position, &ways, &seen)
            ends.append(ways.isMatch)
        }
        return ends
    }

    /// Takes the character at `position`.
    private mutating func advance(_ ways: Ways, in body: Range<Int>, at position: Int, _ seen: inout [Int]) -> Ways {
        var next = Ways()
        for place in ways.tests {
            guard case .scalar(let test) = code[place], test.accepts(text[position]) else { continue }
            follow(place + 1, in: body, at: position + 1, &next, &seen)
        }
        return next
    }

    /// Adds what can be reached from an instruction without a character.
    private mutating func follow(
        _ first: Int, in body: Range<Int>, at position: Int, _ ways: inout Ways, _ seen: inout [Int]
    ) {
        var open = [first]
        while let place = open.popLast() {
            guard seen[place - body.lowerBound] != position else { continue }
            seen[place - body.lowerBound] = position
            steps += 1
            switch code[place] {
            case .scalar: ways.tests.append(place)
            case .jump(let target): open.append(target)
            case .split(let one, let other): open += [other, one]
            case .boundary(let boundary): if holds(boundary, at: position) { open.append(place + 1) }
            case .look(let look): if holds(look, at: position) { open.append(look.body.upperBound) }
            case .match: ways.isMatch = true
            }
        }
    }

    private mutating func holds(_ look: PatternProgram.Look, at position: Int) -> Bool {
        let body = look.body
        if look.behind {
            let found = behind[body.lowerBound] ?? ends(of: body)
            behind[body.lowerBound] = found
            return found[position] != look.negated
        }
        let place = Place(body: body.lowerBound, position: position)
        let found = ahead[place] ?? matches(body, from: position)
        ahead[place] = found
        return found != look.negated
    }

    private func holds(_ boundary: PatternSyntax.Boundary, at position: Int) -> Bool {
        switch boundary {
        case .start: return position == 0
        case .lineStart: return position == 0 || text[position - 1] == "\n"
        case .end: return position == text.count || (position == text.count - 1 && text[position] == "\n")
        case .lineEnd: return position == text.count || text[position] == "\n"
        case .veryEnd: return position == text.count
        case .word(let negated):
            func isWord(_ index: Int) -> Bool {
                text.indices.contains(index) && ScalarTest.isIn(.word, text[index], isASCII: false)
            }
            // In an empty text Python (before 3.14) finds neither `\b` nor `\B`.
            return !text.isEmpty && (isWord(position - 1) != isWord(position)) != negated
        }
    }
}
