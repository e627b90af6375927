/// Why a text is not a YAML document that we accept, with the place.
package struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file name, or what stands for one (`job 17`).
    package var source: String
    package var line: Int
    package var column: Int
    package var problem: String
    /// What to do about it; may be empty.
    package var hint: String

    package init(source: String, mark: Mark, problem: String, hint: String = "") {
        self.source = source
        line = mark.line
        column = mark.column
        self.problem = problem
        self.hint = hint
    }

    package var description: String {
        "\(source):\(line):\(column): \(problem)" + (hint.isEmpty ? "" : "; \(hint)")
    }
}
