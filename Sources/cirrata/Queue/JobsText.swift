import Beanstalk
import HTTPKit
import WorkerCore
import World

/// `jobs` for people and for scripts.
struct JobsText {
    private let found: QueuedJobs
    private let now: Timestamp

    init(_ found: QueuedJobs, now: Timestamp) {
        self.found = found
        self.now = now
    }

    private static let head = ["JOB", "NODE", "ACTION", "PROVIDER", "STATE", "AGE", "HOLDER", "STEP"]

    func lines(for terminal: Terminal) -> [String] {
        var table = TextTable(head: Self.head)
        for job in found.jobs { table.add(row(job)) }
        let rows = found.jobs.isEmpty ? [] : table.lines(for: terminal) { style(found.jobs[$0]) }
        return rows + notes.map { terminal.styled($0, .dim) }
    }

    private func row(_ job: QueuedJobFacts) -> [String] {
        let step = job.holder.map { "\($0.step) for \((now - $0.since).short)" }
        return [
            "\(job.id)", job.shortNode, job.action, job.provider, Self.state(job.statistics), job.statistics.age.short,
            Self.holder(job), step ?? "",
        ].map { $0.isEmpty ? "-" : Printable.line($0) }
    }

    /// A delay with what is left of it.
    static func state(_ statistics: JobStatistics) -> String {
        statistics.state == .delayed ? "delayed \(statistics.timeLeft.short)" : statistics.state.rawValue
    }

    static func holder(_ job: QueuedJobFacts) -> String {
        if let holder = job.holder { return holder.isAlive ? holder.worker : "\(holder.worker) (vanished)" }
        return job.statistics.state == .reserved ? "?" : ""
    }

    private func style(_ job: QueuedJobFacts) -> Terminal.Style? {
        switch job.statistics.state {
        case .buried: .red
        case .reserved: job.holder.map { $0.isAlive ? .green : .red } ?? .yellow
        case .ready, .delayed: nil
        }
    }

    private var notes: [String] {
        var notes = found.hindered.flatMap { $0.hindranceLines(now: now) }
        if found.total == 0 { notes.append("no job matches") }
        if found.jobs.count < found.total {
            notes.append("\(found.jobs.count) of \(found.total) shown (--limit 0 shows all)")
        }
        if found.jobs.contains(where: { $0.statistics.state == .reserved && $0.holder == nil }) {
            notes.append(
                "?: no worker says that it holds it: taken in the last half minute, or of a vanished worker that the "
                    + "broker has not missed yet")
        }
        if found.notFound > 0 { notes.append("\(found.notFound.counted("more job")) must be there, and was not found") }
        if found.buriedElsewhere > 0 { notes.append("buried by other programs: \(found.buriedElsewhere)") }
        return notes
    }

    /// One object a line, the last one with what the others do not say.
    var json: [String] {
        let summary: JSONObject = [
            "event": "summary", "shown": .integer(found.jobs.count), "total": .integer(found.total),
            "not_found": .integer(found.notFound), "buried_elsewhere": .integer(found.buriedElsewhere),
        ]
        return found.jobs.map { JSONValue.object($0.json).text } + [JSONValue.object(summary).text]
    }
}

extension QueuedJobFacts {
    /// What a list says of it.
    var json: JSONObject {
        var members = statistics.json
        members["event"] = "job"
        members["job"] = .integer(Int(clamping: id.number))
        members["tube"] = .string(statistics.tube.text)
        members["provider"] = .string(provider)
        members["action"] = .string(action)
        members["node"] = .string(node)
        members["key"] = .string(key)
        members["left_seconds"] = .integer(Int(statistics.timeLeft.seconds))
        if let holder {
            members["holder"] = [
                "worker": .string(holder.worker), "step": .string(holder.step),
                "since": .string(holder.since.description), "alive": .bool(holder.isAlive),
            ]
        }
        return members
    }

    /// Everything.
    func detailedJSON(now: Timestamp) -> JSONObject {
        var members = json
        members["digest"] = .string(digest)
        members["body"] = .object(JSONObject(body.map { ($0.key, .string($0.value)) }))
        members["hindrances"] = .array(hindrances.map { .string($0.text(now: now)) })
        members["next"] = .string(next)
        return members
    }

    /// What an operator may do about it, in a sentence.
    var next: String {
        switch statistics.state {
        case .ready where !hindrances.isEmpty:
            "a worker takes it when nothing hinders it any more; `cirrata cancel \(id)` takes it out of the queue"
        case .ready: "a worker takes it when one is free; `cirrata cancel \(id)` takes it out of the queue"
        case .delayed: "it is tried again by itself; `cirrata cancel \(id)` takes it out of the queue"
        case .buried: "`cirrata failed show \(id)` reads its report, and says so if there is none"
        case .reserved: howToStop
        }
    }

    /// How a running job is stopped.
    var howToStop: String {
        action == "destroy"
            ? "a destroy only goes forward: wait for it, or lock the node for somebody else, which ends it before its "
                + "next change"
            : "unlock \(shortNode.isEmpty ? "its node" : shortNode) in paddles (teuthology-lock --unlock): its worker "
                + "sees that before the next change and removes what it built"
    }
}
