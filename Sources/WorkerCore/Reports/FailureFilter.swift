import Jobs
package import World

/// Which failed jobs are meant: every condition that is given must hold. Listing, grouping and the verbs that act on many
/// jobs share it, so that what was looked at is what is acted on.
package struct FailureFilter: Sendable, Hashable {
    /// Of the full or the short name.
    package var node: Glob?
    package var provider: String?
    package var step: String?
    /// The error's class.
    package var cause: String?
    /// When it failed, both ends included.
    package var since: Timestamp?
    package var until: Timestamp?
    /// Anywhere in what was said of it; letter case does not count.
    package var text: String?

    package init() {}

    /// Whether it lets everything pass.
    package var isEmpty: Bool { self == FailureFilter() }

    /// What every report that it admits must mention.
    package var mentions: [String] { [provider, step, cause].compactMap { $0 } }

    package func admits(_ job: FailedJob) -> Bool {
        let report = job.report
        if let node, !node.matches(report.node), !node.matches(report.shortNode) { return false }
        if let provider, provider != report.provider { return false }
        if let step, step != report.step { return false }
        if let cause, cause != report.cause { return false }
        if let since, report.ended < since { return false }
        if let until, report.ended > until { return false }
        if let text, !job.says(text) { return false }
        return true
    }
}

extension FailedJob {
    fileprivate func says(_ text: String) -> Bool {
        let wanted = text.lowercased()
        let errors = report.steps.flatMap { $0.attempts.map(\.error) }
        return ([report.message, report.next, report.run, report.key, report.worker] + report.left + errors)
            .contains { $0.lowercased().contains(wanted) }
    }
}
