import World

extension Connection {
    /// Waits for a job as long as it takes, in reserves of at most `poll`, so that a connection that died silently is
    /// noticed (fact A5).
    /// - Throws: `BrokerError`; `CancellationError`, and then the connection is closed.
    package func nextJob(poll: Duration) async throws -> QueuedJob {
        while true {
            switch try await reserve(timeout: poll) {
            case .job(let job): return job
            case .timedOut: continue
            case .deadlineSoon: try await time.sleep(for: Self.deadlinePause)
            }
        }
    }

    /// Turns a job that this connection has just reserved into a delivery with a lease. The reserve may have been sent
    /// long before it was answered, so the lease counts from a touch of its own.
    /// - Parameter limit: the longest lease, whatever the job's time to run.
    /// - Returns: nil if the job is not ours any more.
    /// - Throws: `BrokerError`, `CancellationError`; the connection is closed then, so that the job is given back.
    package func accept(
        _ job: QueuedJob, limit: Duration = LeaseTerms.usualLimit
    ) async throws -> SettleToken? {
        do {
            let sent = now
            let replies = try await pipeline([.touch(job.id), .statsJob(job.id)])
            switch (replies.first, replies.last) {
            case (.touched, .ok(let document)):
                let statistics = try JobStatistics(parsing: document)
                guard statistics.id == job.id else {
                    throw ProtocolViolation("statistics of job \(statistics.id)")
                }
                let lease = Lease(
                    on: job.id, of: self, terms: LeaseTerms(ttr: statistics.ttr, limit: limit), touchSent: sent)
                return SettleToken(
                    Delivery(id: job.id, body: job.body, statistics: statistics, broker: broker), lease)
            case (.error(let error), _):
                throw failure(.refused(error), of: .touch(job.id))
            case (_, .error(let error)):
                throw failure(.refused(error), of: .statsJob(job.id))
            default:
                return nil
            }
        } catch {
            close(.gaveBack(job.id, .abandoned("it could not be accepted: \(error)")))
            if let violation = error as? ProtocolViolation {
                throw failure(.unintelligible(violation), of: .statsJob(job.id))
            }
            throw error
        }
    }
}
