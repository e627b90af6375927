/// The answer to a reserve with a time-out.
package enum Reservation: Sendable, Hashable {
    case job(QueuedJob)
    case timedOut
    /// A job held by this connection has less than a second left, and no other is ready. The broker answers so at once
    /// during that second: pause at least `Connection.deadlinePause` before the next reserve (facts B3, B4).
    case deadlineSoon
}

package enum PutResult: Sendable, Hashable {
    case inserted(JobID)
    /// Stored, but not runnable: the broker had no memory for it in the queue (fact G4).
    case buried(JobID)

    package var id: JobID {
        switch self {
        case .inserted(let id), .buried(let id): id
        }
    }
}

package enum ReleaseResult: Sendable, Hashable {
    case released
    /// The broker had no memory for it in the queue and buried it instead.
    case buried
    case notFound
}

/// Which head of the used tube `peek` shows.
package enum PeekTarget: Sendable, Hashable { case ready, delayed, buried }

extension Connection {
    package static let deadlinePause = Duration.milliseconds(100)

    // All of these throw `BrokerError`, also for error replies, and `CancellationError`.

    /// - Parameters:
    ///   - priority: the smaller, the sooner; below 1,024 counts as urgent.
    ///   - delay: rounded up to whole seconds, as is `ttr`; the broker makes at least 1 s of that.
    ///   - tube: default: the tube in use. Another one becomes the tube in use.
    package func put(
        _ body: [UInt8], into tube: TubeName? = nil, priority: UInt32, delay: Duration = .zero, ttr: Duration
    ) async throws -> PutResult {
        let put = Command.put(
            priority: priority, delay: WireSeconds(roundingUp: delay), ttr: WireSeconds(roundingUp: ttr), body: body)
        guard let tube else { return try stored(try await call(put), put) }
        let use = Command.use(tube)
        // Both go in one piece, so that no other caller's `use` comes in between. Should the broker refuse the first,
        // which needs malloc to fail, the job went into the tube used before.
        let replies = try await pipeline([use, put])
        if case .error(let error) = replies.first { throw failure(.refused(error), of: use) }
        return try stored(replies.last, put)
    }

    private func stored(_ reply: Reply?, _ put: Command) throws -> PutResult {
        switch reply {
        case .inserted(let id): return .inserted(id)
        case .buried(let id?): return .buried(id)
        default: throw unexpected(reply, for: put)
        }
    }

    package func use(_ tube: TubeName) async throws {
        try await expect(.use(tube)) { reply in
            if case .using = reply { () } else { nil }
        }
    }

    /// Waits up to `timeout` (rounded up to whole seconds) for a job from the watched tubes. Zero does not wait.
    /// Nothing else can be sent on this connection meanwhile.
    package func reserve(timeout: Duration) async throws -> Reservation {
        try await expect(.reserveWithTimeout(WireSeconds(roundingUp: timeout))) { reply in
            switch reply {
            case .reserved(let job): .job(job)
            case .timedOut: .timedOut
            case .deadlineSoon: .deadlineSoon
            default: nil
            }
        }
    }

    /// Reserves one job, whatever its state and tube, unless it is reserved; nil if there is none such. Inspection
    /// must use `peek`: a buried job that is reserved and then lost becomes ready (fact F5).
    package func reserve(job id: JobID) async throws -> QueuedJob? {
        try await find(.reserveJob(id))
    }

    /// - Returns: false if there is no such job, or another connection has reserved it.
    package func delete(_ id: JobID) async throws -> Bool {
        try await affirm(.delete(id))
    }

    /// - Returns: `.notFound` if this connection has not reserved it (any more).
    package func release(_ id: JobID, priority: UInt32, delay: Duration) async throws -> ReleaseResult {
        try await expect(.release(id, priority: priority, delay: WireSeconds(roundingUp: delay))) { reply in
            switch reply {
            case .released: .released
            case .buried: .buried
            case .notFound: .notFound
            default: nil
            }
        }
    }

    /// - Returns: false if this connection has not reserved it (any more).
    package func bury(_ id: JobID, priority: UInt32) async throws -> Bool {
        try await affirm(.bury(id, priority: priority))
    }

    /// Starts the job's time to run anew.
    /// - Returns: false if this connection has not reserved it (any more).
    package func touch(_ id: JobID) async throws -> Bool {
        try await affirm(.touch(id))
    }

    /// - Returns: how many tubes are watched now.
    @discardableResult
    package func watch(_ tube: TubeName) async throws -> Int {
        try await expect(.watch(tube)) { reply in
            if case .watching(let count) = reply { Int(clamping: count) } else { nil }
        }
    }

    /// - Returns: how many tubes are watched now; nil if it is the only one, which stays.
    @discardableResult
    package func ignore(_ tube: TubeName) async throws -> Int? {
        try await expect(.ignore(tube)) { reply -> Int?? in
            switch reply {
            case .watching(let count): .some(Int(clamping: count))
            case .notIgnored: .some(nil)
            default: nil
            }
        }
    }

    package func peek(_ id: JobID) async throws -> QueuedJob? {
        try await find(.peek(id))
    }

