import Beanstalk
import Jobs
import World

/// A failed job, looked at again.
enum FailedJobSight: Sendable {
    case same(JobStatistics, body: [UInt8])
    /// It is not any more what its report is about.
    case changed(String)
}

extension ReportReader {
    /// Looks at a failed job again: since it was listed, somebody may have kicked or deleted it, and a restart of the
    /// broker may have given its number to another.
    func sight(of job: FailedJob, _ connection: Connection) async throws -> FailedJobSight {
        let id = job.reference
        guard let statistics = try await connection.statistics(of: id), let found = try await connection.peek(id) else {
            return .changed("it is gone")
        }
        guard isOurs(statistics.tube), statistics.tube.text == job.report.tube else {
            return .changed("the number is another job's now")
        }
        guard statistics.state == .buried else {
            return .changed("it is \(statistics.state.rawValue) now, not buried")
        }
        guard try await world.compute.run({ SHA256.hex(of: found.body) }) == job.report.digest else {
            return .changed("the number is another job's now")
        }
        return .same(statistics, body: found.body)
    }

    /// - Returns: why it is not what its report is about any more; nil when it is.
    func change(of job: FailedJob, _ connection: Connection) async throws -> String? {
        switch try await sight(of: job, connection) {
        case .same: nil
        case .changed(let why): why
        }
    }
}
