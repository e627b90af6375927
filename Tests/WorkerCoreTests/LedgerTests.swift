import Testing
import WorkerCore
import World

@Suite struct BurialBrakeTests {
    private var brake = BurialBrake(most: 3, window: .seconds(60))

    private mutating func bury(_ cause: String = "c", provider: String = "ovh", at second: Int64) -> Bool {
        brake.allows(provider: provider, cause: cause, now: .at(second))
    }

    @Test mutating func theFourthOfOneCauseIsHeldBack() {
        #expect(bury(at: 0))
        #expect(bury(at: 10))
        #expect(bury(at: 20))
        #expect(!bury(at: 30))
        #expect(!bury(at: 59))
    }

    @Test mutating func fewInALongTimeAreNoPattern() {
        for second in [0, 30, 61, 92, 123] as [Int64] { #expect(bury(at: second)) }
    }

    /// Once pulled, one burial a window tries whether the site was mended.
    @Test mutating func onceItWasPulledOneAWindowIsTried() {
        for second in [0, 10, 20] as [Int64] { #expect(bury(at: second)) }
        for second in [30, 40, 79] as [Int64] { #expect(!bury(at: second)) }
        #expect(bury(at: 80))
        #expect(!bury(at: 81))
        #expect(bury(at: 141))
    }

    @Test mutating func theProviderRestsUntilTheWindowIsOver() {
        for second in [0, 10, 20] as [Int64] { _ = bury(at: second) }
        #expect(!brake.rests("ovh", now: .at(21)))
        _ = bury(at: 30)
        #expect(brake.rests("ovh", now: .at(89)))
        #expect(!brake.rests("ovh2", now: .at(89)))
        #expect(!brake.rests("ovh", now: .at(90)))
        _ = bury(at: 91)
        #expect(brake.rests("ovh", now: .at(92)))
        brake.succeeded(provider: "ovh")
        #expect(!brake.rests("ovh", now: .at(93)))
    }

    @Test mutating func causesAndProvidersAreCountedApart() {
        for second in [0, 1, 2] as [Int64] {
            #expect(bury(at: second))
            #expect(bury("d", at: second))
            #expect(bury(provider: "ovh2", at: second))
        }
        #expect(!bury(at: 3))
        #expect(!bury("d", at: 3))
        #expect(!bury(provider: "ovh2", at: 3))
    }

    /// A success shows that the site is well, for that provider alone.
    @Test mutating func aSuccessReleasesTheBrake() {
        for second in [0, 1, 2] as [Int64] {
            #expect(bury(at: second))
            #expect(bury(provider: "ovh2", at: second))
        }
        brake.succeeded(provider: "ovh")
        #expect(bury(at: 3))
        #expect(!bury(provider: "ovh2", at: 3))
    }
}

/// Facts/beanstalkd.md C1 and I2: reserves that neither a release nor a time-out explains.
@Suite struct SuspectLedgerTests {
    private var ledger = SuspectLedger(threshold: 5)

    private mutating func judge(
        _ reserves: Int, releases: Int = 0, timeouts: Int = 0, kicks: Int = 0, job: UInt64 = 1
    ) -> SuspectLedger.Judgement {
        ledger.judge(job: job, reserves: reserves, releases: releases, timeouts: timeouts, kicks: kicks)
    }

    @Test mutating func aJobThatKillsItsWorkers() {
        for reserves in 1...5 { #expect(judge(reserves) == .fine) }
        #expect(judge(6) == .setAside)
        // Set aside was a release.
        #expect(judge(7, releases: 1) == .fine)
        // That run never ended.
        #expect(judge(8, releases: 1) == .suspect)
    }

    /// Listed five times by somebody, it proves itself harmless.
    @Test mutating func aJobThatWasOnlyListed() {
        #expect(judge(6) == .setAside)
        for round in 1...20 { #expect(judge(6 + round, releases: round) == .fine) }
    }

    @Test mutating func releasesAndTimeoutsExplainReserves() {
        #expect(judge(1_000, releases: 900, timeouts: 99) == .fine)
        #expect(judge(1_000, releases: 900, timeouts: 94) == .setAside)
    }

    @Test mutating func whatIsExplainedLaterIsForgotten() {
        #expect(judge(6) == .setAside)
        #expect(judge(7, releases: 4) == .fine)
        #expect(judge(13, releases: 5) == .setAside)
    }

    /// Kicked by an operator who read the report: it gets as many chances again.
    @Test mutating func aKickGrantsAsManyAgain() {
        #expect(judge(6) == .setAside)
        #expect(judge(8, releases: 1) == .suspect)
        #expect(judge(9, releases: 1, kicks: 1) == .fine)
        #expect(judge(12, releases: 1, kicks: 1) == .setAside)
    }

    @Test mutating func jobsAreJudgedApart() {
        #expect(judge(6) == .setAside)
        #expect(judge(9, job: 2) == .setAside)
    }
}
