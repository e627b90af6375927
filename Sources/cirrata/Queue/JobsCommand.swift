import ArgumentParser
import Beanstalk
import Configuration
import WorkerCore
import World

extension JobStatistics.State: ExpressibleByArgument {
    public static var allValueStrings: [String] { ["ready", "delayed", "reserved", "buried"] }
}

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Lists the jobs of our tubes: who is worked on, and who waits.",
        discussion: """
            First those that a worker holds (HOLDER and STEP as its last sign of life has them), then the ready ones in the \
            order in which they will be taken, the delayed and the buried ones. JOB is the reference for `cirrata job` and \
            `cirrata cancel`; AGE is since the put. Looking changes nothing in the broker.

            JSON: for each job an object with event "job", job, tube, provider, action, node, key, state, priority, \
            age_seconds, ttr_seconds, left_seconds (of a reservation or delay), reserves, releases, timeouts, buries, \
            kicks, and where a worker says that it holds it holder (worker, step, since, alive); then one with event \
            "summary", shown, total, not_found and buried_elsewhere.
            """)

    @Option(help: ArgumentHelp("Only of nodes whose name matches: ovh*, ovh00?.", valueName: "glob"))
    var node: String?

    @Option(help: "Only of this provider.")
    var provider: String?

    @Option(help: "Only in this state.")
    var state: JobStatistics.State?

    @Option(help: ArgumentHelp("Show so many at most; 0: all.", valueName: "number"))
    var limit = 100

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if limit < 0 { throw ValidationError("--limit takes a number from 0") }
    }

    func run() async throws {
        let filter = QueueFilter(node: node.map(Glob.init), provider: provider, state: state)
        let limit = limit == 0 ? Int.max : limit
        let (jobs, now) = try await withQueue(site) { broker, configuration, world in
            let reader = try QueueReader(broker: broker, tubes: configuration.tubes, world: world)
            let progress = ProgressBar()
            defer { progress.erase() }
            let jobs = try await reader.jobs(filter, limit: limit) { progress.show($0) }
            return (jobs, world.time.wallClock)
        }
        let text = JobsText(jobs, now: now)
        for line in output.json ? text.json : text.lines(for: .output) { Terminal.output.line(line) }
    }
}
