import Beanstalk
import Jobs
import Pipelines
import Provisioning
import World

/// How a delivery ended, with everything that is said about it.
struct Ended: Sendable {
    var outcome: Outcome
    var tag: JobTag
    var stub: JobStub
    var facts: ReplyFacts?
    var events: [EventRecord]
    var began: Timestamp
}

/// Settles deliveries as the outcome table says: reply, report, and the one command that ends it.
struct Settler: Sendable {
    let policy: SettlementPolicy
    let tubes: WorkerTubes
    let worker: String
    let reportBytes: Int
    let reportCount: Int
    /// Cuts holding short: a worker that stops gives its jobs back at once.
    let drain: Signal<Void>
    let world: World
    let notice: @Sendable (WorkerNotice) -> Void

    static let sideJobTTR = Duration.seconds(60)
    static let sideJobPriority: UInt32 = 1_024
    /// What a broker takes that was started without `-z` (fact G1).
    static let usualJobSize = 65_535
    /// A draining or full broker is given a little time before a job goes back.
    private static let hold = Duration.seconds(10)
    /// Much larger than what a release writes, so that hardly ever the one fits and the other does not.
    private static let probe = [UInt8](repeating: UInt8(ascii: "-"), count: 4_096)
    /// Should its delete be lost, it is taken for a dead worker's sign of life after this time.
    private static let probeDelay = Duration.seconds(60)

    /// - Returns: whether the job is settled as its outcome demands, and the broker says so.
    @discardableResult
    func settle(_ token: consuming SettleToken, _ ended: Ended, on connection: Connection) async -> Bool {
        let delivery = token.delivery
        let plan = policy.plan(
            of: ended.outcome, releases: delivery.statistics.releases, random: world.random)
        var command = plan.command
        var refused: WorkerNotice?
        if plan.reports { refused = await putReport(delivery, ended, on: connection) }
        if refused == nil, plan.replies { refused = await putReply(delivery, ended, on: connection) }
        if let refused {
            // Nobody would know how it ended, and a bury on a full disk ends in limbo (facts/beanstalkd.md I5): the
            // put was the probe. The next delivery comes to the same end and says so again.
            notice(refused)
            guard await hold(token.lease) else {
                token.abandon(because: "stopped while the broker takes nothing")
                return false
            }
            command = .release(delay: .zero)
        }
        let job = delivery.id.number
        switch command {
        case .delete: return tell(await token.delete(), job)
        case .release(let delay):
            let priority = delivery.statistics.priority
            return await release(token, after: delay, priority: priority, on: connection) && refused == nil
        case .bury: return tell(await token.bury(priority: delivery.statistics.priority), job)
        case .nothing:
            token.abandon(because: "the lease was lost")
            return false
        }
    }

    /// Gives a job back after a delay, or without one where the broker has no room to note it: such a release puts the
    /// job into limbo, where nobody gets it until the broker is restarted (facts/beanstalkd.md E4, I5).
    /// - Returns: whether the broker says that it is done.
    private func release(
        _ token: consuming SettleToken, after delay: Duration, priority: UInt32, on connection: Connection
    ) async -> Bool {
        let job = token.delivery.id.number
        var delay = delay
        if delay > .zero, let why = await whyNoRecordFits(connection) {
            notice(.delayRefused(job: job, why: why))
            guard await hold(token.lease) else {
                token.abandon(because: "stopped while the broker has no room")
                return false
            }
            delay = .zero
        }
        return tell(await token.release(priority: priority, delay: delay), job)
    }

    /// Puts a body that is not ours behind all others.
    func settle(_ token: consuming SettleToken, as end: ForeignEnd, on connection: Connection) async {
        let job = token.delivery.id.number
        switch end {
        case .putBack(let delay): _ = await release(token, after: delay, priority: .max, on: connection)
        // A bury on a full disk ends in limbo, too.
        case .bury where await whyNoRecordFits(connection) == nil: _ = tell(await token.bury(priority: .max), job)
        case .bury: _ = await release(token, after: policy.foreignDelay, priority: .max, on: connection)
        }
    }

