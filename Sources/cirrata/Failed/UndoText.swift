import HTTPKit
import Jobs
import Provisioning
import WorkerCore
import World

/// `failed undo`, told.
struct UndoText {
    private let json: Bool
    private let terminal: Terminal

    init(json: Bool, terminal: Terminal = .output) {
        self.json = json
        self.terminal = terminal
    }

    /// What would go.
    func preview(_ job: FailedJob, _ look: FailedJobUndo.Look) {
        switch look {
        case .not(let result): end(job, FailedJobUndo.End(result: result))
        case .found(let leftovers):
            if json {
                return write(
                    [
                        "event": "would be removed", "left": .array(leftovers.labels.map { .string($0) }),
                    ], job)
            }
            if leftovers.labels.isEmpty { return line("nothing is left of", job, "") }
            line("would be removed for", job, "")
            for label in leftovers.labels { terminal.line("  - \(Printable.line(label))") }
        }
    }

    func end(_ job: FailedJob, _ end: FailedJobUndo.End) {
        let (word, next) = Self.words(end.result)
        if json {
            var members: JSONObject = [
                "event": .string(word), "removed": .array(end.removed.map { .string($0) }), "why": .string(end.told),
                "next": .string(next),
            ]
            if case .left(let left, _, _) = end.result { members["left"] = .array(left.map { .string($0) }) }
            if !end.reportTrouble.isEmpty { members["report"] = .string(end.reportTrouble) }
            return write(members, job)
        }
        var told = end.told
        if !end.removed.isEmpty { told = "removed \(end.removed.joined(separator: ", ")); \(told)" }
        line(word, job, next.isEmpty ? told : "\(told); \(next)")
        if !end.reportTrouble.isEmpty {
            terminal.line("  its report still says what it said before: \(end.reportTrouble)")
        }
    }

    func summary(_ ends: [FailedJobUndo.End], of all: Int) {
        let done = ends.count { $0.result == .done }
        let skipped = ends.count {
            switch $0.result {
            case .skipped, .committed, .failed: true
            case .done, .left: false
            }
        }
        let left = ends.count - done - skipped
        if json {
            let members: JSONObject = [
                "event": "summary", "done": .integer(done), "left": .integer(left), "skipped": .integer(skipped),
                "not_reached": .integer(all - ends.count),
            ]
            return terminal.line(JSONValue.object(members).text)
        }
        if all == 0 { return terminal.line("no failed job matches that left something") }
        let rest = all == ends.count ? "" : ", \(all - ends.count) not reached"
        terminal.line("\(done) undone, \(left) with something left, \(skipped) skipped\(rest)")
    }

    private static func words(_ result: FailedJobUndo.Result) -> (String, next: String) {
        switch result {
        case .done: ("undone", "")
        case .left(_, _, let next): ("left", next)
        case .committed: ("finished", "discard the job with --leave-behind, or enqueue a destroy for the node")
        case .skipped: ("skipped", "")
        case .failed(_, let next): ("skipped", next)
        }
    }

    private func line(_ what: String, _ job: FailedJob, _ why: String) {
        let node = job.report.node.isEmpty ? "-" : job.report.node
        terminal.line("\(what) \(job.reference) \(node)" + (why.isEmpty ? "" : ": \(why)"))
    }

    private func write(_ members: JSONObject, _ job: FailedJob) {
        let own: JSONObject = [
            "job": .integer(Int(clamping: job.report.jobID)), "node": .string(job.report.node),
            "key": .string(job.report.key),
        ]
        terminal.line(JSONValue.object(members.merging(own)).text)
    }
}
