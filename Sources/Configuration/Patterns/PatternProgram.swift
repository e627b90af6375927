/// A pattern compiled for a machine that follows all ways at once. A backtracking engine needs minutes for `(a+)+$` on
/// twenty letters, and this one runs on the event loop: see `PatternRun` for what it costs.
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        case scalar(ScalarTest)
        case split(Int, Int)
        case jump(Int)
        case boundary(PatternSyntax.Boundary)
        /// What is looked for stands behind it, as a program of its own; the way goes on after that.
        case look(Look)
        case match
    }

    struct Look: Sendable {
        var body: Range<Int>
        var behind: Bool
        var negated: Bool
    }

    private struct TooLarge: Error {}

    private static let limit = 20_000

    private(set) var code: [Instruction] = []
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
            let place = reserve()
            try add(inner)
            code.append(.match)
            code[place] = .look(Look(body: place + 1..<code.count, behind: behind, negated: negated))
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
}
