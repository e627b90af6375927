import Beanstalk
import Jobs
package import Pipelines
package import Provisioning
import Resilience
package import World
import YAMLKit

/// The removal again, for a buried provision whose own was not finished: what can go now goes, its report says what is
/// left, and the job stays buried.
///
/// It is done with the code of the failing provision, under the buried job's own number and put time, so that what newer
/// jobs of the node made is theirs. Right before each act the job is looked at again: once it is kicked, a worker may be
/// building what would be destroyed here.
package struct FailedJobUndo: Sendable {
    package enum Result: Sendable, Hashable {
        /// Nothing is left, and that was seen.
        case done
        case left([String], why: String, next: String)
        /// Nothing of it may be removed: it was committed, by another delivery.
        case committed(String)
        /// It is not any more what it was when it was listed, or looked at.
        case skipped(String)
        /// It is no job that can be undone.
        case failed(String, next: String)
    }

    package struct End: Sendable, Hashable {
        package var result: Result
        /// Seen to be gone, each by kind, name and id.
        package var removed: [String] = []
        /// Why the report still says what it said before; empty: it tells how things are.
        package var reportTrouble = ""

        package init(result: Result, removed: [String] = []) {
            self.result = result
            self.removed = removed
        }
    }

    package enum Look: Sendable, Hashable {
        case found(Leftovers)
        case not(Result)
    }

    private let reader: ReportReader
    private let site: Site
    private let receptionist: Receptionist
    private let reports: TubeName
    private let reportBytes: Int
    private let sinks: [any EventSink]
    private let drain: Signal<Void>

    /// What is out of order is undone another time.
    private static let parkAfter = Duration.seconds(20)

    /// - Parameters:
    ///   - settings: of the site's workers.
    ///   - sinks: told of everything that happens, as of a worker's jobs.
    ///   - drain: ends it before the next act.
    package init(
        _ reader: ReportReader, site: Site, settings: WorkerSettings, sinks: [any EventSink], drain: Signal<Void>
    ) {
        self.reader = reader
        self.site = site
        receptionist = Receptionist(
            tubes: settings.tubes, body: JobBody(labDomain: site.labDomain, providers: site.names),
            time: site.world.time)
        reports = settings.tubes.reports
        reportBytes = settings.reportBytes
        self.sinks = sinks
        self.drain = drain
    }

    /// What a removal would take away. Changes nothing.
    /// - Throws: `BrokerError`; `CancellationError`.
    package func look(at job: FailedJob) async throws -> Look {
        switch try await open(job, told: []) {
        case .not(let result): return .not(result)
        case .work(let work, _):
            let (outcome, found) = await work.leftovers()
            try Task.checkCancellation()
            if let server = found.committed { return .not(Self.committed(job, server)) }
            guard outcome.kind == .done else {
                return .not(
                    .left(job.report.left, why: "it could not be looked at: \(outcome.message)", next: outcome.next))
            }
            return .found(found)
        }
    }

    /// Removes what was seen, and replaces the report.
    /// - Throws: `BrokerError` before anything was removed; `CancellationError`.
    package func perform(on job: FailedJob, seen: Leftovers) async throws -> End {
        switch try await open(job, told: sinks) {
        case .not(let result): return End(result: result)
        case .work(let work, let journal):
            let began = site.world.time.now
            let outcome = await work.remove(only: seen) { try await stillMay(job) }
            journal.record(.ended(outcome, took: site.world.time.now - began))
            let story = ReportStory(journal.records)
            var end = End(result: Self.result(of: outcome, job, work), removed: story.removed)
            end.reportTrouble = await update(job, end, story)
            try Task.checkCancellation()
            return end
        }
    }

    private static func result(of outcome: Outcome, _ job: FailedJob, _ work: NodeWork) -> Result {
        switch outcome.kind {
        case .done:
            return work.isCommitted ? committed(job, work.reply.server?.id ?? "") : .done
        case .obsolete:
            return .skipped(outcome.message)
        case .removalIncomplete:
            return .left(outcome.left, why: outcome.message, next: outcome.next)
        case .retry, .parked, .wait, .rejected, .failed, .superseded, .expired, .suspect, .leaseLost, .drain:
            return .left(
                work.remains ?? [NodeWork.unseen(of: job.report.key)],
                why: outcome.kind == .drain ? "stopped before the next act" : outcome.message,
                next: outcome.next.isEmpty ? "undo it again later" : outcome.next)
        }
    }

    private static func committed(_ job: FailedJob, _ server: String) -> Result {
        .committed(
            "paddles says that \(job.report.node.isEmpty ? "its node" : job.report.node) is server \(server) of this job: "
                + "another delivery finished it, and what is finished is only ever removed by a destroy")
    }
}

// MARK: - The right to do it

extension FailedJobUndo {
    private enum Opening: Sendable {
        case work(NodeWork, Journal)
        case not(Result)
    }

