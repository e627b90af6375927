import Pipelines
import Testing
import WorkerCore
import World

@Suite struct VerdictsTests {
    private var verdicts = Verdicts()
    private let refused = Outcome(.rejected, step: "push-dns", cause: "nsupdate-web-403", message: "no")

    private func life(_ jobID: UInt64 = 1, key: String = "k", kicks: Int = 0) -> Verdicts.Life {
        Verdicts.Life(jobID: jobID, key: key, kicks: kicks)
    }

    private func event(_ event: Event) -> EventRecord {
        EventRecord(at: Timestamp(microseconds: 0), job: .of(1), event: event)
    }

    @Test mutating func oneStandsUntilItIsForgotten() {
        verdicts.pass(refused, on: life(), now: .at(0))
        #expect(verdicts[life()]?.outcome == refused)
        verdicts.forget(life())
        #expect(verdicts[life()] == nil)
    }

    /// Another job of the same key, and the same job after a kick, are judged anew.
    @Test mutating func itIsOfOneLifeOfOneJob() {
        verdicts.pass(refused, on: life(), now: .at(0))
        #expect(verdicts[life(2)] == nil && verdicts[life(key: "other")] == nil && verdicts[life(kicks: 1)] == nil)
    }

    @Test mutating func theStoryIsKeptInShort() {
        verdicts.tell([event(.note(step: "claim", text: "nobody asked"))], of: life())
        #expect(verdicts[life()] == nil)
        verdicts.pass(refused, on: life(), now: .at(0))
        verdicts.tell([event(.note(step: "claim", text: "a")), event(.ended(refused, took: .zero))], of: life())
        verdicts.tell([event(.note(step: "removal", text: "b"))], of: life())
        #expect(
            verdicts[life()]?.story.map(\.event) == [
                .note(step: "claim", text: "a"), .note(step: "removal", text: "b"),
            ])
        verdicts.tell((0..<500).map { event(.note(step: "removal", text: "\($0)")) }, of: life())
        #expect(verdicts[life()]?.story.count == 100)
        #expect(verdicts[life()]?.story.last?.event == .note(step: "removal", text: "499"))
    }

    @Test mutating func theLatestAreRemembered() {
        for number in UInt64(0)..<10_000 { verdicts.pass(refused, on: life(number), now: .at(Int64(number / 10))) }
        #expect(verdicts.count <= 2_001)
        #expect(verdicts[life(9_999)] != nil && verdicts[life(9_000)] != nil && verdicts[life(0)] == nil)
    }

    /// Even if all come at one moment.
    @Test mutating func theMemoryIsBounded() {
        for number in UInt64(0)..<10_000 { verdicts.pass(refused, on: life(number), now: .at(0)) }
        #expect(verdicts.count <= 2_001)
        #expect(verdicts[life(9_999)] != nil)
    }
}
