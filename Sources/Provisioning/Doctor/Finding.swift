/// The answer to one question about the site.
package struct Finding: Sendable, Hashable {
    package enum Verdict: String, Sendable, Hashable, CaseIterable {
        case ok
        /// Works, but ought to be mended.
        case warning
        /// Jobs will not work until it is mended.
        case failed
        /// Not looked at, because it cannot be seen from here or something before it failed.
        case skipped
    }

    /// What it is about: `broker`, `paddles`, `provider ovh`.
    package var area: String
    /// Which question: `login`, `binlog`.
    package var check: String
    package var verdict: Verdict
    /// What was found, in one line.
    package var text: String
    /// What to do about it; empty when there is nothing to do.
    package var remedy: String

    package init(_ verdict: Verdict, area: String, check: String, text: String, remedy: String = "") {
        self.area = area
        self.check = check
        self.verdict = verdict
        self.text = Self.oneLine(text)
        self.remedy = Self.oneLine(remedy)
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: "; ")
    }
}

/// Everything that `cirrata doctor` found out, in the order of its questions.
package struct Diagnosis: Sendable, Hashable {
    package var findings: [Finding]

    package init(_ findings: [Finding]) {
        self.findings = findings
    }

    package func count(_ verdict: Finding.Verdict) -> Int { findings.count { $0.verdict == verdict } }
    package var hasFailures: Bool { count(.failed) > 0 }
}