    private func open(_ job: FailedJob, told sinks: [any EventSink]) async throws -> Opening {
        let (sight, run) = try await reader.broker.connect { connection in
            let sight = try await reader.sight(of: job, connection)
            let run = try await connection.statistics().id
            return (sight, run)
        }
        let reading: JobReading
        switch sight {
        case .changed(let why): return .not(.skipped(why))
        case .same(let statistics, let body):
            reading = receptionist.read(body, statistics, put: job.report.put, by: run)
        }
        let buried: Job
        switch reading {
        case .job(let read): buried = read
        case .foreign(let why): return .not(.failed(why, next: "use the release that put it"))
        case .malformed(let problems, _):
            return .not(
                .failed(
                    "its body cannot be read here: " + problems.map(\.description).joined(separator: "; "),
                    next:
                        "a worker that cannot read it builds nothing; see that this host's configuration is the workers'"
                ))
        }
        guard buried.action == .provision else {
            return .not(
                .failed(
                    "a destroy is nothing but a removal", next: "do it again: cirrata failed retry \(job.reference)"))
        }
        let tag = JobTag(
            key: buried.key, action: "undo", node: buried.node?.short ?? "", provider: buried.provider,
            jobID: job.reference.number, run: buried.run)
        let journal = Journal(job: tag, time: site.world.time, sinks: sinks)
        let assignment = Assignment(
            job: buried, right: Right(drain: drain, parkAfter: Self.parkAfter), journal: journal,
            began: site.world.time.now,
            isLivingTwin: { number in
                try await asking { try await receptionist.isLiving(number, as: buried.key, $0) }
            })
        guard let work = Provisioner(site: site).work(assignment) else {
            return .not(
                .failed("provider \(buried.provider) is not configured here", next: "undo it where the workers run"))
        }
        return .work(work, journal)
    }

    private func stillMay(_ job: FailedJob) async throws {
        guard let change = try await asking({ try await reader.change(of: job, $0) }) else { return }
        throw Ending(.obsolete, "changed", "\(change): nothing more is removed")
    }

    /// A connection of its own each time: a removal may take minutes, and the broker may be restarted meanwhile.
    private func asking<Value: Sendable>(
        _ body: @Sendable (Connection) async throws -> Value
    ) async throws -> Value {
        do {
            return try await reader.broker.connect { try await body($0) }
        } catch let error as BrokerError {
            throw Ending(.parked, "broker", error.summary, next: error.next)
        }
    }
}

// MARK: - The report

extension FailedJobUndo {
    /// Puts a report that says how things are now, then deletes the old one: whoever dies in between leaves two, of
    /// which the newer one counts.
    /// - Returns: why it did not work; empty when it did, or when there is nothing new to tell.
    private func update(_ job: FailedJob, _ end: End, _ story: ReportStory) async -> String {
        guard let report = job.report.undone(end, story, on: site.world) else { return "" }
        do {
            return try await reader.broker.connect { connection in
                // A worker that has it now writes a report of its own.
                guard try await reader.change(of: job, connection) == nil else { return "" }
                _ = try await connection.put(fitting: reportBytes, into: reports, { report.encoded(limit: $0) })
                _ = try await connection.delete(job.reportID)
                return ""
            }
        } catch {
            return "\(error)"
        }
    }
}

extension Report {
    /// - Returns: what it says after a removal; nil when that is nothing else.
    fileprivate func undone(_ end: FailedJobUndo.End, _ story: ReportStory, on world: World) -> Report? {
        var report = self
        switch end.result {
        case .done:
            report.left = []
            report.outcome = OutcomeKind.failed.rawValue
            report.cause = Self.undoneCause
            report.next = "retry it once the cause is mended, or discard it"
        case .left(let left, _, let next):
            report.left = left
            report.next = next
        case .committed, .skipped, .failed:
            // What was removed before is gone all the same.
            report.left.removeAll { end.removed.contains($0) }
        }
        report.removed += end.removed.filter { !removed.contains($0) }
        guard report != self else { return nil }
        report.steps += story.steps.map { step in
            StepStory(step: "undo \(step.step)", summary: step.summary, attempts: step.attempts)
        }
        let when = Timestamp(seconds: world.time.wallClock.microseconds / 1_000_000)
        report.warnings.append("undone by hand on \(world.host) at \(when): \(end.told)")
        return report
    }

    /// The class of an error after which a person has removed what was left.
    private static let undoneCause = "undone"
}

extension FailedJobUndo.End {
    /// How it ended, in a sentence.
    package var told: String {
        switch result {
        case .done: removed.isEmpty ? "nothing was left" : "nothing is left"
        case .left(let left, let why, _): "left: \(left.joined(separator: ", ")): \(why)"
        case .committed(let why), .skipped(let why), .failed(let why, _): why
        }
    }
}

extension FailedJob {
    /// Whether its report names something that is left, or nobody removed what it built.
    package var mayHaveLeft: Bool { !report.left.isEmpty || report.outcome == OutcomeKind.suspect.rawValue }
}
