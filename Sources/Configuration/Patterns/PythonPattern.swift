/// A regular expression of teuthology's configuration, matched as its backend does, by Python's `re.match`: anchored at
/// the start, not at the end, and with regard to case. `b2-7` matches `b2-75` too (facts/openstack.md 6.1).
package struct PythonPattern: Sendable, CustomStringConvertible {
    package struct Malformed: Error, Sendable, Hashable, CustomStringConvertible {
        package var pattern: String
        package var problem: String

        package var description: String { "\(pattern.debugDescription) is no usable regular expression: \(problem)" }
    }

    package let source: String
    private let program: PatternProgram

    /// - Throws: `Malformed` for what Python refuses too, and for back references, conditionals, atomic groups and
    ///   possessive repetition.
    package init(_ source: String) throws(Malformed) {
        guard let program = PatternProgram(try PatternParser.parse(source)) else {
            throw Malformed(pattern: source, problem: "its repetitions make it too large")
        }
        self.source = source
        self.program = program
    }

    private init(source: String, program: PatternProgram) {
        self.source = source
        self.program = program
    }

    /// `PREFIX.*`, the form of the built-in patterns: it cannot fail.
    /// - Parameter prefix: letters, digits and hyphens, which mean themselves.
    static func anything(after prefix: String) -> PythonPattern {
        PythonPattern(source: prefix + ".*", program: PatternProgram(prefix: prefix))
    }

    /// `re.match(source, text) is not None`
    package func matches(_ text: String) -> Bool {
        var run = PatternRun(program, text)
        return run.matches()
    }

    /// How many instructions are followed until `matches` knows its answer, and how many there are: their ratio shows
    /// that no pattern is slow.
    package func work(matching text: String) -> (followed: Int, instructions: Int) {
        var run = PatternRun(program, text)
        _ = run.matches()
        return (run.steps, program.code.count)
    }

    package var description: String { source }
}

extension PythonPattern: Hashable {
    package static func == (a: PythonPattern, b: PythonPattern) -> Bool { a.source == b.source }
    package func hash(into hasher: inout Hasher) { hasher.combine(source) }
}
