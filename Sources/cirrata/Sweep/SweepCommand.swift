import ArgumentParser
import Beanstalk
import Configuration
import EventLoop
import Jobs
import Pipelines
import Provisioning
import WorkerCore
import World

struct SweepCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Removes what jobs that are gone left behind, and tells what else is there.",
        discussion: """
            Workers do the same by themselves (sweep.interval). Only this site's servers, volumes and locks are judged. \
            They go if they are an hour old, were found twice, no job of theirs is in the queue, and paddles says that the \
            node is free or somebody else's and describes another server or none. When there is any doubt (a list that \
            could not be read to its end, another project, far too many at once) nothing is removed, and that is said.

            Exit code 1 if something is left that needs a person.
            """)

    @OptionGroup var site: SiteOptions

    @Flag(help: "Show what would be removed; change nothing.")
    var dryRun = false

    @Option(
        help: ArgumentHelp("Time between the two looks.", valueName: "duration"), transform: ArgumentText.duration)
    var gap: Duration = .seconds(60)

    @Option(
        help: ArgumentHelp(
            "Remove the remains of up to so many jobs. Default: 5, or a tenth of all where that is more.",
            valueName: "number"))
    var limit: Int?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit takes a number from 0") }
        if gap < .seconds(1) { throw ValidationError("--gap takes a second or more") }
    }

    func run() async throws {
        let report = try await withLoop { world, loop in
            let configuration = try await self.site.load(world)
            return try await Interruption.once(on: loop) { try await sweep(configuration, world) }
        }
        let text = SweepText(report, isDryRun: dryRun)
        for line in output.json ? text.json : text.lines(for: .output) { Terminal.output.line(line) }
        if report.needsPerson { throw ExitCode(.failed) }
    }

    private func sweep(_ configuration: SiteConfiguration, _ world: World) async throws -> SweepReport {
        let sweeper = Sweeper(
            site: try Site(configuration, world: world), broker: Broker(configuration.broker, world: world),
            tubes: try SweepTubes(configuration.tubes),
            options: .init(gap: gap, most: limit, isDryRun: dryRun))
        return try await sweeper.sweep(after: try await sweeper.lastToken(), right: Right())
    }
}
