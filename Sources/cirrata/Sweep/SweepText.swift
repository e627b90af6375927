import HTTPKit
import Jobs
import Provisioning
import WorkerCore
import World

/// What a sweep found and did, for people and for scripts.
struct SweepText {
    private typealias Entry = SweepReport.Entry

    private let report: SweepReport
    private let isDryRun: Bool

    init(_ report: SweepReport, isDryRun: Bool) {
        self.report = report
        self.isDryRun = isDryRun
    }

    /// What was done, what needs somebody, what was refused; of everything else, how much there is.
    func lines(for terminal: Terminal) -> [String] {
        var lines: [String] = []
        for entry in report.entries {
            switch entry.fate {
            case .kept(let reason) where !reason.needsPerson: break
            default: lines += self.lines(of: entry, terminal)
            }
        }
        for refusal in report.refusals {
            lines.append(terminal.styled("refused", .red) + "    " + "\(refusal)")
            if !refusal.next.isEmpty { lines.append("           → " + refusal.next) }
        }
        lines += KeepReason.allCases.filter { !$0.needsPerson }.compactMap { reason in
            let count = report.count(reason)
            return count == 0 ? nil : terminal.styled("kept       \(count): \(Self.meaning(of: reason))", .dim)
        }
        return lines + [summary(terminal)]
    }

    private func lines(of entry: Entry, _ terminal: Terminal) -> [String] {
        let name = name(of: entry.fate)
        let verdict = terminal.styled(name, style(of: entry)) + String(repeating: " ", count: max(1, 11 - name.count))
        var lines = [verdict + "\(entry.remains.node): \(entry.why)"]
        lines += Self.items(of: entry).map { "           " + $0 }
        if !entry.next.isEmpty { lines.append("           → " + entry.next) }
        return lines
    }

    private func summary(_ terminal: Terminal) -> String {
        let removed = report.removed.count
        let condemned = report.entries.count { $0.fate == .condemned }
        let chores = report.chores
        var parts = [isDryRun ? "\(condemned) would be removed" : "\(removed) removed"]
        if !isDryRun, condemned > 0 { parts.append("\(condemned) left alone") }
        let people = report.entries.count(where: \.needsPerson)
        if people > 0 { parts.append("\(people) for somebody to look at") }
        if !report.refusals.isEmpty { parts.append("\(report.refusals.count) refused") }
        if chores.total > 0 {
            parts.append(
                "\(isDryRun ? "would be dropped: up to " : "dropped: ")\(chores.reports) old reports, \(chores.replies) old replies, \(chores.presences) dead workers"
            )
        }
        return terminal.styled(
            "of \(report.entries.count): " + parts.joined(separator: ", "), report.needsPerson ? .red : .bold)
    }

    private func name(of fate: Entry.Fate) -> String {
        switch fate {
        case .kept: "look"
        case .condemned: isDryRun ? "would go" : "left"
        case .removed: "removed"
        case .stopped: "stopped"
        case .postponed: "postponed"
        case .refused: "stays"
        }
    }

    private func style(of entry: Entry) -> Terminal.Style {
        if entry.needsPerson { return .red }
        if case .removed = entry.fate { return .green }
        return .yellow
    }

    private static func items(of entry: Entry) -> [String] {
        if case .removed(let what) = entry.fate { return what }
        return entry.remains.items
    }

    private static func meaning(of reason: KeepReason) -> String {
        switch reason {
        case .inUse: "in use"
        case .young: "too young to be judged"
        case .jobInQueue: "the job is in the queue"
        case .nodeHasJob: "another job of the node is in the queue"
        case .newerRelease: "of a newer release"
        case .nodeLocked: "unfinished, and the node is still locked for it: goes when that is unlocked"
        case .seenOnce: "seen only once"
        case .changed: "changed between two looks"
        case .jobBuried, .extraServer, .spareVolume, .describedByPaddles, .nodeUnknown, .attachedElsewhere,
            .contradictory, .unreadable:
            reason.rawValue
        }
    }
}

// MARK: - JSON

extension SweepText {
    /// One object a line: all remains, then refusals, then a summary.
    var json: [String] {
        let entries = report.entries.map { JSONValue.object(json(of: $0)).text }
        let refusals = report.refusals.map { refusal in
            let members: JSONObject = [
                "event": "refused", "provider": .string(refusal.provider), "class": .string(refusal.cause),
                "message": .string(refusal.message), "next": .string(refusal.next),
            ]
            return JSONValue.object(members).text
        }
        let summary: JSONObject = [
            "event": "summary", "dry_run": .bool(isDryRun), "total": .integer(report.entries.count),
            "removed": .integer(report.removed.count),
            "condemned": .integer(report.entries.count { $0.fate == .condemned }),
            "needs_person": .bool(report.needsPerson), "refused": .integer(report.refusals.count),
            "reports": .integer(report.chores.reports), "replies": .integer(report.chores.replies),
            "presences": .integer(report.chores.presences),
        ]
        return entries + refusals + [JSONValue.object(summary).text]
    }

    private func json(of entry: SweepReport.Entry) -> JSONObject {
        let remains = entry.remains
        var members: JSONObject = [
            "event": "remains", "provider": .string(remains.id.provider), "node": .string(remains.node),
            "key": .string(remains.key), "why": .string(entry.why), "next": .string(entry.next),
            "needs_person": .bool(entry.needsPerson), "locked": .bool(remains.isLock),
            "jobs": .array(remains.jobIDs.map { .integer(Int(clamping: $0)) }),
            "servers": .array(remains.serverIDs.map { .string($0) }),
            "volumes": .array(remains.volumeIDs.map { .string($0) }),
        ]
        switch entry.fate {
        case .kept(let reason):
            members["fate"] = "kept"
            members["reason"] = .string(reason.rawValue)
        case .condemned: members["fate"] = "condemned"
        case .removed(let what):
            members["fate"] = "removed"
            members["removed"] = .array(what.map { .string($0) })
        case .stopped: members["fate"] = "stopped"
        case .postponed: members["fate"] = "postponed"
        case .refused(let left):
            members["fate"] = "refused"
            members["left"] = .array(left.map { .string($0) })
        }
        return members
    }
}
