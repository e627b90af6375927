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
        _ kind: OutcomeKind, at second: Int64, key: String = "k", kicks: Int = 0, releases: Int = 0,
        closures: TimeSpans = TimeSpans()
    ) -> OutcomeKind {
        budgets.judge(
            Outcome(kind, step: "s", cause: "c", message: "m"), key: key, kicks: kicks, releases: releases,
            now: .at(second), closures: closures
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

    /// Put again under the same key after it was buried.
    @Test mutating func aSettledJobIsForgotten() {
        #expect(judge(.retry, at: 0) == .retry)
        #expect(judge(.retry, at: 500) == .failed)
        #expect(judge(.retry, at: 510) == .failed)
        budgets.forget(key: "k", kicks: 0)
        #expect(judge(.retry, at: 520) == .retry)
    }

    /// More jobs than can be remembered: those met last are kept.
    @Test mutating func theLatestAreRemembered() {
        for number in Int64(0)..<25_000 { #expect(judge(.retry, at: number, key: "\(number)") == .retry) }
        #expect(judge(.retry, at: 25_200, key: "24999") == .failed)
        #expect(judge(.retry, at: 25_200, key: "3") == .retry)
    }

    @Test mutating func jobsAreCountedApart() {
        #expect(judge(.retry, at: 0, key: "a") == .retry)
        #expect(judge(.retry, at: 200, key: "b") == .retry)
        #expect(judge(.retry, at: 250, key: "a") == .failed)
        #expect(judge(.retry, at: 250, key: "b") == .retry)
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
        outcome = budgets.judge(outcome, key: "k", kicks: 0, releases: 3, now: .at(130), closures: TimeSpans())
        #expect(
            outcome
                == Outcome(
                    .failed, step: "s", cause: "c",
                    message: "m; given up after 2m10s of trying (retry_for is 1m40s)"))
        outcome = budgets.judge(
            Outcome(.wait, message: "m"), key: "x", kicks: 0, releases: 50, now: .at(0), closures: TimeSpans())
        #expect(outcome == Outcome(.failed, message: "m; given up after 50 releases"))
    }
}
