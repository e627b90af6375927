import Jobs
import Pipelines
import Provisioning
import Resilience
import World

/// One job without a queue: no lease, and nobody to give it back to. The server of an earlier run of the same file, which
/// has the same key, is gone on with: then the job keeps the put time of that run, and its place among the jobs of the
/// node. Without one it is a new job, put now.
struct ForegroundWork: Sendable {
    let job: Job
    let site: Site
    let sinks: [any EventSink]
    let world: World
    let drain = Signal<Void>()

    /// Runs the job; what a failed provision built is removed as a worker would.
    func run() async throws -> Jobs.Reply {
        let began = world.time.wallClock
        let journal = journal
        let (work, trouble) = try await resumed(journal)
        let outcome = if let trouble { trouble } else { await outcome(of: work) }
        journal.record(.ended(outcome, took: world.time.wallClock - began))
        return reply(outcome, work, began: began)
    }

    func preview() async throws -> (Outcome, Preview) {
        let (work, trouble) = try await resumed(journal)
        if let trouble { return (trouble, Preview()) }
        return await work.preview()
    }

    /// - Returns: also how it ends when nobody can say what an earlier run has built.
    private func resumed(_ journal: Journal) async throws -> (NodeWork, trouble: Outcome?) {
        let work = try work(on: job, journal)
        guard job.action == .provision else { return (work, nil) }
        let (outcome, found) = await work.leftovers()
        guard outcome.kind == .done else { return (work, outcome) }
        guard let put = found.put, put < job.order.put else { return (work, nil) }
        var resumed = job
        resumed.order.put = put
        let again = try self.work(on: resumed, journal)
        return (again, nil)
    }

    private func outcome(of work: NodeWork) async -> Outcome {
        var outcome = await work.run()
        if outcome.kind == .drain { outcome.message = "stopped before the next change" }
        if outcome.kind == .drain || outcome.kind == .retry || outcome.kind == .parked, outcome.next.isEmpty {
            outcome.next = "what was built is still there: run the same file again to go on, or destroy the node"
        }
        guard outcome.kind.removes else { return outcome }
        let removal = await work.remove()
        if removal.kind == .done { return work.isCommitted ? removal : outcome }
        var incomplete = removal
        incomplete.message = "\(outcome.message); and its removal is not finished: \(removal.message)"
        if incomplete.next.isEmpty { incomplete.next = "run the same file again, or destroy the node" }
        return incomplete
    }

    private var journal: Journal {
        let tag = JobTag(
            key: job.key, action: job.action.rawValue, node: job.node?.short ?? "", provider: job.provider, jobID: 0,
            run: job.run)
        return Journal(job: tag, time: world.time, sinks: sinks)
    }

    private func work(on job: Job, _ journal: Journal) throws -> NodeWork {
        let assignment = Assignment(
            job: job, right: Right(fence: OpenFence(), drain: drain), journal: journal, began: world.time.now)
        guard let work = Provisioner(site: site).work(assignment) else {
            throw Complaint("provider '\(job.provider)' is not configured", .configuration)
        }
        return work
    }

    private func reply(_ outcome: Outcome, _ work: NodeWork, began: Timestamp) -> Jobs.Reply {
        let facts = work.reply
        let isDone = outcome.kind == .done
        return Jobs.Reply(
            uuid: job.uuid ?? "", jobID: 0, key: job.key, action: job.action.rawValue, node: facts.node,
            outcome: outcome.kind.rawValue,
            error: isDone
                ? nil
                : .init(cause: outcome.cause, step: outcome.step, message: outcome.message, next: outcome.next),
            server: isDone ? facts.server : nil, publicKey: facts.publicKey, osType: facts.osType,
            osVersion: facts.osVersion, volumes: isDone ? facts.volumes : [], worker: "", began: began,
            ended: world.time.wallClock)
    }
}
