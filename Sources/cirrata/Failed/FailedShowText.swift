import Beanstalk
import Jobs
import WorkerCore
import World

/// `failed show` for people.
struct FailedShowText {
    private let job: FailedJob
    private let now: Timestamp

    init(_ job: FailedJob, now: Timestamp) {
        self.job = job
        self.now = now
    }

    private var report: Report { job.report }

    func lines(for terminal: Terminal) -> [String] {
        head(terminal) + section("Timeline", timeline(terminal), terminal)
            + section("Resources", resources(terminal), terminal)
            + section("Warnings", report.warnings, terminal)
            + section("Body (known keys)", Self.body(report.body.map { ($0.0, $0.1) }), terminal)
            + section("Console", report.console.isEmpty ? [] : Printable.lines(report.console), terminal)
            + section("Next", [job.suggestion], terminal)
    }

    // MARK: Head

    private func head(_ terminal: Terminal) -> [String] {
        let place = report.step.isEmpty ? "" : " at \(report.step)"
        let what = "\(report.action.isEmpty ? "job" : report.action) \(report.node)"
        let title = "job \(report.jobID): \(what): \(report.outcome)\(place) (\(report.cause))"
        var lines = [terminal.styled(title, job.isCurrent ? .red : .dim)]
        lines += Printable.lines(report.message).map { "  " + $0 }
        lines.append("")
        var facts: [(String, String)] = []
        if !job.isCurrent { facts.append(("report", job.standing.description)) }
        facts += [
            ("failed", "\(Self.second(report.ended)), \((now - report.ended).short) ago, on \(report.worker)"),
            ("put", "\(Self.second(report.put)), taken \(Self.second(report.began))"),
            ("tube", "\(report.tube) at \(report.broker)"),
            ("key", report.key),
        ]
        if !report.run.isEmpty { facts.append(("run", report.run)) }
        if let statistics = job.statistics { facts.append(("counters", Self.counters(statistics))) }
        if let answer = Self.answer(report.status, report.requestID) { facts.append(("answer", answer)) }
        return lines + facts.map { Self.fact($0.0, $0.1) }
    }

    static func counters(_ statistics: JobStatistics) -> String {
        "\(statistics.state.rawValue), reserves \(statistics.reserves), releases \(statistics.releases), "
            + "timeouts \(statistics.timeouts), buries \(statistics.buries), kicks \(statistics.kicks), "
            + "priority \(statistics.priority), TTR \(statistics.ttr.short)"
    }

    private static func answer(_ status: Int?, _ requestID: String?) -> String? {
        let parts = [status.map { "HTTP \($0)" }, requestID].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    // MARK: What happened

    private func timeline(_ terminal: Terminal) -> [String] {
        report.steps.flatMap { story in
            story.attempts.map { attempt in
                let failed = !attempt.error.isEmpty
                let mark = terminal.styled(failed ? "failed" : "ok    ", failed ? .red : .green)
                var text = failed ? attempt.error : story.summary
                // The error of a service says its status and request already.
                if failed, let answer = Self.answer(attempt.status, attempt.requestID), !text.contains("HTTP") {
                    text += " (\(answer))"
                }
                let name = story.attempts.count > 1 ? "\(story.step) \(attempt.number)" : story.step
                return Self.clock(attempt.at) + "  " + Self.padded(name, 18) + Self.padded(attempt.took.short, 8) + mark
                    + "  " + text
            }
        }
    }

    /// The time of day: the date stands above.
    private static func clock(_ time: Timestamp) -> String {
        let text = second(time)
        return text.split(separator: "T").last.map(String.init) ?? text
    }

    private static func second(_ time: Timestamp) -> String {
        Timestamp(seconds: time.microseconds / 1_000_000).description
    }

    private func resources(_ terminal: Terminal) -> [String] {
        report.created.map { "+ \($0)" } + report.removed.map { "- \($0)" }
            + report.left.map { terminal.styled("left: \($0)", .red) }
    }

    // MARK: Shapes

    private func section(_ title: String, _ lines: [String], _ terminal: Terminal) -> [String] {
        lines.isEmpty ? [] : ["", terminal.styled(title, .bold)] + lines.map { "  " + $0 }
    }

    static func body(_ pairs: [(String, String)]) -> [String] {
        pairs.flatMap { key, value in
            let lines = Printable.lines(value).filter { !$0.isEmpty }
            return lines.count < 2
                ? ["\(key): \(lines.first ?? "")"] : ["\(key):"] + lines.map { "  " + $0 }
        }
    }

    static func fact(_ name: String, _ value: String) -> String {
        "  " + padded(name, 10) + value
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    /// A buried job about which nobody wrote a report.
    static func lines(of job: BuriedJob, for terminal: Terminal) -> [String] {
        let statistics = job.statistics
        return [
            terminal.styled("job \(statistics.id): buried without a report", .red), "",
            fact("tube", statistics.tube.text), fact("put", "\(statistics.age.short) ago"),
            fact("counters", counters(statistics)), "", terminal.styled("Body (known keys)", .bold),
        ] + body(job.body.map { ($0.key, $0.value) }).map { "  " + $0 } + [
            "", terminal.styled("Next", .bold),
            "  look for the job's key in the workers' logs; the report was lost, or somebody else buried it",
        ]
    }
}
