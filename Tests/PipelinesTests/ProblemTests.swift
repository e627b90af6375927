import Pipelines
import Resilience
import Testing
import World

/// What an error of a step means for the job.
@Suite struct ProblemTests {
    /// - Returns: how it ended when every attempt fails in this way, how many attempts there were, and whether they
    ///   count as failures.
    private func end(_ error: any Error) throws -> (outcome: Outcome, attempts: Int, isFailure: Bool) {
        let stage = Stage()
        let end = try stage.run([.of("a", patience: .seconds(2)) { _ in throw error }, .of("b")])
        let attempts = stage.story.filter { $0.hasSuffix("start") }.count
        #expect(!stage.story.contains("b1 start"))
        return (end.outcome, attempts, stage.story.contains { $0.contains("failed") })
    }

    @Test(
        arguments: [
            (.transient, .retry, 2), (.ambiguous, .retry, 2), (.site, .retry, 2), (.capacity, .wait, 1),
            (.permanent, .rejected, 1),
        ] as [(ErrorClass, OutcomeKind, Int)])
    func errorsOfServices(kind: ErrorClass, outcome: OutcomeKind, attempts: Int) throws {
        let end = try end(ServiceError.of(kind))
        #expect(
            end.outcome
                == Outcome(
                    outcome, step: "a", cause: "nova-500", message: "nova: test failed (HTTP 500): no [req-1]",
                    next: "mend it", status: 500, requestID: "req-1"))
        #expect(end.attempts == attempts)
        #expect(end.isFailure)
    }

    @Test func anErrorWithoutAStatusIsGroupedByItsKind() throws {
        #expect(try end(ServiceError.of(.transient, status: nil)).outcome.cause == "nova-transient")
    }

    /// A step that knows how the job ends decides it, and its name is added.
    @Test(arguments: OutcomeKind.allCases) func endings(kind: OutcomeKind) throws {
        let end = try end(Ending(kind, "cause", "because", next: "do this"))
        #expect(end.outcome == Outcome(kind, step: "a", cause: "cause", message: "because", next: "do this"))
        #expect(end.attempts == 1)
        #expect(end.isFailure == (kind != .done))
    }

    @Test func anEndingKeepsAllThatItSays() throws {
        let said = Outcome(
            .removalIncomplete, cause: "c", message: "m", next: "n", status: 409, requestID: "r", delay: .seconds(9),
            left: ["server s1"])
        var expected = said
        expected.step = "a"
        #expect(try end(Ending(said)).outcome == expected)
    }

    @Test func troubleMayPass() throws {
        let end = try end(Trouble("lock-lost", "somebody was faster", next: "wait"))
        #expect(
            end.outcome
                == Outcome(.retry, step: "a", cause: "lock-lost", message: "somebody was faster", next: "wait"))
        #expect(end.attempts == 2)
        #expect(end.isFailure)
    }

    @Test func whatNobodyExpectedMayPassToo() throws {
        struct Odd: Error, CustomStringConvertible { var description: String { "odd" } }
        let end = try end(Odd())
        #expect(end.outcome == Outcome(.retry, step: "a", cause: "unexpected", message: "odd"))
        #expect(end.attempts == 2)
    }

    /// The end of our right to go on: no second attempt, and no failure in the story.
    @Test func theEndOfTheRightIsNoFailure() throws {
        let ends: [(any Error, Outcome)] = [
            (
                Parked(cause: "nova-broken", why: "nova: down"),
                Outcome(.parked, step: "a", cause: "nova-broken", message: "parked: nova: down")
            ),
            (Drained(), Outcome(.drain, step: "a", message: "this worker is stopping")),
            (
                FenceClosed(reason: "not touched"),
                Outcome(.leaseLost, step: "a", message: "the lease ended: not touched")
            ),
            (
                CancellationError(),
                Outcome(.leaseLost, step: "a", message: "cancelled: the lease is gone or the process ends")
            ),
        ]
        for (error, outcome) in ends {
            let end = try end(error)
            #expect(end.outcome == outcome)
            #expect(end.attempts == 1)
            #expect(!end.isFailure)
        }
    }
}
