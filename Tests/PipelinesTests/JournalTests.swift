import Pipelines
import Resilience
import Simulation
import Testing
import World

@Suite struct JournalTests {
    @Test func everyEventIsStampedKeptAndHandedOn() throws {
        let stage = Stage()
        let journal = stage.journal()
        try stage.simulation.run { world in
            journal.record(.note(step: "a", text: "one"))
            let first = world.time.wallClock
            try await world.time.sleep(for: .seconds(90))
            journal.record(.warning(step: "a", text: "two"))
            #expect(journal.records.map(\.at) == [first, first + .seconds(90)])
        }
        #expect(journal.records.map(\.event) == [.note(step: "a", text: "one"), .warning(step: "a", text: "two")])
        #expect(journal.records.map(\.job) == [journal.job, journal.job])
        #expect(journal.records == stage.records)
    }

    /// A job that flaps for hours: the end of the story is kept, whole and in order, and the sinks miss nothing.
    @Test func aLongStoryKeepsItsEnd() throws {
        let stage = Stage()
        let journal = stage.journal()
        var longest = 0
        for number in 0..<5_000 {
            journal.record(.note(step: "a", text: "\(number)"))
            longest = max(longest, journal.records.count)
            if number >= 200 { #expect(journal.records.count >= 200) }
        }
        #expect(longest == 400)
        let kept = journal.records.map(\.event)
        #expect(kept == (5_000 - kept.count..<5_000).map { .note(step: "a", text: "\($0)") })
        #expect(stage.records.count == 5_000)
    }

    @Test func requestsOfAStepCarryItsRightAndEndInTheStory() throws {
        struct Shut: Fence {
            func check() throws { throw FenceClosed(reason: "test") }
        }
        let stage = Stage()
        let record = RequestRecord(
            service: "nova", provider: "ovh", operation: "test", request: "GET /x", status: 200, requestID: nil,
            waited: .zero, took: .zero, failure: nil)
        let drain = stage.drain
        let end = try stage.run(
            [
                .of("a") { run in
                    run.call.observe(record)
                    #expect(throws: FenceClosed.self) { try run.call.fence.check() }
                    #expect(run.call.drain === drain)
                    return "fine"
                }
            ], fence: Shut())
        #expect(end.outcome.kind == .done)
        #expect(stage.events.contains(.request(step: "a", record)))
    }
}