    /// A put that finds no room harms nobody: it is tried before a command that would.
    func whyNoRecordFits(_ connection: Connection) async -> String? {
        do {
            let put = try await connection.put(
                Self.probe, into: tubes.workers, priority: Self.sideJobPriority, delay: Self.probeDelay,
                ttr: Self.sideJobTTR)
            _ = try await connection.delete(put.id)
            return nil
        } catch let error as BrokerError {
            // Whatever else is wrong, a draining broker among it, does not keep a delay from being noted.
            switch error.cause {
            case .refused(.outOfMemory), .refused(.internalError): return "\(error)"
            default: return nil
            }
        } catch {
            return nil
        }
    }

    /// - Returns: false if this was cancelled.
    private func hold(_ lease: Lease) async -> Bool {
        let time = world.time
        let duration = min(Self.hold, lease.remaining / 2)
        do {
            _ = try await drain.unlessRaised { try await time.sleep(for: duration) }
            return true
        } catch {
            return false
        }
    }

    private func tell(_ settlement: Settlement, _ job: UInt64) -> Bool {
        switch settlement {
        case .settled: return true
        case .leaseLost(let loss): notice(.leaseLost(job: job, why: "\(loss)"))
        case .fateUnknown(let doubt): notice(.fateUnknown(job: job, why: "\(doubt)"))
        }
        return false
    }

    /// - Returns: why there is no report, if there is none.
    private func putReport(_ delivery: Delivery, _ ended: Ended, on connection: Connection) async -> WorkerNotice? {
        let now = world.time.wallClock
        let report = ReportWriter.report(
            of: delivery, job: ended.tag, outcome: ended.outcome, events: ended.events, worker: worker,
            put: ended.began - delivery.statistics.age, began: ended.began, ended: now)
        let job = delivery.id.number
        do {
            _ = try await connection.put(
                fitting: reportBytes, into: tubes.reports, refused: { notice(.shortened(job: job, why: "\($0)")) },
                { report.encoded(limit: $0) })
        } catch {
            let text = String(decoding: report.encoded(limit: reportBytes), as: UTF8.self)
            let isFinal = (error as? BrokerError)?.isTooBig ?? false
            let refused = WorkerNotice.reportRefused(job: job, why: "\(error)", report: text, isBuried: isFinal)
            guard isFinal else { return refused }
            notice(refused)
            return nil
        }
        do {
            try await dropOldReports(on: connection)
        } catch {
            // One too many harms nobody; the next report tries again.
            notice(.slotFailed("old reports stay: \(error)"))
        }
        return nil
    }

    /// Reports beyond `reports.max_count` go, the oldest first.
    private func dropOldReports(on connection: Connection) async throws {
        guard let kept = try await connection.statistics(of: tubes.reports)?.jobs.ready, kept > reportCount else {
            return
        }
        try await connection.use(tubes.reports)
        for _ in 0..<min(kept - reportCount, 10) {
            guard let oldest = try await connection.peek(.ready) else { return }
            _ = try await connection.delete(oldest.id)
        }
    }

    /// - Returns: why there is no reply, if one was asked for.
    private func putReply(_ delivery: Delivery, _ ended: Ended, on connection: Connection) async -> WorkerNotice? {
        guard let replyTo = ended.stub.replyTo else { return nil }
        let job = delivery.id.number
        let outcome = ended.outcome
        let isFailure = outcome.kind != .done
        let reply = Reply(
            uuid: ended.stub.uuid, jobID: job, key: ended.stub.key, action: ended.stub.action,
            node: ended.facts.flatMap { $0.node.isEmpty ? nil : $0.node } ?? ended.stub.node,
            outcome: outcome.kind.rawValue,
            error: isFailure
                ? .init(cause: outcome.cause, step: outcome.step, message: outcome.message, next: outcome.next) : nil,
            server: isFailure ? nil : ended.facts?.server, publicKey: ended.facts?.publicKey ?? "",
            osType: ended.facts?.osType ?? "", osVersion: ended.facts?.osVersion ?? "",
            volumes: isFailure ? [] : ended.facts?.volumes ?? [], worker: worker, began: ended.began,
            ended: world.time.wallClock)
        do {
            let tube = try tubes.replyTube(replyTo)
            _ = try await connection.put(
                fitting: Self.usualJobSize, into: tube, refused: { notice(.shortened(job: job, why: "\($0)")) },
                { reply.encoded(limit: $0) })
            return nil
        } catch {
            let refused = WorkerNotice.replyRefused(job: job, why: "\(error)")
            // A reply that can never be put must not keep the job.
            guard error is RefusedReplyTube || (error as? BrokerError)?.isTooBig == true else { return refused }
            notice(refused)
            return nil
        }
    }
}
