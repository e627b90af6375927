import Beanstalk
import Jobs
import WorkerCore
import World

/// Puts jobs, and follows them to their end.
struct Submission: Sendable {
    let broker: Broker
    let priority: UInt32
    let delay: Duration
    let ttr: Duration
    let report: SubmissionReport
    let reader: QueueReader
    let world: World

    /// How long one reserve waits; then is looked whether anything keeps workers from taking the jobs.
    private static let poll = Duration.seconds(5)

    func put(_ orders: [Order]) async throws {
        try await broker.connect { connection in try await put(orders, on: connection) { _, _ in } }
    }

    /// Puts the jobs with a tube of their own for the replies and tells each outcome as it comes.
    /// - Returns: whether all are done.
    /// - Throws: `Complaint` when `limit` is over.
    func follow(_ orders: [Order], for limit: Duration?) async throws -> Bool {
        let tube = try TubeName(ReplyTube.name(uuid: world.random.uuid()))
        let orders = orders.map { order in
            var order = order
            order.replyTo = tube
            return order
        }
        let ledger = SubmissionLedger(orders, began: world.time.now)
        do {
            guard let limit else { return try await follow(ledger, tube) }
            return try await world.time.withTimeout(limit, doing: "wait") { try await follow(ledger, tube) }
        } catch is TimeoutError {
            let open = ledger.open.map(\.title)
            throw Complaint(
                lines: ["after \(limit?.short ?? "") not finished (the jobs go on):"] + open.map { "  \($0)" },
                .timedOut)
        }
    }

    private func follow(_ ledger: SubmissionLedger, _ tube: TubeName) async throws -> Bool {
        do {
            try await broker.connect(Tubes(watching: [tube])) { connection in
                try await put(ledger.all, on: connection, ledger.wasPut)
                ledger.allArePut()
                try await collect(ledger, on: connection)
            }
        } catch let error as BrokerError where error.isConnectionLost && ledger.isPut {
            report.trouble("\(error)")
            try await collectPatiently(ledger, tube)
        }
        return ledger.isDone
    }

    /// The broker went away while jobs are out there: it or its jobs may well come back.
    private func collectPatiently(_ ledger: SubmissionLedger, _ tube: TubeName) async throws {
        while !ledger.open.isEmpty {
            do {
                _ = try await broker.connectPatiently(Tubes(watching: [tube]), unless: Signal()) { connection in
                    try await collect(ledger, on: connection)
                }
            } catch let error as BrokerError where error.isConnectionLost {
                report.trouble("\(error)")
            }
        }
    }

    private func put(
        _ orders: [Order], on connection: Connection, _ wasPut: (Order, JobID) -> Void
    ) async throws {
        for (index, order) in orders.enumerated() {
            do {
                let result = try await connection.put(
                    order.body, into: order.tube, priority: priority, delay: delay, ttr: ttr)
                wasPut(order, result.id)
                report.put(order, result.id)
            } catch let error as BrokerError {
                guard index > 0 || orders.count > 1 else { throw error }
                throw Complaint(lines: ["\(error)", "\(index) of \(orders.count.counted("job")) put"], .broker)
            }
        }
    }

    private func collect(_ ledger: SubmissionLedger, on connection: Connection) async throws {
        var said: Set<String> = []
        while !ledger.open.isEmpty {
            switch try await connection.reserve(timeout: Self.poll) {
            case .timedOut: try await sayHindrances(ledger, connection, &said)
            case .deadlineSoon: try await world.time.sleep(for: Connection.deadlinePause)
            case .job(let job):
                do throws(Unreadable) {
                    let reply = try Jobs.Reply(parsing: job.body)
                    if let order = ledger.settle(reply) {
                        report.ended(order, reply, after: world.time.now - ledger.began)
                    }
                } catch {
                    report.trouble("an unreadable reply (job \(job.id)): \(error)")
                }
                _ = try await connection.delete(job.id)
            }
        }
    }
}

extension Submission {
    /// Says why open jobs are not taken, once for as long as it stays so.
    private func sayHindrances(
        _ ledger: SubmissionLedger, _ connection: Connection, _ said: inout Set<String>
    ) async throws {
        let wanted = Set(ledger.open.map(\.tube))
        let tubes = try await reader.view(connection).tubes.filter { wanted.contains($0.statistics.name) }
        let remedies = Set(tubes.flatMap { tube in tube.hindrances.map { $0.remedy(provider: tube.provider ?? "") } })
        if !remedies.isSubset(of: said) {
            for line in tubes.flatMap({ $0.hindranceLines(now: world.time.wallClock) }) { report.trouble(line) }
        }
        said = remedies
    }
}

/// Which of the jobs are still open.
final class SubmissionLedger: Sendable {
    private struct State {
        var open: [Order]
        /// The numbers of the jobs, by uuid.
        var jobs: [String: JobID] = [:]
        var isPut = false
        var failures = 0
    }

    let all: [Order]
    let began: Moment
    private let state: Locked<State>

    init(_ orders: [Order], began: Moment) {
        all = orders
        self.began = began
        state = Locked(State(open: orders))
    }

    var open: [Order] { state.withLock { $0.open } }
    var isPut: Bool { state.withLock { $0.isPut } }
    var isDone: Bool { state.withLock { $0.open.isEmpty && $0.failures == 0 } }

    func wasPut(_ order: Order, _ job: JobID) { state.withLock { $0.jobs[order.uuid] = job } }
    func allArePut() { state.withLock { $0.isPut = true } }

    /// - Returns: the job that the reply is about; nil when it was heard of before, as replies come at least once, or when
    ///   it is about another job of the same uuid: whoever sees a job in the queue can put one.
    func settle(_ reply: Jobs.Reply) -> Order? {
        state.withLock { state in
            let index = state.open.firstIndex { order in
                // Workers of older releases do not tell the number.
                order.mayBeMeant(by: reply) && (reply.jobID == 0 || reply.jobID == state.jobs[order.uuid]?.number)
            }
            guard let index else { return nil }
            if reply.outcome != "done" { state.failures += 1 }
            return state.open.remove(at: index)
        }
    }
}
