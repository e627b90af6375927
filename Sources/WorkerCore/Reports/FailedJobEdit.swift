package import Beanstalk
package import Jobs
import Pipelines
import World
package import YAMLKit

/// A failed job whose body is to be corrected: read once, then put anew and the old one discarded.
///
/// The new job has a number of its own and is otherwise the same one (`JobLineage`): what was built for the old one is
/// the new one's, and it stands where the old one stood in the order of its node's jobs. It is put with a delay and waked
/// when the old one is gone: whoever dies in between leaves both behind, of which the new one wakes up by itself; and as
/// nobody can have taken it before, it can be withdrawn when the old one turns out to have changed.
package struct FailedJobEdit: Sendable {
    package let job: FailedJob
    /// With everything in it, secrets too.
    package let body: [UInt8]
    private let statistics: JobStatistics
    private let lineage: JobLineage
    private let receptionist: Receptionist

    private static let delay = Duration.seconds(15)
    private static let usualTTR = Duration.seconds(300)

    package enum Beginning: Sendable {
        case ready(FailedJobEdit)
        /// It is not any more what its report is about.
        case changed(String)
    }

    package enum Result: Sendable, Hashable {
        case replaced(by: JobID)
        /// The old job is not any more what it was, and nothing is changed.
        case skipped(String)
        /// The broker refused, and nothing is changed.
        case failed(String)
        /// Both are there: the new one, which will be worked on, and the old one.
        case doubled(JobID, String)
    }

    /// - Parameter body: reads bodies as the site's workers do.
    /// - Throws: `BrokerError`; `CancellationError`.
    package static func begin(
        _ job: FailedJob, _ reader: ReportReader, tubes: WorkerTubes, body: JobBody
    ) async throws -> Beginning {
        try await reader.broker.connect { connection in
            switch try await reader.sight(of: job, connection) {
            case .changed(let why): return .changed(why)
            case .same(let statistics, let bytes):
                return .ready(
                    FailedJobEdit(
                        job: job, body: bytes, statistics: statistics,
                        lineage: JobLineage(of: bytes, key: job.report.key, put: job.report.put),
                        receptionist: Receptionist(tubes: tubes, body: body, time: reader.world.time)))
            }
        }
    }

    private var ttr: Duration { statistics.ttr < Receptionist.shortestTTR ? Self.usualTTR : statistics.ttr }

    /// Why a worker would refuse a body, or why it would not be the same job any more; each with its place.
    package func problems(in text: [UInt8], source: String) -> [Problem] {
        func whole(_ message: String, _ hint: String) -> Problem {
            Problem(.error, source: source, mark: .none, path: "", message: message, hint: hint)
        }
        var problems: [Problem]
        switch receptionist.read(text, statistics, put: lineage.put, by: "") {
        case .foreign(let why):
            problems = [whole(why, "no worker of this release would take it")]
        case .malformed(let found, _):
            problems = found
        case .job(let read):
            var statistics = statistics
            statistics.ttr = ttr
            problems = receptionist.refusal(of: read, statistics).map { [whole($0.message, $0.next)] } ?? []
            if forgets(read) {
                problems.append(
                    whole(
                        "what is left at \(job.report.node) would be forgotten",
                        "first `cirrata failed undo \(job.reference)`, or leave node and machine_type as they were"))
            }
        }
        problems += lineage.problems(in: text, source: source)
        if problems.isEmpty, lineage.written(into: text) == nil {
            problems = [
                whole(
                    "uuid and first_put cannot be added to a text of this form",
                    "add uuid: \(lineage.key) and first_put: '\(lineage.put)'")
            ]
        }
        return problems.map { problem in
            var problem = problem
            problem.source = source
            return problem
        }
    }

    /// Whether the job would turn to another node and leave behind what only the old report names.
    private func forgets(_ new: Job) -> Bool {
        guard job.mayHaveLeft, case .job(let old) = receptionist.read(body, statistics, put: lineage.put, by: "") else {
            return false
        }
        return new.node != old.node || new.provider != old.provider
    }

    /// What a new body says otherwise, a line for each key, without values that may be secrets.
    package func changes(to text: [UInt8]) -> [String] { JobBody.changes(from: body, to: text) }

    /// Puts the new body and discards the old job with its report. Both are looked at again just before.
    /// - Throws: `BrokerError` before anything was put, or when the answer to the put was lost; `CancellationError`.
    package func replace(with text: [UInt8], _ reader: ReportReader) async throws -> Result {
        guard let new = lineage.written(into: text) else { return .failed("the body cannot be completed") }
        return try await reader.broker.connect { connection in
            if let change = try await reader.change(of: job, connection) { return .skipped(change) }
            let put: PutResult
            do {
                put = try await connection.put(
                    new, into: statistics.tube, priority: statistics.priority, delay: Self.delay, ttr: ttr)
            } catch let error as BrokerError {
                guard case .refused = error.cause else { throw error }
                return .failed("\(error)")
            }
            do {
                return try await replace(by: put, reader, connection)
            } catch let error as BrokerError {
                return .doubled(put.id, "\(error)")
            }
        }
    }

    private func replace(
        by put: PutResult, _ reader: ReportReader, _ connection: Connection
    ) async throws -> Result {
        if case .buried(let id) = put {
            return try await withdraw(id, .failed("the broker had no memory to queue it"), connection)
        }
        if let change = try await reader.change(of: job, connection) {
            return try await withdraw(put.id, .skipped(change), connection)
        }
        guard try await connection.delete(job.reference) else {
            return try await withdraw(put.id, .skipped("somebody else was faster"), connection)
        }
        do {
            _ = try await connection.kick(put.id)
            // A report that somebody reads at this moment stays, as a stale one, until a sweep takes it.
            _ = try await connection.delete(job.reportID)
        } catch is BrokerError {
            // It is done all the same: the new job wakes up by itself, only later.
        }
        return .replaced(by: put.id)
    }

    private func withdraw(_ id: JobID, _ result: Result, _ connection: Connection) async throws -> Result {
        if try await connection.delete(id) { return result }
        switch result {
        case .skipped(let why), .failed(let why), .doubled(_, let why): return .doubled(id, why)
        case .replaced: return result
        }
    }
}
