/// One thing that is wrong, or questionable, in a YAML text, told so that it can be put right.
package struct Problem: Sendable, Hashable, CustomStringConvertible {
    package enum Severity: String, Sendable, Hashable { case error, warning }

    package var severity: Severity
    /// The file name, or what stands for one.
    package var source: String
    package var mark: Mark
    /// `libcloud.providers.ovh.max_servers`; empty for the whole document.
    package var path: String
    /// What is wrong: what was expected, what was found.
    package var message: String
    /// What to do about it; may be empty.
    package var hint: String

    package init(
        _ severity: Severity, source: String, mark: Mark, path: String, message: String, hint: String = ""
    ) {
        self.severity = severity
        self.source = source
        self.mark = mark
        self.path = path
        self.message = message
        self.hint = hint
    }

    /// `worker.yaml:12:5: slots: expected a whole number from 1 to 10000, found 0; …`
    package var description: String {
        let place = mark == .none ? source : "\(source):\(mark)"
        return place + ": " + (path.isEmpty ? "" : "\(path): ") + message + (hint.isEmpty ? "" : "; \(hint)")
    }
}

/// Gathers problems while a tree is read, so that all are shown at once.
package final class Problems {
    package let source: String
    package private(set) var all: [Problem] = []

    package init(source: String) { self.source = source }

    package var errors: [Problem] { all.filter { $0.severity == .error } }
    package var warnings: [Problem] { all.filter { $0.severity == .warning } }
    package var hasErrors: Bool { all.contains { $0.severity == .error } }

    package func add(_ problem: Problem) { all.append(problem) }

    package func error(_ mark: Mark, _ path: String, _ message: String, hint: String = "") {
        add(Problem(.error, source: source, mark: mark, path: path, message: message, hint: hint))
    }

    package func warning(_ mark: Mark, _ path: String, _ message: String, hint: String = "") {
        add(Problem(.warning, source: source, mark: mark, path: path, message: message, hint: hint))
    }
}

/// Several problems as one error: a line for each.
package struct InvalidFields: Error, Sendable, Hashable, CustomStringConvertible {
    package var problems: [Problem]

    package init(problems: [Problem]) { self.problems = problems }

    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
