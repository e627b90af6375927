import ArgumentParser
import Beanstalk
import Configuration
import HTTPKit
import WorkerCore
import World

struct JobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Shows everything that is known about a job in the queue.",
        discussion: """
            The job is named by its number in `cirrata jobs`, by its key, or by the node, of which there may be several \
            jobs. Of the body only known keys are shown: bodies of test runs carry secrets. What went wrong with a buried \
            job stands in its report: `cirrata failed show`. Looking changes nothing in the broker.

            JSON: for each job an object with all that `cirrata jobs` says of one, and digest, body (known keys), hindrances (why nobody takes it) and next.
            """)

    @Argument(help: ArgumentHelp("Job number, key or node.", valueName: "job"))
    var reference: String

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let reference = reference
        let (jobs, now) = try await withQueue(site) { broker, configuration, world in
            let reader = try QueueReader(broker: broker, tubes: configuration.tubes, world: world)
            let progress = ProgressBar()
            defer { progress.erase() }
            let jobs = try await reader.find(reference) { progress.show($0) }
            return (jobs, world.time.wallClock)
        }
        if jobs.isEmpty {
            throw Complaint("no job of ours is known as \(reference): it is done, or was never put; see `cirrata jobs`")
        }
        for (index, job) in jobs.enumerated() {
            if output.json {
                Terminal.output.line(JSONValue.object(job.detailedJSON(now: now)).text)
            } else {
                if index > 0 { Terminal.output.line() }
                for line in JobText(job, now: now).lines(for: .output) { Terminal.output.line(line) }
            }
        }
    }
}

/// `job` for people.
private struct JobText {
    private let job: QueuedJobFacts
    private let now: Timestamp

    init(_ job: QueuedJobFacts, now: Timestamp) {
        self.job = job
        self.now = now
    }

    func lines(for terminal: Terminal) -> [String] {
        let statistics = job.statistics
        let what = "\(job.action.isEmpty ? "no action" : job.action) \(job.shortNode.isEmpty ? "-" : job.shortNode)"
        let title = "job \(job.id): \(what): \(JobsText.state(statistics))"
        var facts = [("tube", statistics.tube.text), ("key", job.key), ("put", "\(statistics.age.short) ago")]
        if statistics.state == .reserved { facts.append(("holder", holder)) }
        facts.append(("counters", FailedShowText.counters(statistics)))
        return [terminal.styled(Printable.line(title), statistics.state == .buried ? .red : .bold), ""]
            + facts.map { FailedShowText.fact($0.0, $0.1) } + ["", terminal.styled("Body (known keys)", .bold)]
            + FailedShowText.body(job.body.map { ($0.key, $0.value) }).map { "  " + $0 } + hindrances(terminal)
            + ["", terminal.styled("Next", .bold), "  " + Printable.line(job.next)]
    }

    private func hindrances(_ terminal: Terminal) -> [String] {
        guard !job.hindrances.isEmpty else { return [] }
        let lines = job.hindrances.map { "  \($0.text(now: now)); \($0.remedy(provider: job.provider))" }
        return ["", terminal.styled("Why nobody takes it", .bold)] + lines.map(Printable.line)
    }

    private var holder: String {
        let left = "the broker waits another \(job.statistics.timeLeft.short) for it"
        guard let holder = job.holder else {
            return "no worker says that it holds it: taken just now, or of a vanished one; \(left)"
        }
        let step = "\(holder.step) since \(holder.since) (\((now - holder.since).short))"
        return "\(holder.worker), \(step)" + (holder.isAlive ? "" : ", and has vanished; \(left)")
    }
}
