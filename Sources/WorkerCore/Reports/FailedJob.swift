package import Beanstalk
package import Jobs

/// A report, and what the broker says of the job that it is about.
package struct FailedJob: Sendable, Hashable {
    /// Whether the report still tells the truth: broker ids are used again (facts/beanstalkd.md D5), and a job may have
    /// been kicked or deleted since.
    package enum Standing: Sendable, Hashable {
        /// The job is buried, and its body is the one that the report is about.
        case current
        /// The job is not buried: it was kicked since, or its worker died between report and bury.
        case notBuried(JobStatistics.State)
        case gone
        /// The id belongs to another job now.
        case otherJob
        /// It failed again since; a newer report tells of that.
        case superseded
    }

    package var report: Report
    /// The broker's id of the report itself.
    package var reportID: JobID
    package var standing: Standing
    /// Of the job; nil when it is gone.
    package var statistics: JobStatistics?

    package init(report: Report, reportID: JobID, standing: Standing, statistics: JobStatistics?) {
        self.report = report
        self.reportID = reportID
        self.standing = standing
        self.statistics = statistics
    }

    /// Under which people name it: the broker's id of the job.
    package var reference: JobID { JobID(report.jobID) }
    package var isCurrent: Bool { standing == .current }

    /// How often the step that decided was tried; a job that never reached a step counts as one attempt.
    package var attempts: Int {
        let tried = report.steps.last { $0.step == report.step }?.attempts.count ?? 0
        return max(1, tried)
    }

    /// What to do next, in a sentence.
    package var suggestion: String {
        switch standing {
        case .notBuried: return "nothing: the job is on its way again"
        case .gone, .otherJob: return "nothing: the job is gone"
        case .superseded: return "see the newer report"
        case .current: break
        }
        if !report.next.isEmpty { return report.next }
        return report.left.isEmpty
            ? "find the cause in the timeline; the job stays buried until it is kicked or deleted"
            : "see why, then `cirrata failed undo`; nobody else removes what is left"
    }
}

extension FailedJob.Standing: CustomStringConvertible {
    package var description: String {
        switch self {
        case .current: "current"
        case .notBuried(let state): "stale: the job is \(state.rawValue) now, not buried"
        case .gone: "stale: the job is gone"
        case .otherJob: "stale: the id belongs to another job now"
        case .superseded: "stale: it failed again since"
        }
    }
}

/// A buried job of ours without a report.
package struct BuriedJob: Sendable, Hashable {
    package var statistics: JobStatistics
    /// The known keys of its body: bodies carry secrets.
    package var body: [Pair]

    package struct Pair: Sendable, Hashable {
        package var key: String
        package var value: String
    }

    package init(statistics: JobStatistics, body: [Pair]) {
        self.statistics = statistics
        self.body = body
    }
}

/// The reports that were wanted, and what the broker holds beside them.
package struct FailureSurvey: Sendable, Hashable {
    /// Newest first.
    package var jobs: [FailedJob]
    package var counts: FailureCounts

    package init(jobs: [FailedJob], counts: FailureCounts) {
        self.jobs = jobs
        self.counts = counts
    }

    package var current: [FailedJob] { jobs.filter(\.isCurrent) }

    /// What a person may mean: a job's id, its key, or the name of a node. Stale reports only where there is no current
    /// one. Newest first.
    package func find(_ reference: String) -> [FailedJob] {
        let found = jobs.filter { job in
            if let number = UInt64(reference) { return job.report.jobID == number }
            return job.report.key == reference || job.report.node == reference
                || job.report.node.split(separator: ".").first.map(String.init) == reference
        }
        let current = found.filter(\.isCurrent)
        return current.isEmpty ? found : current
    }
}
