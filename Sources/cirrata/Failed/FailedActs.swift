import ArgumentParser
import HTTPKit
import Jobs
import WorkerCore
import World

/// The way of every verb that changes failed jobs: choose, show or ask, act, count.
struct FailedActs {
    var act: FailedJobActs.Act
    /// `retry`, `retried`.
    var verb: String
    var past: String
    /// Whether jobs that a person named one by one are acted on without a question.
    var trustsNames: Bool
    /// What is to happen to jobs of which something is left, where the act makes that be forgotten.
    var leftovers: Leftovers = .kept

    enum Leftovers {
        /// The act changes nothing about them.
        case kept
        /// Such jobs are skipped.
        case protected
        /// A person said that they may be forgotten.
        case forgotten
    }

    func run(_ site: SiteOptions, _ options: BulkOptions, _ output: OutputOptions) async throws {
        let (survey, now) = try await FailedCommand.read(site) { reader, world in
            let now = world.time.wallClock
            let survey = try await reader.survey(options.selection(now: now, whole: leftovers != .kept))
            return (survey, now)
        }
        let chosen = try options.chosen(of: survey, now: now)
        if chosen.isEmpty { return try say(Tally(), output) }
        let refused = leftovers == .protected ? chosen.filter { !$0.report.left.isEmpty } : []
        let jobs = chosen.filter { !refused.contains($0) }
        for job in refused { say(options.dryRun ? "would be skipped" : "skipped", job, Self.refusal(of: job), output) }
        if options.dryRun {
            for job in jobs { say("would be \(past)", job, consequence(for: job), output) }
            return
        }
        if !jobs.isEmpty, !options.yes, !(trustsNames && !options.references.isEmpty) {
            for job in jobs where !consequence(for: job).isEmpty {
                Terminal.errors.line("  \(job.reference) \(job.report.node): \(consequence(for: job))")
            }
            guard try Confirmation.ask("\(verb) \(jobs.count.counted("failed job"))?") else {
                throw Complaint("nothing was done")
            }
        }
        let tally = Locked(Tally(skipped: refused.count))
        // Whatever ends it early, what was done is counted.
        do {
            try await FailedCommand.read(site) { reader, _ in
                try await FailedJobActs(reader).perform(act, on: jobs, pause: options.pause) { job, result in
                    tally.withLock { $0.add(result) }
                    switch result {
                    case .done: say(past, job, consequence(for: job), output)
                    case .skipped(let why): say("skipped", job, why, output)
                    case .failed(let why): say("failed", job, why, output)
                    }
                }
            }
        } catch {
            let sofar = tally.withLock { $0 }
            Terminal.errors.line("cirrata: ended early: \(text(sofar)), \(chosen.count - sofar.all) not reached")
            throw error
        }
        try say(tally.withLock { $0 }, output)
    }

    private static func refusal(of job: FailedJob) -> String {
        "left: \(Printable.list(job.report.left)); `cirrata failed undo \(job.reference)` removes it, --leave-behind "
            + "discards the job all the same"
    }

    /// What is lost from sight.
    private func consequence(for job: FailedJob) -> String {
        leftovers == .kept || job.report.left.isEmpty ? "" : "stays behind: \(Printable.list(job.report.left))"
    }

    private struct Tally {
        var done = 0
        var skipped = 0
        var failed = 0

        var all: Int { done + skipped + failed }

        mutating func add(_ result: FailedJobActs.Result) {
            switch result {
            case .done: done += 1
            case .skipped: skipped += 1
            case .failed: failed += 1
            }
        }
    }

    private func text(_ tally: Tally) -> String {
        "\(tally.done) \(past), \(tally.skipped) skipped, \(tally.failed) failed"
    }

    private func say(_ what: String, _ job: FailedJob, _ why: String, _ output: OutputOptions) {
        let node = job.report.node
        guard output.json else {
            let line = "\(what) \(job.reference) \(node.isEmpty ? "-" : node)" + (why.isEmpty ? "" : ": \(why)")
            return Terminal.output.line(line)
        }
        var members: JSONObject = [
            "event": .string(what), "job": .integer(Int(clamping: job.report.jobID)), "node": .string(node),
            "key": .string(job.report.key), "why": .string(why),
        ]
        if leftovers != .kept { members["left"] = .array(job.report.left.map { .string($0) }) }
        Terminal.output.line(JSONValue.object(members).text)
    }

    /// - Throws: `ExitCode` unless everything that was asked for is done.
    private func say(_ tally: Tally, _ output: OutputOptions) throws {
        if output.json {
            let members: JSONObject = [
                "event": "summary", "done": .integer(tally.done), "skipped": .integer(tally.skipped),
                "failed": .integer(tally.failed),
            ]
            Terminal.output.line(JSONValue.object(members).text)
        } else {
            Terminal.output.line(tally.all == 0 ? "no failed job matches" : text(tally))
        }
        if tally.done < tally.all { throw ExitCode(.failed) }
    }
}

struct FailedRetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Sends failed jobs back to the queue, under the same number.",
        discussion: """
            Each job is looked at again just before: what was kicked, deleted or replaced since is skipped. It begins anew \
            with fresh budgets, and finds what still exists of its earlier runs. Jobs that are named are sent back at \
            once; with filters or --all you are asked first, unless --yes.
            """)

    @OptionGroup var options: BulkOptions
    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await FailedActs(act: .retry, verb: "retry", past: "requeued", trustsNames: true)
            .run(site, options, output)
    }
}

struct FailedDiscardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard", abstract: "Deletes failed jobs and their reports for good.",
        discussion: """
            Nothing in the cloud is touched. A job of which something is left (LEFT in `failed list`) is skipped, as its \
            report is the only record of that: `failed undo` removes it first. Whoever waited for such a job had its reply \
            when it failed. You are asked before, unless --yes.
            """)

    @OptionGroup var options: BulkOptions

    @Flag(help: "Discard jobs of which something is left as well: nothing names it any more then.")
    var leaveBehind = false

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await FailedActs(
            act: .discard, verb: "discard", past: "discarded", trustsNames: false,
            leftovers: leaveBehind ? .forgotten : .protected
        ).run(site, options, output)
    }
}