    /// The head of the used tube in that state.
    package func peek(_ target: PeekTarget) async throws -> QueuedJob? {
        switch target {
        case .ready: try await find(.peekReady)
        case .delayed: try await find(.peekDelayed)
        case .buried: try await find(.peekBuried)
        }
    }

    /// Kicks up to `bound` buried jobs of the used tube or, *if there are none*, delayed ones (fact F3).
    /// - Returns: how many.
    package func kick(bound: UInt32) async throws -> Int {
        try await expect(.kick(bound: bound)) { reply in
            if case .kicked(let count?) = reply { Int(clamping: count) } else { nil }
        }
    }

    /// - Returns: false if the job is neither buried nor delayed.
    package func kick(_ id: JobID) async throws -> Bool {
        try await affirm(.kickJob(id))
    }

    package func statistics(of id: JobID) async throws -> JobStatistics? {
        let command = Command.statsJob(id)
        guard let document = try await document(command) else { return nil }
        let statistics = try understand(command) { () throws(ProtocolViolation) in
            try JobStatistics(parsing: document)
        }
        guard statistics.id == id else {
            throw failure(.unintelligible(ProtocolViolation("statistics of job \(statistics.id)")), of: command)
        }
        return statistics
    }

    /// - Returns: nil if there is no such tube: it has no jobs, and nobody uses or watches it.
    package func statistics(of tube: TubeName) async throws -> TubeStatistics? {
        let command = Command.statsTube(tube)
        guard let document = try await document(command) else { return nil }
        return try understand(command) { () throws(ProtocolViolation) in try TubeStatistics(parsing: document) }
    }

    package func statistics() async throws -> ServerStatistics {
        guard let document = try await document(.stats) else { throw unexpected(.notFound, for: .stats) }
        return try understand(.stats) { () throws(ProtocolViolation) in try ServerStatistics(parsing: document) }
    }

    package func tubes() async throws -> [TubeName] {
        try await list(.listTubes)
    }

    package func watchedTubes() async throws -> [TubeName] {
        try await list(.listTubesWatched)
    }

    package func tubeInUse() async throws -> TubeName {
        try await expect(.listTubeUsed) { reply in
            if case .using(let tube) = reply { tube } else { nil }
        }
    }

    /// Keeps jobs of the tube from being reserved for a time; 0 ends the pause.
    /// - Returns: false if there is no such tube.
    package func pause(_ tube: TubeName, for duration: Duration) async throws -> Bool {
        try await affirm(.pauseTube(tube, WireSeconds(roundingUp: duration)))
    }

    /// Makes this connection the declared one and has the broker prove it (fact A6). Expects a fresh connection.
    package func apply(_ tubes: Tubes) async throws {
        let commands = tubes.commands
        let replies = try await pipeline(commands)
        for (command, reply) in zip(commands, replies) {
            if case .error(let error) = reply { throw failure(.refused(error), of: command) }
        }
        guard case .ok(let document) = replies.last else { throw unexpected(replies.last, for: .listTubesWatched) }
        let found = try understand(.listTubesWatched) { () throws(ProtocolViolation) in
            try StatisticsDocument.tubes(parsing: document)
        }
        guard Set(found) == Set(tubes.watching) else {
            throw failure(.watchesDiffer(wanted: tubes.watching, found: found), of: .listTubesWatched)
        }
    }

    private func affirm(_ command: Command) async throws -> Bool {
        try await expect(command) { reply in
            switch reply {
            case .deleted, .buried, .touched, .kicked, .paused: true
            case .notFound: false
            default: nil
            }
        }
    }

    private func find(_ command: Command) async throws -> QueuedJob? {
        try await expect(command) { reply -> QueuedJob?? in
            switch reply {
            case .reserved(let job), .found(let job): .some(job)
            case .notFound: .some(nil)
            default: nil
            }
        }
    }

    private func document(_ command: Command) async throws -> [UInt8]? {
        try await expect(command) { reply -> [UInt8]?? in
            switch reply {
            case .ok(let bytes): .some(bytes)
            case .notFound: .some(nil)
            default: nil
            }
        }
    }

    private func list(_ command: Command) async throws -> [TubeName] {
        guard let document = try await document(command) else { throw unexpected(.notFound, for: command) }
        return try understand(command) { () throws(ProtocolViolation) in
            try StatisticsDocument.tubes(parsing: document)
        }
    }

    private func expect<Value>(_ command: Command, _ read: (Reply) -> Value?) async throws -> Value {
        let reply = try await call(command)
        guard let value = read(reply) else { throw unexpected(reply, for: command) }
        return value
    }

    private func understand<Value>(
        _ command: Command, _ parse: () throws(ProtocolViolation) -> Value
    ) throws -> Value {
        do {
            return try parse()
        } catch {
            throw failure(.unintelligible(error), of: command)
        }
    }

    /// Error replies become errors here; anything else was sorted out by the machine before it got here.
    private func unexpected(_ reply: Reply?, for command: Command) -> BrokerError {
        if case .error(let error) = reply { return failure(.refused(error), of: command) }
        let keyword = reply?.keyword ?? "nothing"
        return failure(.unintelligible(ProtocolViolation("\(keyword) as the answer")), of: command)
    }
}
