import Beanstalk
import Jobs
import Pipelines
import Provisioning
import World

/// The work of one delivery: the job's pipeline, what its end means for the job, and the removal that may follow.
struct JobRun: Sendable {
    let work: NodeWork
    let job: Job
    let statistics: JobStatistics
    let life: Verdicts.Life
    let journal: Journal
    let ledgers: Ledgers
    let time: any TimeSource
    let notice: @Sendable (WorkerNotice) -> Void

    /// Every worker of a site sets a job aside by itself, one after the other: it must not take minutes all in all.
    private static let aside = Duration.seconds(5)

    func outcome() async -> Outcome {
        if let end = suspicion() { return end }
        if let verdict = ledgers.verdict(on: life)?.outcome {
            journal.record(
                .note(
                    step: verdict.step,
                    text: "\(verdict.kind.rawValue) already (\(verdict.message)): only the removal is left to be done"))
            return await removed(because: verdict)
        }
        let end = await work.run()
        let verdict = await judged(end)
        // That there was no room for too long says nothing against the site.
        let outcome = end.kind == .wait ? verdict : braked(verdict)
        guard outcome.kind.removes else { return outcome }
        guard job.action == .provision else { return told(outcome) }
        // Who waits starts anew anyway, with all that has come free meanwhile.
        if outcome.kind.isFinal { ledgers.condemn(life, outcome, now: time.now) }
        return await removed(because: outcome)
    }

    /// Its runs end with dead workers.
    private func suspicion() -> Outcome? {
        switch ledgers.judgeSuspect(
            job: life.jobID, reserves: statistics.reserves, releases: statistics.releases,
            timeouts: statistics.timeouts, kicks: statistics.kicks)
        {
        case .fine: nil
        case .setAside:
            Outcome(
                .parked, cause: "set-aside",
                message:
                    "reserved \(statistics.reserves.counted("time")) and hardly ever released: set aside once",
                delay: Self.aside)
        case .suspect:
            Outcome(
                .suspect, cause: "suspect",
                message: "its runs end with dead workers: reserved \(statistics.reserves.counted("time")), "
                    + "released \(statistics.releases), timed out \(statistics.timeouts)",
                next: "read the logs of the workers that had it, then kick it")
        }
    }

    private func judged(_ outcome: Outcome) async -> Outcome {
        ledgers.judge(
            outcome, of: life, releases: statistics.releases, now: time.now, closures: work.closures)
    }

    /// Too many burials of one cause: the site is at fault, so the job is parked with all that it has built, and the
    /// provider rests.
    private func braked(_ outcome: Outcome) -> Outcome {
        guard let evidence = BurialEvidence(outcome, of: job) else { return outcome }
        let (isAllowed, rest) = ledgers.allowsBurial(
            of: outcome, by: evidence, provider: job.provider, now: time.now)
        if let rest { notice(.brakePulled(Presence.Rest(rest, time))) }
        if isAllowed { return outcome }
        var parked = outcome
        parked.kind = .parked
        return parked
    }

    /// A destroy that cannot be finished: what it was to take away and did not is said.
    private func told(_ outcome: Outcome) -> Outcome {
        guard outcome.left.isEmpty, outcome.kind.isBuried else { return outcome }
        var told = outcome
        told.left = work.remains ?? ["whatever \(job.node?.short ?? "the node") has: it could not be looked up"]
        return told
    }
}

// MARK: - Removal

extension JobRun {
    /// Takes away what the job built.
    /// - Returns: the reason, once nothing is left; `removalIncomplete` with all that is left; why it has to be gone on
    ///   with later; or `done`, when the job turns out to be committed.
    private func removed(because reason: Outcome) async -> Outcome {
        var end = await work.remove()
        // Capacity is nothing that a removal could wait for.
        if end.kind == .wait { end.kind = .retry }
        end = ledgers.judge(
            end, of: life, isRemoval: true, releases: statistics.releases, now: time.now, closures: work.closures)
        switch end.kind {
        case .done:
            return work.isCommitted ? end : reason
        case .retry, .parked, .drain, .leaseLost:
            end.message = "\(end.message); the removal goes on later (\(reason.message))"
            return end
        case .removalIncomplete:
            end.message = "\(reason.message); \(end.message)"
            return end
        case .wait, .rejected, .failed, .superseded, .obsolete, .expired, .suspect:
            end.kind = .removalIncomplete
            end.message = "\(reason.message); and its removal could not be finished: \(end.message)"
            end.left = work.remains ?? [NodeWork.unseen(of: job.key)]
            return end
        }
    }
}
