import HTTPKit
import Jobs
import WorkerCore
import World

/// `failed list` for people and for scripts.
struct FailedListText {
    private let survey: FailureSurvey
    private let shown: [FailedJob]
    private let total: Int
    private let filtered: Bool
    private let now: Timestamp

    /// - Parameters:
    ///   - total: how many there were before the limit.
    ///   - filtered: whether `total` leaves out what was not asked for.
    init(_ survey: FailureSurvey, shown: [FailedJob], of total: Int, filtered: Bool, now: Timestamp) {
        self.survey = survey
        self.shown = shown
        self.total = total
        self.filtered = filtered
        self.now = now
    }

    private static let head = ["JOB", "NODE", "ACTION", "STEP", "CLASS", "TRIES", "AGE", "LEFT", "MESSAGE"]

    func lines(for terminal: Terminal) -> [String] {
        var lines: [String] = []
        if !shown.isEmpty {
            var table = TextTable(head: Self.head)
            for job in shown { table.add(row(job)) }
            for (index, line) in table.lines.enumerated() {
                // A person sees one line for each job; what reads a pipe gets everything.
                let fitting = terminal.isInteractive ? Printable.cut(line, to: terminal.width) : line
                lines.append(index == 0 ? terminal.styled(fitting, .bold) : styled(fitting, shown[index - 1], terminal))
            }
        }
        return lines + notes.map { terminal.styled($0, .dim) }
    }

    private func row(_ job: FailedJob) -> [String] {
        let report = job.report
        let message = job.isCurrent ? report.message : "(\(job.standing)) \(report.message)"
        return [
            "\(report.jobID)", report.node, report.action, report.step, report.cause, "\(job.attempts)",
            (now - report.ended).short, report.left.isEmpty ? "-" : "\(report.left.count)", message,
        ].map { $0.isEmpty ? "-" : Printable.line($0) }
    }

    private func styled(_ line: String, _ job: FailedJob, _ terminal: Terminal) -> String {
        if !job.isCurrent { return terminal.styled(line, .dim) }
        return job.report.left.isEmpty ? line : terminal.styled(line, .red)
    }

    /// What the table does not show.
    private var notes: [String] {
        var notes: [String] = []
        let stale = survey.jobs.count - survey.current.count
        if survey.current.isEmpty {
            notes.append("no failed jobs with a report")
        } else if filtered {
            notes.append("\(total) of \(survey.current.count.counted("failed job")) match")
        }
        if shown.count < total { notes.append("\(shown.count) of \(total) shown") }
        if stale > 0, !shown.contains(where: { !$0.isCurrent }) {
            notes.append("\(stale) stale reports, about jobs that were kicked or deleted since (--all shows them)")
        }
        if survey.unreadable > 0 {
            notes.append("\(survey.unreadable.counted("report")) that this release cannot read")
        }
        let missing = survey.buriedWithoutReport
        let elsewhere = survey.buriedElsewhere
        if missing > 0 || elsewhere > 0 {
            notes.append("buried without a report: \(missing) in our tubes; buried by other programs: \(elsewhere)")
        }
        return notes
    }

    /// One object a line, the last one with what the others do not say.
    var json: [String] {
        let summary: [String: JSONValue] = [
            "event": "summary", "shown": .integer(shown.count), "total": .integer(total),
            "current": .integer(survey.current.count), "stale": .integer(survey.jobs.count - survey.current.count),
            "unreadable": .integer(survey.unreadable), "buried_without_report": .integer(survey.buriedWithoutReport),
            "buried_elsewhere": .integer(survey.buriedElsewhere),
        ]
        return shown.map { JSONValue.object($0.json(now: now)).text } + [JSONValue.object(summary).text]
    }
}
