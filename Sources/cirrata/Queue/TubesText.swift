import Beanstalk
import HTTPKit
import WorkerCore
import World

/// `tubes` for people and for scripts.
struct TubesText {
    private let view: QueueView
    private let before: [TubeName: JobCounts]
    private let isWatched: Bool
    private let now: Timestamp

    init(_ view: QueueView, since before: QueueView?, isWatched: Bool, now: Timestamp) {
        self.view = view
        self.now = now
        self.before = Dictionary(
            (before?.tubes ?? []).map { ($0.statistics.name, $0.statistics.jobs) }, uniquingKeysWith: { a, _ in a })
        self.isWatched = isWatched
    }

    private static let head = ["TUBE", "READY", "RESERVED", "DELAYED", "BURIED", "WAITING", "PAUSED", "OLDEST"]

    func lines(for terminal: Terminal) -> [String] {
        var table = TextTable(head: Self.head)
        for tube in view.tubes { table.add(row(tube)) }
        var lines = view.tubes.isEmpty ? ["no tubes of ours: no worker has ever connected, and no job was put"] : []
        if !view.tubes.isEmpty { lines += table.lines(for: terminal) { style(view.tubes[$0]) } }
        lines += notes.map { terminal.styled($0, .yellow) }
        if isWatched, !terminal.isInteractive { lines.append("") }
        return lines
    }

    private func row(_ tube: TubeView) -> [String] {
        let (statistics, jobs) = (tube.statistics, tube.statistics.jobs)
        let old = before[statistics.name]
        return [
            statistics.name.text, Self.count(jobs.ready, old?.ready), Self.count(jobs.reserved, old?.reserved),
            Self.count(jobs.delayed, old?.delayed), Self.count(jobs.buried, old?.buried), "\(statistics.waiting)",
            statistics.pauseLeft > .zero ? statistics.pauseLeft.short : "-", tube.oldestReady?.short ?? "-",
        ]
    }

    private static func count(_ now: Int, _ before: Int?) -> String {
        guard let before, before != now else { return "\(now)" }
        return now > before ? "\(now) (+\(now - before))" : "\(now) (-\(before - now))"
    }

    private func style(_ tube: TubeView) -> Terminal.Style? {
        if tube.statistics.jobs.buried > 0 { return .red }
        return tube.statistics.pauseLeft > .zero ? .yellow : nil
    }

    private var notes: [String] {
        var notes = view.tubes.flatMap { $0.hindranceLines(now: now) }
        if view.isDraining { notes.append("the broker drains: it takes no job until it is restarted") }
        if view.buriedElsewhere > 0 { notes.append("buried by other programs: \(view.buriedElsewhere)") }
        return notes
    }

    /// One object a line, the last one with what concerns the whole broker.
    var json: [String] {
        let tubes = view.tubes.map { tube in
            let (statistics, jobs) = (tube.statistics, tube.statistics.jobs)
            var members: JSONObject = [
                "event": "tube", "tube": .string(statistics.name.text), "ready": .integer(jobs.ready),
                "reserved": .integer(jobs.reserved), "delayed": .integer(jobs.delayed),
                "buried": .integer(jobs.buried), "waiting": .integer(statistics.waiting),
                "pause_left_seconds": .integer(Int(statistics.pauseLeft.seconds)),
                "hindrances": .array(tube.hindrances.map { .string($0.text(now: now)) }),
            ]
            if let oldest = tube.oldestReady { members["oldest_ready_seconds"] = .integer(Int(oldest.seconds)) }
            return JSONValue.object(members).text
        }
        let summary: JSONObject = [
            "event": "summary", "buried_elsewhere": .integer(view.buriedElsewhere), "draining": .bool(view.isDraining),
        ]
        return tubes + [JSONValue.object(summary).text]
    }
}

extension TubeView {
    /// Why its ready jobs are not taken, and what changes that; a line each.
    func hindranceLines(now: Timestamp) -> [String] {
        hindrances.map { hindrance in
            Printable.line(
                "\(statistics.name): \(hindrance.text(now: now)); \(hindrance.remedy(provider: provider ?? ""))")
        }
    }
}
