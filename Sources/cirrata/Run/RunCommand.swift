import ArgumentParser
import EventLoop
import HTTPKit
import Jobs
import Pipelines
import Provisioning
import World

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs one job in the foreground, without a queue.",
        discussion: """
            The file holds a job's body as it would be put into the queue: a YAML mapping with action, node and owner. A \
            provision that fails is removed again, as a worker does. Ctrl-C stops before the next change and leaves what \
            was built, so that the same file can be run again; a second one ends at once.
            """)

    @Argument(help: ArgumentHelp("The job.", valueName: "job file"), completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @OptionGroup var site: SiteOptions

    @Flag(help: "Show what would be chosen and done; change nothing.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Show every request; with --dry-run, the user data as well.")
    var verbose = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await withLoop { world, loop in
            let configuration = try await site.load(world)
            let job = try JobFile(
                path: file, bytes: try await world.files.read(file, limit: 1 << 16), configuration,
                now: world.time.wallClock
            ).job
            let display = StepDisplay(on: output.json ? .errors : .output, showsRequests: verbose, time: world.time)
            let work = ForegroundWork(
                job: job, site: try Site(configuration, world: world) { display.tell($0) },
                // A dry run has no steps worth showing, only requests.
                sinks: dryRun && !verbose ? [] : [display], world: world)
            if dryRun { return try await preview(work, loop) }
            let reply = try await Interruption.twice(on: loop) {
                Terminal.errors.line("cirrata: stopping before the next change; once more ends at once")
                work.drain.raise(())
            } _: {
                try await display.alive { try await work.run() }
            }
            try tell(reply)
        }
    }

    private func tell(_ reply: Jobs.Reply) throws {
        let isDone = reply.outcome == OutcomeKind.done.rawValue
        if output.json {
            Terminal.output.line(JSONValue.object(reply.json).text)
        } else {
            for line in reply.lines(for: .output) { Terminal.output.line(line) }
        }
        if !isDone { throw ExitCode(.failed) }
    }

    private func preview(_ work: ForegroundWork, _ loop: EventLoop) async throws {
        let (outcome, preview) = try await Interruption.once(on: loop) { try await work.preview() }
        let text = PreviewText(action: work.job.action, outcome: outcome, preview: preview, showsUserData: verbose)
        if output.json {
            Terminal.output.line(text.json.text)
        } else {
            for line in text.lines(for: .output) { Terminal.output.line(line) }
        }
        if outcome.kind != .done { throw ExitCode(.failed) }
    }
}
