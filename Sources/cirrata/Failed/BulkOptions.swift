import ArgumentParser
import Jobs
import WorkerCore
import World

/// On which failed jobs a verb acts, and how carefully.
struct BulkOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Job numbers, keys or nodes; or else filters.", valueName: "job"))
    var references: [String] = []

    @OptionGroup var which: FailureOptions

    @Flag(help: "Every failed job with a report.")
    var all = false

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    @Option(help: ArgumentHelp("Act on so many at most, the oldest first; 0: no limit.", valueName: "number"))
    var limit = 0

    @Option(help: ArgumentHelp("Act on so many a second at most.", valueName: "number"))
    var rate: Double?

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func validate() throws {
        let ways = [!references.isEmpty, which.isGiven, all].count { $0 }
        if ways == 0 { throw ValidationError("name jobs, or say which by filters (--node, --class, ...), or --all") }
        if ways > 1 { throw ValidationError("jobs by name, filters and --all exclude each other") }
        if limit < 0 { throw ValidationError("--limit takes a number from 0") }
        if let rate, !(0.01...10_000).contains(rate) {
            throw ValidationError("--rate takes a number from 0.01 to 10000")
        }
    }

    var pause: Duration { rate.map { .seconds(1) / $0 } ?? .zero }

    /// Which reports have to be read, as far as an act needs them.
    /// - Parameter whole: also for what is left, which stands at a report's end.
    func selection(now: Timestamp, whole: Bool = false) -> ReportSelection {
        guard references.isEmpty else {
            return ReportSelection(stale: true, headOnly: !whole, mentions: references.count == 1 ? references : [])
        }
        let filter = which.filter(now: now)
        return ReportSelection(headOnly: !whole && filter.text == nil, mentions: filter.mentions)
    }

    /// - Throws: `Complaint` when a reference stands for no failed job, or for several: then nothing is done at all.
    func chosen(of survey: FailureSurvey, now: Timestamp) throws -> [FailedJob] {
        let jobs: [FailedJob]
        if references.isEmpty {
            let filter = which.filter(now: now)
            jobs = survey.current.filter(filter.admits).reversed()
        } else {
            var named: Set<FailedJob> = []
            jobs = try references.map { try Self.one($0, survey) }.filter { named.insert($0).inserted }
        }
        return limit == 0 ? jobs : Array(jobs.prefix(limit))
    }

    /// - Throws: `Complaint` when a reference stands for no failed job, or for several.
    static func one(_ reference: String, _ survey: FailureSurvey) throws -> FailedJob {
        let found = survey.find(reference)
        guard let job = found.first else {
            throw Complaint("no failed job is known as \(reference): nothing was done; see `cirrata failed list`")
        }
        guard job.isCurrent else {
            throw Complaint("job \(job.reference) (\(reference)) is not buried any more: nothing was done")
        }
        guard found.count == 1 else {
            let numbers = found.map { "\($0.reference)" }.joined(separator: ", ")
            throw Complaint("\(reference) stands for jobs \(numbers): nothing was done; name one by its number")
        }
        return job
    }
}
