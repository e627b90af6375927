import Beanstalk
import Jobs
import World

/// Takes jobs out of the queue that nobody works on. Each is looked at again just before, and whoever waits for it is told
/// first: a reply too many is told by its key, one too few is waited for in vain.
package struct JobCancellation: Sendable {
    package enum Result: Sendable, Hashable {
        /// - Parameter reply: the tube that took the reply, if one was asked for.
        case done(reply: String?)
        /// A worker has it.
        case running(QueuedJobFacts)
        /// It is not any more what it was when it was found.
        case skipped(String)
        /// The broker refused, and nothing was done.
        case failed(String)
    }

    private let reader: QueueReader
    /// Who cancels, as the reply says it.
    private let by: String

    package init(_ reader: QueueReader, by: String) {
        self.reader = reader
        self.by = by
    }

    /// - Throws: `BrokerError` when the broker is lost: the fate of the job is unknown then; `CancellationError`.
    package func cancel(_ job: QueuedJobFacts) async throws -> Result {
        try await reader.broker.connect { connection in
            guard let now = try await reader.now(job, connection) else { return .skipped("it is gone") }
            if now.statistics.state == .reserved { return .running(now) }
            let reply: PutReply?
            do {
                reply = try await putReply(now, connection)
            } catch let error as BrokerError where !error.isConnectionLost {
                return .failed("its reply cannot be put: \(error)")
            }
            if try await connection.delete(job.id) { return .done(reply: reply?.tube.text) }
            // A worker, or somebody else, was faster: a reply that nobody has read yet is taken back.
            guard let reply, try await !connection.delete(reply.id) else {
                return .skipped("somebody else was faster")
            }
            return .skipped("somebody else was faster, and a reply that says 'cancelled' was read already")
        }
    }

    private struct PutReply {
        var tube: TubeName
        var id: JobID
    }

    /// - Returns: nil when no reply is asked for, or nothing could ever take it.
    private func putReply(_ job: QueuedJobFacts, _ connection: Connection) async throws -> PutReply? {
        guard let name = job["reply_to"],
            let tube = try? reader.tubes.settings.replyTube(name, machineTypes: [job.provider])
        else { return nil }
        let now = reader.world.time.wallClock
        let reply = Jobs.Reply(
            uuid: job["uuid"] ?? "", jobID: job.id.number, key: job.key, action: job.action, node: job.node,
            outcome: Self.outcome,
            error: .init(
                cause: Self.outcome, step: "", message: "cancelled by \(by) before a worker was done with it",
                next: "put it again if it is still wanted"),
            server: nil, publicKey: "", osType: "", osVersion: "", volumes: [], worker: by, began: now, ended: now)
        let put = try await connection.put(
            fitting: Settler.usualJobSize, into: tube, { reply.encoded(limit: $0) })
        return PutReply(tube: tube, id: put.id)
    }

    private static let outcome = "cancelled"
}
