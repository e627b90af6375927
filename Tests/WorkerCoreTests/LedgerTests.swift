import Jobs
import Pipelines
import Testing
import WorkerCore
import World

@Suite struct BurialBrakeTests {
    private var brake = BurialBrake(most: 3, window: .seconds(60))

    /// - Parameter evidence: nil: a node of its own.
    private mutating func bury(
        _ cause: String = "c", provider: String = "ovh", by evidence: BurialEvidence? = nil, at second: Int64
    ) -> Bool {
        brake.allows(
            provider: provider, cause: cause, message: "at \(second)", by: evidence ?? .node("\(second)"),
            now: .at(second))
    }

    @Test mutating func holdsBackTheFourthOfOneCause() {
        #expect(bury(at: 0))
        #expect(bury(at: 10))
        #expect(bury(at: 20))
        #expect(!bury(at: 30))
        #expect(!bury(at: 59))
    }

    @Test mutating func takesFewInALongTimeForNoPattern() {
        for second in [0, 30, 61, 92, 123] as [Int64] { #expect(bury(at: second)) }
    }

    /// However often one node or one owner fails, it says no more than once.
    @Test(arguments: [BurialEvidence.node("ovh001"), .owner("alice")])
    mutating func countsTheSameEvidenceOnce(evidence: BurialEvidence) {
        for second in 0..<50 as Range<Int64> { #expect(bury(by: evidence, at: second)) }
        #expect(!brake.rests("ovh", now: .at(50)))
        #expect(bury(at: 50))
        #expect(bury(at: 51))
        #expect(!bury(at: 52))
    }

    /// Once pulled, one burial a window tries whether the site was mended.
    @Test mutating func triesOneAWindowOncePulled() {
        for second in [0, 10, 20] as [Int64] { #expect(bury(at: second)) }
        for second in [30, 40, 79] as [Int64] { #expect(!bury(at: second)) }
        #expect(bury(at: 80))
        #expect(!bury(at: 81))
        #expect(bury(at: 141))
    }

    @Test mutating func restsUntilTheWindowIsOver() {
        for second in [0, 10, 20] as [Int64] { _ = bury(at: second) }
        #expect(!brake.rests("ovh", now: .at(21)))
        _ = bury(at: 30)
        // What was still at work does not make it longer: its end was said.
        _ = bury(at: 50)
        #expect(brake.rests("ovh", now: .at(89)))
        #expect(!brake.rests("ovh2", now: .at(89)))
        #expect(!brake.rests("ovh", now: .at(90)))
        _ = bury(at: 91)
        #expect(brake.rests("ovh", now: .at(92)))
        let wasResting = brake.release("ovh")
        #expect(wasResting && !brake.rests("ovh", now: .at(93)))
    }

    @Test mutating func saysWhyAndUntilWhenItRests() {
        for second in [0, 10, 20] as [Int64] { _ = bury(at: second) }
        #expect(brake.resting(now: .at(20)).isEmpty)
        _ = bury(at: 30)
        let rests = brake.resting(now: .at(31))
        #expect(rests.map { [$0.provider, $0.cause, "\($0.burials)", $0.message] } == [["ovh", "c", "3", "at 30"]])
        #expect(rests.map { [$0.since, $0.until] } == [[.at(30), .at(90)]])
        let ended = [89, 90, 91].map { brake.endOverdue(now: .at($0)) }
        #expect(ended == [[], ["ovh"], []])
        // The one that tries it is buried, and the next rest begins with it.
        #expect(bury(at: 92))
        #expect(brake.resting(now: .at(92)).map(\.burials) == [4])
    }

    @Test mutating func countsCausesAndProvidersApart() {
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
    @Test mutating func forgetsWhatWasBeforeASuccess() {
        for second in [0, 1, 2] as [Int64] {
            #expect(bury(at: second))
            #expect(bury(provider: "ovh2", at: second))
        }
        let wasResting = brake.release("ovh")
        #expect(!wasResting)
        #expect(bury(at: 3))
        #expect(!bury(provider: "ovh2", at: 3))
    }
}

/// Which ends of jobs speak against the site.
@Suite struct BurialEvidenceTests {
    private static func job(_ change: (inout Job) -> Void = { _ in }) throws -> Job {
        var job = Job(
            action: .provision, node: try NodeName("ovh001", domain: "lab.test"), provider: "ovh", owner: "alice",
            order: JobOrder(put: Timestamp(seconds: 1), key: "k"))
        change(&job)
        return job
    }

    private static func evidence(_ cause: String, _ job: Job, _ kind: OutcomeKind = .rejected) -> BurialEvidence? {
        BurialEvidence(Outcome(kind, cause: cause), of: job)
    }

    @Test(arguments: ["malformed", "ttr-too-short", "bad-size", "not-a-vm", "wrong-machine-type"])
    func takesNoneFromWhatOnlyTheBodyDecides(cause: String) throws {
        #expect(Self.evidence(cause, try Self.job()) == nil)
    }

    @Test(arguments: ["no-image", "no-version"])
    func takesAnOSThatTheJobNamesForTheJobsFault(cause: String) throws {
        #expect(Self.evidence(cause, try Self.job { $0.osVersion = "99.99" }) == nil)
        #expect(Self.evidence(cause, try Self.job { $0.osType = "windows" }) == nil)
        #expect(Self.evidence(cause, try Self.job()) == .node("ovh001.lab.test"))
    }

    @Test func takesASizeThatTheJobWantsForTheJobsFault() throws {
        let body = "{action: provision, node: ovh001, owner: alice, machine: {ram: 1}}"
        let reading = JobBody(labDomain: "lab.test", providers: ["ovh"]).read(
            Array(body.utf8),
            Envelope(jobID: 1, put: Timestamp(seconds: 1), broker: "", tubeProvider: "ovh", tubeAction: .provision))
        guard case .job(let job) = reading else {
            Issue.record("\(reading)")
            return
        }
        #expect(Self.evidence("no-flavor", job) == nil)
        #expect(Self.evidence("no-flavor", try Self.job()) == .node("ovh001.lab.test"))
    }

    /// A typing error of one person, or a host that asks the wrong paddles or nsupdate-web.
    @Test(arguments: ["node-unknown", "nsupdate-web-403", "nova-400", "cinder-413"])
    func countsWhatTheBodyMayHaveCausedOnceForEachOwner(cause: String) throws {
        #expect(Self.evidence(cause, try Self.job()) == .owner("alice"))
    }

    @Test(arguments: ["nova-403", "build-failed", "volume-failed", "timeout", "keystone-site", "node-name"])
    func countsWhatNoBodyCanCauseOnceForEachNode(cause: String) throws {
        #expect(Self.evidence(cause, try Self.job(), .failed) == .node("ovh001.lab.test"))
        #expect(Self.evidence(cause, try Self.job { $0.node = nil }, .failed) == .node("k"))
    }

    @Test func takesNoneFromJobsThatAreNotBuried() throws {
        for kind in OutcomeKind.allCases where kind != .rejected && kind != .failed {
            #expect(Self.evidence("nova-403", try Self.job(), kind) == nil)
        }
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
