import ArgumentParser
import WorkerCore
import World

struct FailedListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists failed jobs, newest first: a line each.",
        discussion: """
            JOB is the reference for `failed show`. TRIES counts the attempts of the step that failed, LEFT what could not \
            be removed. Reports about jobs that were kicked or deleted since are left out unless --all.
            """)

    @OptionGroup var which: FailureOptions
    @OptionGroup var site: SiteOptions

    @Option(help: ArgumentHelp("Show so many at most; 0: all.", valueName: "number"))
    var limit = 0

    @Flag(help: "Show stale reports as well.")
    var all = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if limit < 0 { throw ValidationError("--limit takes a number from 0") }
    }

    func run() async throws {
        let (survey, now) = try await FailedCommand.read(site) { reader, world in
            (try await reader.survey(), world.time.wallClock)
        }
        let filter = which.filter(now: now)
        let chosen = (all ? survey.jobs : survey.current).filter(filter.admits)
        let shown = limit == 0 ? chosen : Array(chosen.prefix(limit))
        let text = FailedListText(survey, shown: shown, of: chosen.count, filtered: which.isGiven, now: now)
        for line in output.json ? text.json : text.lines(for: .output) { Terminal.output.line(line) }
    }
}
