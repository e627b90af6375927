import ArgumentParser
import Beanstalk
import Configuration
import EventLoop
import WorkerCore
import World

/// How jobs are put, and whether their outcome is awaited.
struct QueueOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The smaller, the sooner.", valueName: "number"))
    var priority: UInt32 = 1_000

    @Option(
        help: ArgumentHelp("Keep them back for this long.", valueName: "duration"), transform: ArgumentText.duration)
    var delay = Duration.zero

    @Option(
        help: ArgumentHelp(
            "After this long without a word from its worker, the broker gives a job to another. Default: 5m.",
            valueName: "duration"), transform: ArgumentText.duration)
    var ttr = Duration.seconds(300)

    @Flag(help: "Wait for the outcomes. Exit code 1 if any is not 'done'.")
    var wait = false

    @Option(
        help: ArgumentHelp("With --wait: no longer than this (exit code 5).", valueName: "duration"),
        transform: ArgumentText.duration)
    var timeout: Duration?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if ttr < .seconds(10) { throw ValidationError("--ttr takes 10s or more: no lease can be kept shorter") }
        if timeout != nil, !wait { throw ValidationError("--timeout needs --wait") }
    }

    /// Puts the jobs and, if asked to, waits for them.
    /// - Throws: `BrokerError`, `Complaint`, `ExitCode`.
    func submit(
        _ orders: [Order], _ configuration: SiteConfiguration, _ world: World, _ loop: EventLoop
    ) async throws {
        let broker = Broker(configuration.broker, world: world)
        let submission = Submission(
            broker: broker, priority: priority, delay: delay, ttr: ttr,
            report: SubmissionReport(json: output.json),
            reader: try QueueReader(broker: broker, tubes: configuration.tubes, world: world), world: world)
        guard wait else { return try await submission.put(orders) }
        let isDone: Bool
        do {
            isDone = try await Interruption.once(on: loop) { try await submission.follow(orders, for: timeout) }
        } catch let interrupted as Interrupted {
            Terminal.errors.line("cirrata: not waiting any longer; the jobs go on")
            throw interrupted
        }
        if !isDone { throw ExitCode(.failed) }
    }
}
