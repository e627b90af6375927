package import Beanstalk
import Jobs
package import World

/// Failed jobs of one cause: the same class of error at the same step, in words that differ only in names and numbers.
package struct FailureGroup: Sendable, Hashable {
    package var action: String
    package var step: String
    package var cause: String
    package var status: Int?
    /// The message, with `NODE` and `#` for what varies.
    package var shape: String
    package var count: Int
    package var first: Timestamp
    package var last: Timestamp
    /// The newest of them, for `failed show`.
    package var sample: JobID
}

/// Failed jobs counted by cause; keeps no job.
package struct FailureGroups: Sendable {
    private var groups: [Kind: FailureGroup] = [:]

    package init() {}

    /// The largest first; of equal ones, that which was seen last.
    package var sorted: [FailureGroup] {
        groups.values.sorted { a, b in (a.count, a.last, a.sample) > (b.count, b.last, b.sample) }
    }

    package mutating func add(_ job: FailedJob) {
        let report = job.report
        let kind = Kind(
            action: report.action, step: report.step, cause: report.cause, status: report.status,
            shape: ErrorShape.of(report))
        guard var group = groups[kind] else {
            groups[kind] = FailureGroup(
                action: kind.action, step: kind.step, cause: kind.cause, status: kind.status, shape: kind.shape,
                count: 1, first: report.ended, last: report.ended, sample: job.reference)
            return
        }
        group.count += 1
        group.first = min(group.first, report.ended)
        if report.ended > group.last {
            group.last = report.ended
            group.sample = job.reference
        }
        groups[kind] = group
    }

    private struct Kind: Hashable {
        var action: String
        var step: String
        var cause: String
        var status: Int?
        var shape: String
    }
}
