import ArgumentParser
import Beanstalk
import HTTPKit
import WorkerCore
import World

struct FailedShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows everything that is known about one failed job.",
        discussion: """
            The job is named by its number in `failed list`, by its key, or by the node. Of the body only known keys are \
            shown: bodies of test runs carry secrets.

            JSON: an object with all that `failed list` says of a job, and broker, digest, put, began, steps (step, \
            summary, attempts: n, at, ms, error, class, status, request_id), created, removed, warnings, console, body and \
            counters (state, priority, age_seconds, ttr_seconds, reserves, releases, timeouts, buries, kicks); for a \
            buried job without a report one with event "buried", job, tube, counters and body.
            """)

    @Argument(help: ArgumentHelp("Job number, key or node.", valueName: "job"))
    var reference: String

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    private enum Found: Sendable {
        case reported([FailedJob])
        case bare(BuriedJob)
        case nothing
    }

    func run() async throws {
        let reference = reference
        let (found, now) = try await FailedCommand.read(site) { reader, world -> (Found, Timestamp) in
            let jobs = try await reader.find(reference)
            if !jobs.isEmpty { return (.reported(jobs), world.time.wallClock) }
            if let number = UInt64(reference), let job = try await reader.buriedJob(JobID(number)) {
                return (.bare(job), world.time.wallClock)
            }
            return (.nothing, world.time.wallClock)
        }
        switch found {
        case .reported(let jobs): show(jobs, now)
        case .bare(let job): show(job)
        case .nothing:
            throw Complaint("no failed job is known as \(reference); `cirrata failed list --all` lists them")
        }
    }

    private func show(_ jobs: [FailedJob], _ now: Timestamp) {
        guard let newest = jobs.first else { return }
        if output.json { return Terminal.output.line(JSONValue.object(newest.detailedJSON(now: now)).text) }
        for line in FailedShowText(newest, now: now).lines(for: .output) { Terminal.output.line(line) }
        let others = jobs.dropFirst().map { "\($0.reference)" }
        if !others.isEmpty { Terminal.output.lines("\nolder: \(Printable.list(others))") }
    }

    private func show(_ job: BuriedJob) {
        if output.json { return Terminal.output.line(JSONValue.object(job.json).text) }
        for line in FailedShowText.lines(of: job, for: .output) { Terminal.output.line(line) }
    }
}
