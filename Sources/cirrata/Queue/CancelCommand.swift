import ArgumentParser
import Beanstalk
import Configuration
import Glibc
import HTTPKit
import WorkerCore
import World

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Takes jobs out of the queue that nobody works on.",
        discussion: """
            Ready, delayed and buried jobs are deleted, after the reply that they promised was put: outcome "cancelled". \
            Each is looked at again just before. What an earlier delivery had built is removed by the next sweep, as no \
            job has its key any more. A job that a worker holds is left alone: how to stop it is said, and the exit code \
            is 1. You are asked before, unless --yes.

            JSON: for each job an object with event ("would be cancelled", "cancelled", "running", "skipped" or "failed"), \
            job, node, key, state, why, and where a reply was put reply_to; then, unless --dry-run, one with event "summary", \
            done, running, skipped and failed.
            """)

    @Argument(help: ArgumentHelp("Job numbers, keys or nodes.", valueName: "job"))
    var references: [String]

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let jobs = try await chosen()
        if dryRun {
            for job in jobs {
                let isRunning = job.statistics.state == .reserved
                say(isRunning ? "running" : "would be cancelled", job, isRunning ? Self.why(job) : "")
            }
            return
        }
        let running = jobs.count { $0.statistics.state == .reserved }
        if running < jobs.count, !yes {
            let those = jobs.filter { $0.statistics.state != .reserved }.map {
                "\($0.id) (\($0.action) \($0.shortNode))"
            }
            guard try Confirmation.ask(Printable.line("cancel \(Printable.list(those))?")) else {
                throw Complaint("nothing was done")
            }
        }
        try await cancel(jobs)
    }

    /// - Throws: `Complaint` when a reference stands for no job, or for several: then nothing is done at all.
    private func chosen() async throws -> [QueuedJobFacts] {
        let references = references
        return try await withQueue(site) { broker, configuration, world in
            let reader = try QueueReader(broker: broker, tubes: configuration.tubes, world: world)
            let progress = ProgressBar()
            defer { progress.erase() }
            var jobs: [QueuedJobFacts] = []
            for reference in references {
                let found = try await reader.find(reference) { progress.show($0) }
                guard let job = found.first else {
                    throw Complaint("no job of ours is known as \(reference): nothing was done; see `cirrata jobs`")
                }
                guard found.count == 1 else {
                    let names = found.map { "\($0.id) (\($0.action), \($0.statistics.state.rawValue))" }
                    throw Complaint(
                        "\(reference) stands for jobs \(Printable.list(names)): nothing was done; name one by its number"
                    )
                }
                if !jobs.contains(where: { $0.id == job.id }) { jobs.append(job) }
            }
            return jobs
        }
    }

    private func cancel(_ jobs: [QueuedJobFacts]) async throws {
        let tally = Locked(Tally())
        try await withQueue(site) { broker, configuration, world in
            let reader = try QueueReader(broker: broker, tubes: configuration.tubes, world: world)
            let user = world.host.environment["USER"] ?? "user \(getuid())"
            let cancellation = JobCancellation(reader, by: "\(user) at \(world.host.name)")
            for job in jobs {
                let result = try await cancellation.cancel(job)
                tally.withLock { $0.add(result) }
                switch result {
                case .done(let reply): say("cancelled", job, reply: reply)
                case .running(let now): say("running", job, Self.why(now))
                case .skipped(let why): say("skipped", job, why)
                case .failed(let why): say("failed", job, why)
                }
            }
        }
        let sum = tally.withLock { $0 }
        if output.json {
            let members: JSONObject = [
                "event": "summary", "done": .integer(sum.done), "running": .integer(sum.running),
                "skipped": .integer(sum.skipped), "failed": .integer(sum.failed),
            ]
            Terminal.output.line(JSONValue.object(members).text)
        } else if jobs.count > 1 {
            Terminal.output.line(
                "\(sum.done) cancelled, \(sum.running) running, \(sum.skipped) skipped, \(sum.failed) failed")
        }
        if sum.done < jobs.count { throw ExitCode(.failed) }
    }

    private struct Tally {
        var done = 0
        var running = 0
        var skipped = 0
        var failed = 0

        mutating func add(_ result: JobCancellation.Result) {
            switch result {
            case .done: done += 1
            case .running: running += 1
            case .skipped: skipped += 1
            case .failed: failed += 1
            }
        }
    }

    /// Who has it, and how to stop it.
    private static func why(_ job: QueuedJobFacts) -> String {
        let holder = job.holder.map { "held by \($0.worker), in \($0.step)" } ?? "held by a worker that does not say so"
        return "\(holder); \(job.howToStop)"
    }

    private func say(_ what: String, _ job: QueuedJobFacts, _ why: String = "", reply: String? = nil) {
        guard output.json else {
            var line = "\(what) \(job.id) \(job.action) \(job.shortNode.isEmpty ? "-" : job.shortNode)"
            if !why.isEmpty { line += ": \(why)" }
            if let reply { line += " (reply in \(reply))" }
            if what == "cancelled", job.statistics.reserves > 0, job.statistics.state != .buried {
                line += "; it was delivered before: the next sweep removes what it had built"
            }
            return Terminal.output.line(Printable.line(line))
        }
        var members: JSONObject = [
            "event": .string(what), "job": .integer(Int(clamping: job.id.number)), "node": .string(job.node),
            "key": .string(job.key), "state": .string(job.statistics.state.rawValue), "why": .string(why),
        ]
        if let reply { members["reply_to"] = .string(reply) }
        Terminal.output.line(JSONValue.object(members).text)
    }
}
