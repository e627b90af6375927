package import Beanstalk

/// How much the broker holds about failed jobs.
package struct FailureCounts: Sendable, Hashable {
    /// Buried jobs of ours about which there is a report.
    package var reported: Set<JobID> = []
    /// Reports about jobs that were kicked, deleted or replaced since, and of those that failed again the older ones.
    package var stale = 0
    /// Jobs in the reports tube that are no reports of ours, or of a newer release.
    package var unreadable = 0
    /// Jobs buried in our tubes about which there is no current report.
    package var buriedWithoutReport = 0
    /// Jobs that other programs' tubes hold buried.
    package var buriedElsewhere = 0

    package init() {}

    package var current: Int { reported.count }

    /// Counts a report; newer ones come first.
    mutating func add(_ job: JobID, isBuried: Bool) {
        if !isBuried || !reported.insert(job).inserted { stale += 1 }
    }
}
