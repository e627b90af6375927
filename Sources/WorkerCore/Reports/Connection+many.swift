import Beanstalk

/// Looking at many jobs or tubes at once, pipelined. All of these leave no trace in the jobs.
extension Connection {
    /// Commands on their way at once. A job's body has up to 64 KB.
    static var statisticsBatch: Int { 512 }
    static var peekBatch: Int { 64 }

    /// Of those that exist.
    func statistics(ofJobs ids: [JobID]) async throws -> [JobID: JobStatistics] {
        var found: [JobID: JobStatistics] = [:]
        for chunk in ids.chunks(of: Self.statisticsBatch) {
            for (id, reply) in zip(chunk, try await pipeline(chunk.map(Command.statsJob))) {
                let doing = "stats-job of job \(id)"
                switch reply {
                case .ok(let document):
                    found[id] = try understanding(doing) { () throws(ProtocolViolation) in
                        try JobStatistics(parsing: document)
                    }
                case .notFound: break
                default: throw refusal(reply, doing)
                }
            }
        }
        return found
    }

    /// Of those that exist: tubes vanish when they are empty and nobody uses or watches them.
    func statistics(ofTubes tubes: [TubeName]) async throws -> [TubeStatistics] {
        var found: [TubeStatistics] = []
        for chunk in tubes.chunks(of: Self.statisticsBatch) {
            for (tube, reply) in zip(chunk, try await pipeline(chunk.map(Command.statsTube))) {
                let doing = "stats-tube of \(tube)"
                switch reply {
                case .ok(let document):
                    found.append(
                        try understanding(doing) { () throws(ProtocolViolation) in
                            try TubeStatistics(parsing: document)
                        })
                case .notFound: break
                default: throw refusal(reply, doing)
                }
            }
        }
        return found
    }

    /// The bodies of those that exist. All of them are in memory at once: not more than `peekBatch` should be asked for.
    func bodies(ofJobs ids: [JobID]) async throws -> [QueuedJob] {
        var bodies: [QueuedJob] = []
        for (id, reply) in zip(ids, try await pipeline(ids.map(Command.peek))) {
            switch reply {
            case .found(let job): bodies.append(job)
            case .notFound: break
            default: throw refusal(reply, "peek at job \(id)")
            }
        }
        return bodies
    }

    /// The jobs that each of these tubes shows by itself: the next ready and delayed one, and the first buried one.
    func heads(ofTubes isWanted: (TubeName) -> Bool) async throws -> [UInt64] {
        var heads: [UInt64] = []
        for tube in try await tubes() where isWanted(tube) {
            for reply in try await pipeline([.use(tube), .peekReady, .peekDelayed, .peekBuried]) {
                if case .found(let job) = reply { heads.append(job.id.number) }
            }
        }
        return heads
    }

    func refusal(_ reply: Beanstalk.Reply, _ doing: String) -> BrokerError {
        if case .error(let error) = reply {
            return BrokerError(broker: broker, doing: doing, cause: .refused(error))
        }
        return BrokerError(
            broker: broker, doing: doing,
            cause: .unintelligible(ProtocolViolation("\(reply.keyword) as the answer")))
    }

    private func understanding<Value>(_ doing: String, _ parse: () throws(ProtocolViolation) -> Value) throws -> Value {
        do {
            return try parse()
        } catch {
            throw BrokerError(broker: broker, doing: doing, cause: .unintelligible(error))
        }
    }
}

extension Array {
    func chunks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
