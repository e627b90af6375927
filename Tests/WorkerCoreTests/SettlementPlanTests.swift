import Pipelines
import Testing
import WorkerCore
import World

/// The outcome table of the README.
@Suite struct SettlementPlanTests {
    private let policy = SettlementPolicy(
        retryBase: .seconds(10), retryLimit: .seconds(600), capacityDelay: .seconds(60))

    private func delay(_ outcome: Outcome, releases: Int = 0, _ random: UInt64, _ policy: SettlementPolicy? = nil)
        -> Duration?
    {
        let plan = (policy ?? self.policy).plan(of: outcome, releases: releases, random: FixedRandom(value: random))
        if case .release(let delay) = plan.command { return delay }
        return nil
    }

    @Test(
        arguments: [
            (.done, true, false, .delete), (.superseded, true, false, .delete), (.obsolete, true, false, .delete),
            (.expired, true, false, .delete), (.rejected, true, true, .bury), (.failed, true, true, .bury),
            (.removalIncomplete, true, true, .bury), (.suspect, true, true, .bury),
            (.retry, false, false, .release(delay: .seconds(5))),
            (.parked, false, false, .release(delay: .milliseconds(33_750))),
            (.wait, false, false, .release(delay: .seconds(45))),
            (.drain, false, false, .release(delay: .zero)), (.leaseLost, false, false, .nothing),
        ] as [(OutcomeKind, Bool, Bool, SettlementPlan.Command)])
    func table(kind: OutcomeKind, replies: Bool, reports: Bool, command: SettlementPlan.Command) {
        let plan = policy.plan(of: Outcome(kind), releases: 0, random: FixedRandom(value: 0))
        #expect(plan == SettlementPlan(replies: replies, reports: reports, command: command))
    }

    /// What the kinds say of themselves is what is done.
    @Test(arguments: OutcomeKind.allCases) func theTableAgreesWithTheKinds(kind: OutcomeKind) {
        let plan = policy.plan(of: Outcome(kind), releases: 3, random: FixedRandom(value: 7))
        #expect(plan.replies == kind.isFinal)
        #expect(plan.reports == kind.isBuried)
        #expect((plan.command == .bury) == kind.isBuried)
        #expect((plan.command == .delete) == (kind.isFinal && !kind.isBuried))
    }

    /// Between half of it and all of it, doubling with every release up to the limit.
    @Test(arguments: [
        (-1, 10), (0, 10), (1, 20), (2, 40), (5, 320), (6, 600), (7, 600), (63, 600), (64, 600), (Int.max, 600),
    ])
    func retriesGoBackForLongerAndLonger(releases: Int, full: Int) throws {
        let least = try #require(delay(Outcome(.retry), releases: releases, 0))
        let most = try #require(delay(Outcome(.retry), releases: releases, .max))
        #expect(least == .seconds(full) / 2)
        #expect(most <= .seconds(full))
        #expect(most > .seconds(full) - .milliseconds(1))
    }

    /// A job released without a delay is the next one served (facts/beanstalkd.md C2).
    @Test func noFailureComesBackAtOnce() {
        let hasty = SettlementPolicy(
            retryBase: .milliseconds(10), retryLimit: .milliseconds(20), capacityDelay: .zero, parkDelay: .zero)
        for kind in [OutcomeKind.retry, .wait, .parked] {
            #expect(delay(Outcome(kind), 0, hasty) == .seconds(1))
        }
    }

    @Test func anAskedDelayIsKept() {
        #expect(delay(Outcome(.retry, delay: .seconds(300)), 0) == .seconds(300))
        #expect(delay(Outcome(.retry, delay: .seconds(3)), 0) == .seconds(5))
        #expect(delay(Outcome(.wait, delay: .seconds(400)), 0) == .seconds(300))
        #expect(delay(Outcome(.parked, delay: .seconds(8)), 0) == .seconds(6))
        #expect(delay(Outcome(.drain, delay: .seconds(30)), .max) == .seconds(30))
    }

    /// Jobs that were given back together come back apart.
    @Test(arguments: [(OutcomeKind.wait, 60), (.parked, 45)]) func theDelayIsSpread(kind: OutcomeKind, around: Int)
        throws
    {
        let least = try #require(delay(Outcome(kind), 0))
        let most = try #require(delay(Outcome(kind), .max))
        #expect(least == .seconds(around) * 3 / 4)
        #expect(most > .seconds(around) * 5 / 4 - .milliseconds(1))
        #expect(most <= .seconds(around) * 5 / 4)
    }

    /// Ever more rarely for a day, then no more.
    @Test(
        arguments: [
            (0, 0, 60), (1, 0, 120), (5, 0, 1_920), (6, 0, 3_600), (29, 0, 3_600), (30, 0, nil), (.max, 0, nil),
            (30, 1, 3_600), (60, 1, nil), (.max, .max - 1, 3_600), (-1, 0, 60),
        ] as [(Int, Int, Int?)])
    func aForeignBodyComesRoundEverMoreRarely(releases: Int, kicks: Int, seconds: Int?) {
        let expected = seconds.map { ForeignEnd.putBack(after: .seconds($0)) } ?? .bury
        #expect(policy.end(ofForeignJob: releases, kicks: kicks) == expected)
    }
}
