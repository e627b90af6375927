import Pipelines
import Resilience
import Testing
import WorkerCore
import World

@Suite struct BudgetsTests {
    private var budgets = Budgets(
        limits: .init(retryFor: .seconds(100), capacityWait: .seconds(1_000), releases: 50))

    /// Reads like a trace: an outcome at a second gives a kind.
    private mutating func judge(
        _ kind: OutcomeKind, at second: Int64, job: UInt64 = 1, kicks: Int = 0, isRemoval: Bool = false,
        releases: Int = 0, closures: TimeSpans = TimeSpans()
    ) -> OutcomeKind {
        budgets.judge(
            Outcome(kind, step: "s", cause: "c", message: "m"), of: .of(job, kicks: kicks), isRemoval: isRemoval,
            releases: releases, now: .at(second), closures: closures
        ).kind
    }

    @Test mutating func troubleHasABudget() {
        #expect(judge(.retry, at: 1_000) == .retry)
        #expect(judge(.retry, at: 1_099) == .retry)
        #expect(judge(.retry, at: 1_100) == .failed)
    }

    @Test mutating func waitingForCapacityHasABudgetOfItsOwn() {
        #expect(judge(.wait, at: 0) == .wait)
        #expect(judge(.wait, at: 999) == .wait)
        #expect(judge(.wait, at: 1_000) == .failed)
    }

    /// Who waited got so far: earlier trouble is over.
    @Test mutating func troubleBeforeAWaitIsForgotten() {
        #expect(judge(.retry, at: 0) == .retry)
        #expect(judge(.wait, at: 90) == .wait)
        #expect(judge(.retry, at: 150) == .retry)
        #expect(judge(.retry, at: 249) == .retry)
        #expect(judge(.retry, at: 250) == .failed)
        #expect(judge(.wait, at: 1_089) == .wait)
        #expect(judge(.wait, at: 1_090) == .failed)
    }

    @Test(arguments: [
        OutcomeKind.done, .rejected, .failed, .superseded, .obsolete, .expired, .suspect, .removalIncomplete,
    ])
    func anEndForgetsTheTrouble(kind: OutcomeKind) {
        var budgets = self
        #expect(budgets.judge(.retry, at: 0) == .retry)
        #expect(budgets.judge(kind, at: 90) == kind)
        #expect(budgets.judge(.retry, at: 110) == .retry)
    }

    /// Neither counted nor a sign that the trouble is over.
    @Test(arguments: [OutcomeKind.parked, .drain, .leaseLost]) func whatIsNobodysFaultChangesNothing(kind: OutcomeKind)
    {
        var budgets = self
        #expect(budgets.judge(kind, at: 0, releases: 5_000) == kind)
        #expect(budgets.judge(.retry, at: 500) == .retry)
        #expect(budgets.judge(kind, at: 550) == kind)
        #expect(budgets.judge(.retry, at: 600) == .failed)
    }

    /// In the delivery or between two: an outage of an hour is no trouble of the job's.
    @Test mutating func timeAtClosedGatesIsNotCounted() {
        let before = TimeSpans([(.at(-9_000), .at(-2_000))])
        #expect(judge(.retry, at: 0, closures: before) == .retry)
        let after = TimeSpans([(.at(-9_000), .at(-2_000)), (.at(20), .at(3_620))])
        #expect(judge(.retry, at: 3_650, closures: after) == .retry)
        #expect(judge(.retry, at: 3_699, closures: after) == .retry)
        #expect(judge(.retry, at: 3_700, closures: after) == .failed)
    }

    @Test mutating func aKickIsANewStart() {
        #expect(judge(.retry, at: 0) == .retry)
        #expect(judge(.retry, at: 500) == .failed)
        #expect(judge(.retry, at: 600, kicks: 1) == .retry)
        #expect(judge(.retry, at: 650, kicks: 1) == .retry)
        #expect(judge(.retry, at: 700, kicks: 1) == .failed)
    }

    @Test(arguments: [false, true]) func aSettledJobIsForgotten(isRemoval: Bool) {
        var test = self
        #expect(test.judge(.retry, at: 0, isRemoval: isRemoval) == .retry)
        #expect(test.judge(.retry, at: 500, isRemoval: isRemoval) == .failed)
        #expect(test.judge(.retry, at: 510, isRemoval: isRemoval) == .failed)
        test.budgets.forget(.of(1))
        #expect(test.judge(.retry, at: 520, isRemoval: isRemoval) == .retry)
    }

    @Test mutating func aRemovalHasABudgetOfItsOwn() {
        #expect(judge(.retry, at: 0) == .retry)
        #expect(judge(.retry, at: 99, isRemoval: true) == .retry)
        #expect(judge(.retry, at: 100) == .failed)
        #expect(judge(.retry, at: 198, isRemoval: true) == .retry)
        #expect(judge(.retry, at: 199, isRemoval: true) == .failed)
    }

    /// More jobs than can be remembered: those met last are kept.
    @Test mutating func theLatestAreRemembered() {
        for number in Int64(0)..<25_000 { #expect(judge(.retry, at: number, job: UInt64(number)) == .retry) }
        #expect(judge(.retry, at: 25_200, job: 24_999) == .failed)
        #expect(judge(.retry, at: 25_200, job: 3) == .retry)
    }

    /// Also those that have one `uuid`: of several nodes, or put twice.
    @Test mutating func jobsAreCountedApart() {
        #expect(judge(.retry, at: 0, job: 1) == .retry)
        #expect(judge(.retry, at: 200, job: 2) == .retry)
        #expect(judge(.retry, at: 250, job: 1) == .failed)
        #expect(judge(.retry, at: 250, job: 2) == .retry)
    }

    /// The backstop for a job that meets another process each time, none of which remembers.
    @Test(arguments: [(0, 49, OutcomeKind.retry), (0, 50, .failed), (1, 99, .retry), (1, 100, .failed)])
    func releases(kicks: Int, releases: Int, kind: OutcomeKind) {
        var budgets = self
        #expect(budgets.judge(.retry, at: 0, kicks: kicks, releases: releases) == kind)
    }

    @Test mutating func givingUpSaysWhy() {
        _ = judge(.retry, at: 0)
        var outcome = Outcome(.retry, step: "s", cause: "c", message: "m", delay: .seconds(9))
        outcome = budgets.judge(outcome, of: .of(1), releases: 3, now: .at(130), closures: TimeSpans())
        #expect(
            outcome
                == Outcome(
                    .failed, step: "s", cause: "c",
                    message: "m; given up after 2m10s of trying (retry_for is 1m40s)"))
        outcome = budgets.judge(
            Outcome(.wait, message: "m"), of: .of(2), releases: 50, now: .at(0), closures: TimeSpans())
        #expect(outcome == Outcome(.failed, message: "m; given up after 50 releases"))
    }
}
