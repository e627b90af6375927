/// A pattern compiled for a machine that follows all ways at once: its time is the length of the text times the length
/// of the program, whatever the pattern. A backtracking engine needs minutes for `(a+)+$` on twenty letters, and this
/// one runs on the event loop.
struct PatternProgram: Sendable {
    private enum Instruction: Sendable {
        case scalar(ScalarTest)
        case split(Int, Int)
        case jump(Int)
        case boundary(PatternSyntax.Boundary)
        case look(PatternProgram, behind: Bool, negated: Bool)
        case match
    }

    private struct TooLarge: Error {}

    private static let limit = 20_000

    private var code: [Instruction] = []
    private var size = 0

    /// nil when its repetitions unfold into too large a program.
    init?(_ syntax: PatternSyntax) {
        do {
            try add(syntax)
            code.append(.match)
        } catch {
            return nil
        }
    }

    /// For every text that begins with `prefix`.
    init(prefix: String) {
        code = prefix.unicodeScalars.map { .scalar(ScalarTest(members: [.range($0...$0)])) } + [.match]
        size = code.count
    }

    // MARK: Compiling

    private mutating func add(_ syntax: PatternSyntax) throws(TooLarge) {
        guard size < Self.limit else { throw TooLarge() }
        size += 1
        switch syntax {
        case .empty: break
        case .scalar(let test): code.append(.scalar(test))
        case .boundary(let boundary): code.append(.boundary(boundary))
        case .sequence(let items): for item in items { try add(item) }
        case .alternatives(let branches): try add(branches)
        case .repeated(let item, let minimum, let maximum): try add(item, minimum, maximum)
        case .look(let inner, let behind, let negated):
            guard let program = PatternProgram(inner) else { throw TooLarge() }
            size += program.size
            code.append(.look(program, behind: behind, negated: negated))
        }
    }

    private mutating func add(_ branches: [PatternSyntax]) throws(TooLarge) {
        var jumps: [Int] = []
        for branch in branches.dropLast() {
            let split = reserve()
            try add(branch)
            jumps.append(reserve())
            code[split] = .split(split + 1, code.count)
        }
        if let last = branches.last { try add(last) }
        for jump in jumps { code[jump] = .jump(code.count) }
    }

    private mutating func add(_ item: PatternSyntax, _ minimum: Int, _ maximum: Int?) throws(TooLarge) {
        for _ in 0..<minimum { try add(item) }
        guard let maximum else {
            let split = reserve()
            try add(item)
            code.append(.jump(split))
            code[split] = .split(split + 1, code.count)
            return
        }
        var splits: [Int] = []
        for _ in minimum..<maximum {
            splits.append(reserve())
            try add(item)
        }
        for split in splits { code[split] = .split(split + 1, code.count) }
    }

    private mutating func reserve() -> Int {
        code.append(.match)
        return code.count - 1
    }

    // MARK: Running

    /// Whether some way through the program leads from `start` to its end.
    /// - Parameter end: where the way must end; nil: anywhere.
    func matches(_ text: [Unicode.Scalar], from start: Int = 0, to end: Int? = nil) -> Bool {
        var current: [Int] = []
        var seen = [Int](repeating: -1, count: code.count)
        if follow(0, text, at: start, end, &current, &seen) { return true }
        var position = start
        while position < text.count, !current.isEmpty, end.map({ position < $0 }) ?? true {
            var next: [Int] = []
            for place in current {
                guard case .scalar(let test) = code[place], test.accepts(text[position]) else { continue }
                if follow(place + 1, text, at: position + 1, end, &next, &seen) { return true }
            }
            current = next
            position += 1
        }
        return false
    }

    /// Collects the character tests that can be reached without a character; true when the end is.
    private func follow(
        _ first: Int, _ text: [Unicode.Scalar], at position: Int, _ end: Int?, _ places: inout [Int],
        _ seen: inout [Int]
    ) -> Bool {
        var open = [first]
        while let place = open.popLast() {
            guard seen[place] != position else { continue }
            seen[place] = position
            switch code[place] {
            case .scalar: places.append(place)
            case .jump(let target): open.append(target)
            case .split(let one, let other): open += [other, one]
            case .boundary(let boundary):
                if Self.holds(boundary, text, at: position) { open.append(place + 1) }
            case .look(let program, let behind, let negated):
                let found =
                    behind
                    ? (0...position).contains { program.matches(text, from: $0, to: position) }
                    : program.matches(text, from: position)
                if found != negated { open.append(place + 1) }
            case .match: if end == nil || end == position { return true }
            }
        }
        return false
    }

    private static func holds(_ boundary: PatternSyntax.Boundary, _ text: [Unicode.Scalar], at position: Int) -> Bool {
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
