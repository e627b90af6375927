import Beanstalk
import Jobs
import World

/// What operators do to failed jobs. Looks again just before each act, as another operator, a worker or a restart of the
/// broker may have been faster since the list was made; whatever has changed is left alone.
///
/// Only `kick-job` and `delete` by number are used: a bare `kick` wakes delayed jobs when nothing is buried, and a buried
/// job that is reserved and lost becomes ready (facts/beanstalkd.md F3, F5).
package struct FailedJobActs: Sendable {
    package enum Act: Sendable, Hashable {
        /// Back to the queue under the same number, with fresh budgets.
        case retry
        /// Deleted, with its report. Whoever waited for it had its reply when it failed.
        case discard
    }

    package enum Result: Sendable, Hashable {
        case done
        /// It is not any more what it was when it was listed.
        case skipped(String)
        /// The broker refused.
        case failed(String)
    }

    private let reader: ReportReader

    package init(_ reader: ReportReader) { self.reader = reader }

    /// Acts on one after the other, and tells of each as soon as it is known.
    /// - Parameter pause: between two of them.
    /// - Throws: `BrokerError` when the broker is lost: what was not told of was not tried, but for the job after the last
    ///   one told, whose fate is then unknown; `CancellationError`.
    package func perform(
        _ act: Act, on jobs: [FailedJob], pause: Duration, told: (FailedJob, Result) -> Void
    ) async throws {
        try await reader.broker.connect { connection in
            for (index, job) in jobs.enumerated() {
                if index > 0, pause > .zero { try await reader.world.time.sleep(for: pause) }
                told(job, try await result(of: act, on: job, connection))
            }
        }
    }

    private func result(of act: Act, on job: FailedJob, _ connection: Connection) async throws -> Result {
        do {
            if let change = try await reader.change(of: job, connection) { return .skipped(change) }
            switch act {
            case .retry:
                return try await connection.kick(job.reference) ? .done : .skipped("somebody else was faster")
            case .discard:
                guard try await connection.delete(job.reference) else { return .skipped("somebody else was faster") }
                // A report that somebody reads at this moment stays, as a stale one, until a sweep takes it.
                _ = try await connection.delete(job.reportID)
                return .done
            }
        } catch let error as BrokerError {
            guard case .refused = error.cause else { throw error }
            return .failed("\(error)")
        }
    }
}
