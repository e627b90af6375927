import Pipelines
import Resilience
import Simulation
import Testing
import World

@Suite struct PipelineTests {
    @Test func stepsRunInOrderAndTellTheirStory() throws {
        let stage = Stage()
        let time = stage.time
        let end = try stage.run([
            .of("a") { _ in
                try await time.sleep(for: .seconds(2))
                return "looked"
            },
            .of("b") { run in
                run.created("server", name: "ovh001", id: "s1")
                return "made"
            },
        ])
        #expect(end.outcome == Outcome(.done))
        #expect(end.took == .seconds(2))
        #expect(
            stage.events == [
                .stepStarted(step: "a", attempt: 1),
                .stepFinished(step: "a", attempt: 1, took: .seconds(2), summary: "looked"),
                .stepStarted(step: "b", attempt: 1),
                .created(step: "b", resource: "server", name: "ovh001", id: "s1"),
                .stepFinished(step: "b", attempt: 1, took: .zero, summary: "made"),
            ])
        #expect(stage.records.map(\.job.key) == Array(repeating: "k", count: 5))
    }

    // MARK: Patience

    @Test func passingTroubleIsTriedAgain() throws {
        let stage = Stage()
        let attempts = Locked([Int]())
        let end = try stage.run([
            .of("a") { run in
                attempts.withLock { $0.append(run.attempt) }
                guard run.attempt == 4 else { throw ServiceError.of(.transient) }
                return "at last"
            },
            .of("b"),
        ])
        #expect(end.outcome == Outcome(.done))
        #expect(end.took == .seconds(3))
        #expect(attempts.withLock { $0 } == [1, 2, 3, 4])
        #expect(
            stage.story == [
                "a1 start", "a1 failed in 0ms: nova-500, again in 1s", "a2 start",
                "a2 failed in 0ms: nova-500, again in 1s", "a3 start", "a3 failed in 0ms: nova-500, again in 1s",
                "a4 start", "a4 done in 0ms: at last", "b1 start", "b1 done in 0ms: fine",
            ])
    }

    /// Five seconds of patience, attempts of a second and pauses of a second: the third is the last.
    @Test func patienceEnds() throws {
        let stage = Stage()
        let time = stage.time
        let end = try stage.run([
            .of("a", patience: .seconds(5)) { _ in
                try await time.sleep(for: .seconds(1))
                throw ServiceError.of(.transient)
            },
            .of("b"),
        ])
        #expect(
            end.outcome
                == Outcome(
                    .retry, step: "a", cause: "nova-500", message: "nova: test failed (HTTP 500): no [req-1]",
                    next: "mend it", status: 500, requestID: "req-1"))
        #expect(end.took == .seconds(5))
        #expect(stage.story.last == "a3 failed in 1s: nova-500")
        #expect(stage.story.count == 6)
    }

    /// Every step has its own: what one used up is not missing in the next.
    @Test func patienceIsPerStep() throws {
        let stage = Stage()
        let step: @Sendable (StepRun) async throws -> String = { run in
            guard run.attempt == 4 else { throw Trouble("x", "not yet") }
            return "fine"
        }
        let end = try stage.run([.of("a", patience: .seconds(4), step), .of("b", patience: .seconds(4), step)])
        #expect(end.outcome == Outcome(.done))
        #expect(end.took == .seconds(6))
    }

    /// Attempts that stand before a closed gate for their whole ten seconds cost none of the five seconds of patience,
    /// the first attempt as little as the others.
    @Test func timeAtClosedGatesCostsNoPatience() throws {
        let stage = Stage()
        let time = stage.time
        let closed = Locked(TimeSpans([(time.now - .seconds(3_600), time.now - .seconds(600))]))
        let end = try stage.run(
            [
                .of("a", patience: .seconds(5)) { run in
                    let began = time.now
                    try await time.sleep(for: .seconds(10))
                    closed.withLock { $0.add(from: began, to: time.now) }
                    guard run.attempt == 4 else { throw ServiceError.of(.transient) }
                    return "open again"
                }
            ], closures: { closed.withLock { $0 } })
        #expect(end.outcome == Outcome(.done))
        #expect(end.took == .seconds(43))
    }

    @Test func whatTheServiceAsksForIsWaited() throws {
        let stage = Stage()
        let end = try stage.run([
            .of("a") { run in
                guard run.attempt == 2 else { throw ServiceError.of(.transient, retryAfter: .seconds(7)) }
                return "fine"
            }
        ])
        #expect(end.outcome.kind == .done)
        #expect(end.took == .seconds(7))
    }

    @Test func aRestLongerThanThePatienceIsNotWaitedForHere() throws {
        let stage = Stage()
        let end = try stage.run([
            .of("a", patience: .seconds(5)) { _ in throw ServiceError.of(.transient, retryAfter: .seconds(7)) }
        ])
        #expect(end.outcome.kind == .retry)
        #expect(end.took == .zero)
    }

    // MARK: Time-outs

    /// The attempt is cancelled at ten seconds and takes three more to give up; nothing goes on behind its back.
    @Test func aTimeOutCancelsTheAttemptAndWaitsForItsEnd() throws {
        let stage = Stage()
        let time = stage.time
        let cancelled = Signal<Void>()
        let lastBreath = Uninterruptible()
        let isOver = Locked(false)
        let end = try stage.run(
            [
                .of("a", timeout: .seconds(10), patience: .zero) { _ in
                    defer { isOver.withLock { $0 = true } }
                    do { try await time.sleep(for: .seconds(1_000)) } catch { cancelled.raise(()) }
                    await lastBreath.hold()
                    try Task.checkCancellation()
                    return "too late"
                }
            ],
            meanwhile: { world in
                try await cancelled.wait()
                try await world.time.sleep(for: .seconds(3))
                #expect(!isOver.withLock { $0 })
                lastBreath.letGo()
            })
        #expect(isOver.withLock { $0 })
        #expect(end.outcome == Outcome(.retry, step: "a", cause: "timeout", message: "a: no end within 10s"))
        #expect(end.took == .seconds(13))
        #expect(stage.story == ["a1 start", "a1 failed in 13s: timeout"])
    }

    @Test func aTimeOutIsTriedAgain() throws {
        let stage = Stage()
        let time = stage.time
        let end = try stage.run([
            .of("a", timeout: .seconds(10)) { run in
                if run.attempt < 3 { try await time.sleep(for: .seconds(11)) }
                return "fine"
            }
        ])
        #expect(end.outcome.kind == .done)
        #expect(end.took == .seconds(22))
    }

    // MARK: Drain and cancellation

    @Test func nothingBeginsOnceTheWorkerDrains() throws {
        let stage = Stage()
        let drain = stage.drain
        let end = try stage.run([
            .of("a") { _ in
                drain.raise(())
                return "fine"
            }, .of("b"),
        ])
        #expect(end.outcome == Outcome(.drain, step: "b", message: "this worker is stopping"))
        #expect(stage.story == ["a1 start", "a1 done in 0ms: fine"])
    }

    /// What a step waits for is cut short by the signal it was given, and that is no failure of the attempt.
    @Test func aStepThatHeedsTheDrainEndsAtOnce() throws {
        let stage = Stage()
        let drain = stage.drain
        let time = stage.time
        let end = try stage.run(
            [
                .of("a") { run in
                    guard
                        let summary = try await run.call.drain.unlessRaised({
                            try await time.sleep(for: .seconds(60))
                            return "waited"
                        })
                    else { throw Drained() }
                    return summary
                }
            ],
            meanwhile: { world in
                try await world.time.sleep(for: .seconds(5))
                drain.raise(())
            })
        #expect(end.outcome == Outcome(.drain, step: "a", message: "this worker is stopping"))
        #expect(end.took == .seconds(5))
        #expect(stage.story == ["a1 start"])
    }

    @Test func aDrainEndsThePauseBetweenAttempts() throws {
        let stage = Stage()
        let drain = stage.drain
        let end = try stage.run(
            [.of("a") { _ in throw ServiceError.of(.transient, retryAfter: .seconds(60)) }],
            meanwhile: { world in
                try await world.time.sleep(for: .seconds(5))
                drain.raise(())
            })
        #expect(end.outcome == Outcome(.drain, step: "a", message: "this worker is stopping"))
        #expect(end.took == .seconds(5))
    }

    @Test(arguments: [true, false]) func cancellationEndsItWithoutAnotherAttempt(whilePausing: Bool) throws {
        let stage = Stage()
        let time = stage.time
        let attempts = Locked(0)
        let outcome = Locked(Outcome?.none)
        let journal = stage.journal()
        try stage.simulation.run { world in
            let pipeline = Pipeline(
                [
                    .of("a") { _ in
                        attempts.withLock { $0 += 1 }
                        if whilePausing { throw ServiceError.of(.transient, retryAfter: .seconds(60)) }
                        try await time.sleep(for: .seconds(60))
                        return "fine"
                    }
                ], world: world, backoff: Backoff(first: .seconds(1), limit: .seconds(1)))
            let began = world.time.now
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    let end = await pipeline.run(right: Right(), journal: journal)
                    outcome.withLock { $0 = end }
                }
                try? await world.time.sleep(for: .seconds(5))
                group.cancelAll()
            }
            #expect(world.time.now - began == .seconds(5))
        }
        #expect(outcome.withLock { $0 }?.kind == .leaseLost)
        #expect(outcome.withLock { $0 }?.step == "a")
        #expect(attempts.withLock { $0 } == 1)
    }
}

/// What a body does that cannot be interrupted: holds until it is let go, even in a cancelled task.
private final class Uninterruptible: Sendable {
    private let held = Locked(CheckedContinuation<Void, Never>?.none)

    func hold() async {
        await withCheckedContinuation { continuation in held.withLock { $0 = continuation } }
    }

    func letGo() { held.withLock { $0 }?.resume() }
}
