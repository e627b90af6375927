import ArgumentParser
import Configuration
import HTTPKit
import Jobs
import WorkerCore
import World

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "Shows who works on what, in which step, and since when.",
        discussion: """
            Workers give a sign of life every 30 s; what they hold may be that much out of date. One without a sign for 90 s \
            has vanished. A provider that rests (burial_brake) is said at once. Looking changes nothing in the broker.

            JSON: for each worker an object with event "worker", host, pid, release, slots, started, at, draining, alive, \
            jobs (job, key, node, action, step, since) and rests (provider, cause, burials, message, since, until); then one with event "summary", workers, unreadable, complete, \
            reserved, and unclaimed where it is known.
            """)

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (workforce, now) = try await withQueue(site) { broker, configuration, world in
            let reader = try QueueReader(broker: broker, tubes: configuration.tubes, world: world)
            let workforce = try await reader.workforce()
            return (workforce, world.time.wallClock)
        }
        let lines = output.json ? Self.json(workforce, now) : Self.lines(workforce, now)
        for line in lines { Terminal.output.line(line) }
    }

    private static func lines(_ workforce: Workforce, _ now: Timestamp) -> [String] {
        var lines: [String] = []
        for worker in workforce.workers {
            let state = worker.isAlive(now: now) ? (worker.draining ? ", draining" : "") : ", vanished"
            let title =
                "\(worker.name) \(worker.release), \(worker.holding)/\(worker.slots) slots, "
                + "up \((now - worker.started).short), seen \((now - worker.at).short) ago\(state)"
            let isWell = worker.isAlive(now: now)
            lines.append(Terminal.output.styled(Printable.line(title), isWell ? .bold : .red))
            var table = TextTable(head: ["  JOB", "NODE", "ACTION", "STEP", "SINCE"])
            for job in worker.held {
                table.add(
                    ["  \(job.jobID)", job.node, job.action, job.step, (now - job.since).short]
                        .map { $0.isEmpty ? "-" : Printable.line($0) })
            }
            if !worker.held.isEmpty { lines += table.lines }
            for rest in worker.rests where isWell {
                let text = "  \(rest.provider) \(rest.text(now: now)); `cirrata resume \(rest.provider)` ends it"
                lines.append(Terminal.output.styled(Printable.line(text), .yellow))
            }
        }
        return lines + notes(workforce, now).map { Terminal.output.styled($0, .yellow) }
    }

    private static func notes(_ workforce: Workforce, _ now: Timestamp) -> [String] {
        var notes: [String] = []
        if workforce.workers.isEmpty, workforce.unreadable == 0 { notes.append("no worker shows itself") }
        if workforce.unreadable > 0 {
            notes.append("\(workforce.unreadable.counted("sign")) of life that this release cannot read")
        }
        if !workforce.isComplete { notes.append("there are more workers: not every sign of life was found") }
        if let unclaimed = workforce.unclaimed(now: now), unclaimed > 0 {
            notes.append(
                "\(unclaimed.counted("reserved job")) that no worker says it holds: taken in the last half minute, or "
                    + "of a vanished worker that the broker has not missed yet")
        }
        return notes
    }

    private static func json(_ workforce: Workforce, _ now: Timestamp) -> [String] {
        let workers = workforce.workers.map { worker in
            let jobs = worker.held.map { job in
                JSONValue.object([
                    "job": .integer(Int(clamping: job.jobID)), "key": .string(job.key), "node": .string(job.node),
                    "action": .string(job.action), "step": .string(job.step),
                    "since": .string(job.since.description),
                ])
            }
            let rests = worker.rests.map { rest in
                JSONValue.object([
                    "provider": .string(rest.provider), "cause": .string(rest.cause),
                    "burials": .integer(rest.burials), "message": .string(rest.message),
                    "since": .string(rest.since.description), "until": .string(rest.until.description),
                ])
            }
            let members: JSONObject = [
                "event": "worker", "host": .string(worker.host), "pid": .integer(Int(worker.process)),
                "release": .string(worker.release), "slots": .integer(worker.slots),
                "started": .string(worker.started.description), "at": .string(worker.at.description),
                "draining": .bool(worker.draining), "alive": .bool(worker.isAlive(now: now)), "jobs": .array(jobs),
                "rests": .array(rests),
            ]
            return JSONValue.object(members).text
        }
        var summary: JSONObject = [
            "event": "summary", "workers": .integer(workforce.workers.count),
            "unreadable": .integer(workforce.unreadable), "complete": .bool(workforce.isComplete),
            "reserved": .integer(workforce.reserved),
        ]
        if let unclaimed = workforce.unclaimed(now: now) { summary["unclaimed"] = .integer(unclaimed) }
        return workers + [JSONValue.object(summary).text]
    }
}
