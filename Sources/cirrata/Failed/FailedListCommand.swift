import ArgumentParser
import Beanstalk
import Configuration
import Jobs
import WorkerCore
import World

struct FailedListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists failed jobs, newest first: a line each.",
        discussion: """
            JOB is the reference for `failed show`. TRIES counts the attempts of the step that failed, LEFT what could not \
            be removed. Reports about jobs that were kicked or deleted since are left out unless --all.

            JSON: for each job an object with event "failed", job, key, node, provider, action, outcome, step, class, \
            status, request_id, message, next, attempts, deliveries, ended, age_seconds, left, is_current, standing, \
            tube, worker and run; then one with event "summary", shown, total (before --limit), current, stale, \
            unreadable, buried_without_report and buried_elsewhere. What is not known is left out or empty. With --scan, \
            for each buried job without a report an object with event "buried", job, tube, counters and body (known keys).
            """)

    @OptionGroup var which: FailureOptions
    @OptionGroup var site: SiteOptions

    @Option(help: ArgumentHelp("Show so many at most, the newest; 0: all.", valueName: "number"))
    var limit = 100

    @Flag(help: "Show stale reports as well.")
    var all = false

    @Flag(help: "Also find buried jobs that have no report: looks at every job number if need be, changes nothing.")
    var scan = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if limit < 0 { throw ValidationError("--limit takes a number from 0") }
        if scan, which.needsReport {
            throw ValidationError(
                "without a report nothing is known but node and provider: --scan goes with those only")
        }
    }

    func run() async throws {
        let (which, all, scan, limit) = (which, all, scan, limit == 0 ? Int.max : limit)
        let (list, now) = try await withQueue(site) { broker, configuration, world in
            let now = world.time.wallClock
            var list = FailedList(filter: which.filter(now: now), all: all, limit: limit)
            try await list.read(ReportReader(broker: broker, tubes: configuration.tubes, world: world))
            guard scan else { return (list, now) }
            let progress = ProgressBar()
            defer { progress.erase() }
            try await list.scan(QueueReader(broker: broker, tubes: configuration.tubes, world: world)) {
                progress.show($0)
            }
            return (list, now)
        }
        let text = FailedListText(list, now: now)
        for line in output.json ? text.json : text.lines(for: .output) { Terminal.output.line(line) }
    }
}

/// What `failed list` keeps: the newest jobs, up to the limit, and how many there are.
struct FailedList: Sendable {
    private let filter: FailureFilter
    /// Whether stale reports are listed, too.
    private let all: Bool
    private let limit: Int
    private(set) var shown: [FailedJob] = []
    private(set) var counts = FailureCounts()
    /// How many there were before the limit.
    private(set) var total = 0
    /// Buried jobs without a report, if those were looked for.
    private(set) var bare: QueuedJobs?

    init(filter: FailureFilter, all: Bool, limit: Int) {
        self.filter = filter
        self.all = all
        self.limit = limit
    }

    var isFiltered: Bool { !filter.isEmpty }

    mutating func read(_ reader: ReportReader) async throws {
        var shown: [FailedJob] = []
        var matching = 0
        // Without a filter the counts say how many there are, and the first ones are enough.
        counts = try await reader.read(ReportSelection(stale: all, mentions: filter.mentions)) { job in
            guard filter.admits(job) else { return true }
            matching += 1
            if shown.count < limit { shown.append(job) }
            return isFiltered || shown.count < limit
        }
        total = isFiltered ? matching : all ? counts.current + counts.stale : counts.current
        // The broker has them in the order in which they were written.
        self.shown = shown.sorted { a, b in (a.report.ended, a.reportID) > (b.report.ended, b.reportID) }
    }

    mutating func scan(_ reader: QueueReader, told: (QueueReader.Progress) -> Void) async throws {
        bare = try await reader.buriedJobs(
            except: counts.reported, QueueFilter(node: filter.node, provider: filter.provider), limit: limit,
            told: told)
    }
}
