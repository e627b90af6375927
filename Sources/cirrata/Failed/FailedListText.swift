import Beanstalk
import HTTPKit
import Jobs
import WorkerCore
import World

/// `failed list` for people and for scripts.
struct FailedListText {
    private let list: FailedList
    private let now: Timestamp

    init(_ list: FailedList, now: Timestamp) {
        self.list = list
        self.now = now
    }

    private var shown: [FailedJob] { list.shown }
    private var counts: FailureCounts { list.counts }

    private static let head = ["JOB", "NODE", "ACTION", "STEP", "CLASS", "TRIES", "AGE", "LEFT", "MESSAGE"]

    func lines(for terminal: Terminal) -> [String] {
        reported(terminal) + bare(terminal) + notes.map { terminal.styled($0, .dim) }
    }

    private func bare(_ terminal: Terminal) -> [String] {
        guard let jobs = list.bare?.jobs, !jobs.isEmpty else { return [] }
        var table = TextTable(head: ["JOB", "NODE", "ACTION", "TUBE", "AGE", "WITHOUT A REPORT"])
        for job in jobs {
            table.add(
                [
                    "\(job.id)", job.shortNode, job.action, job.statistics.tube.text, job.statistics.age.short,
                    "delivered \(job.statistics.reserves.counted("time")), kicked \(job.statistics.kicks)",
                ].map { $0.isEmpty ? "-" : Printable.line($0) })
        }
        return (shown.isEmpty ? [] : [""]) + table.lines(for: terminal) { _ in .red }
    }

    private func reported(_ terminal: Terminal) -> [String] {
        if shown.isEmpty { return [] }
        var table = TextTable(head: Self.head)
        for job in shown { table.add(row(job)) }
        return table.lines(for: terminal) { style(shown[$0]) }
    }

    private func row(_ job: FailedJob) -> [String] {
        let report = job.report
        let message = job.isCurrent ? report.message : "(\(job.standing)) \(report.message)"
        return [
            "\(report.jobID)", report.node, report.action, report.step, report.cause, "\(job.attempts)",
            (now - report.ended).short, report.left.isEmpty ? "-" : "\(report.left.count)", message,
        ].map { $0.isEmpty ? "-" : Printable.line($0) }
    }

    private func style(_ job: FailedJob) -> Terminal.Style? {
        if !job.isCurrent { return .dim }
        return job.report.left.isEmpty ? nil : .red
    }

    /// What the table does not show.
    private var notes: [String] {
        var notes: [String] = []
        if counts.current == 0 {
            notes.append("no failed jobs with a report")
        } else if list.isFiltered {
            notes.append("\(list.total) of \(counts.current.counted("failed job")) match")
        }
        if shown.count < list.total {
            notes.append("the newest \(shown.count) of \(list.total) shown (--limit 0 shows all)")
        }
        if counts.stale > 0, !shown.contains(where: { !$0.isCurrent }) {
            notes.append(
                "\(counts.stale.counted("stale report")), about jobs that were kicked or deleted since (--all shows them)"
            )
        }
        if counts.unreadable > 0 {
            notes.append("\(counts.unreadable.counted("report")) that this release cannot read")
        }
        let missing = counts.buriedWithoutReport
        let elsewhere = counts.buriedElsewhere
        if let bare = list.bare {
            notes += bare.jobs.isEmpty ? ["no buried job without a report"] : []
            if bare.jobs.count < bare.total {
                notes.append("\(bare.jobs.count) of \(bare.total) without a report shown")
            }
            if bare.notFound > 0 { notes.append("\(bare.notFound) more are buried, and were not found") }
        } else if missing > 0 {
            notes.append("\(missing.counted("buried job")) without a report (--scan finds them)")
        }
        if elsewhere > 0 { notes.append("buried by other programs: \(elsewhere)") }
        return notes
    }

    /// One object a line, the last one with what the others do not say.
    var json: [String] {
        let summary: JSONObject = [
            "event": "summary", "shown": .integer(shown.count), "total": .integer(list.total),
            "current": .integer(counts.current), "stale": .integer(counts.stale),
            "unreadable": .integer(counts.unreadable),
            "buried_without_report": .integer(counts.buriedWithoutReport),
            "buried_elsewhere": .integer(counts.buriedElsewhere),
        ]
        let bare = list.bare?.jobs.map { JSONValue.object($0.buriedJSON).text } ?? []
        return shown.map { JSONValue.object($0.json(now: now)).text } + bare + [JSONValue.object(summary).text]
    }
}
