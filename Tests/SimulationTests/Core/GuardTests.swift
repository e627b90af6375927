import Glibc
import HTTPKit
import Simulation
import Testing
import World

private struct Wrong: Error {}

private final class Baton: Sendable {
    let continuation: CheckedContinuation<Void, Never>

    init(_ continuation: CheckedContinuation<Void, Never>) {
        self.continuation = continuation
    }
}

/// A plain thread, for the global pool may be busy.
private func resumeOnAnotherThread(_ continuation: CheckedContinuation<Void, Never>) {
    var thread = pthread_t()
    let baton = Unmanaged.passRetained(Baton(continuation)).toOpaque()
    let failed = pthread_create(
        &thread, nil,
        { argument in
            // Not before the task waits: then nothing would have to be enqueued.
            usleep(5_000)
            if let argument { Unmanaged<Baton>.fromOpaque(argument).takeRetainedValue().continuation.resume() }
            return nil
        }, baton)
    #expect(failed == 0)
    pthread_detach(thread)
}

@Suite struct GuardTests {
    @Test func theBodysValueAndErrorComeBack() throws {
        #expect(try Simulation(seed: 1).run { _ in 42 } == 42)
        #expect(throws: Wrong.self) { try Simulation(seed: 1).run { _ in throw Wrong() } }
    }

    @Test func aSimulationRunsOnce() throws {
        let simulation = Simulation(seed: 1)
        try simulation.run { _ in }
        #expect(throws: SimulationError.alreadyRun) { try simulation.run { _ in } }
    }

    @Test func theTimeLimitSaysWhoWaits() throws {
        let simulation = Simulation(seed: 1)
        simulation.http.serve("http://nova") { _, _ in .never }
        let error = #expect(throws: SimulationError.self) {
            try simulation.run { world in
                let request = HTTPRequest(.get, "http://nova/servers?secret=1", timeout: .seconds(86_400 * 365))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await world.http.execute(request) }
                    group.addTask { _ = try await Signal<Void>().wait() }
                    try await group.waitForAll()
                }
            }
        }
        guard case .timeLimit(_, let waiting) = error else {
            Issue.record("not the time limit: \(String(describing: error))")
            return
        }
        #expect(waiting == ["main awaits the answer to GET http://nova/servers"])
    }

    @Test func nothingReadyAndNoTimerIsADeadlock() throws {
        let simulation = Simulation(seed: 1)
        let frozen = simulation.process("worker")
        let error = #expect(throws: SimulationError.self) {
            try simulation.run { _ in
                frozen.start { world in while true { try await world.time.sleep(for: .seconds(1)) } }
                frozen.freeze()
                _ = try await frozen.end.wait()
            }
        }
        guard case .deadlock(_, let waiting) = error else {
            Issue.record("not a deadlock: \(String(describing: error))")
            return
        }
        #expect(waiting == ["process 'worker' is frozen with 1 job held"])
    }

    @Test func pollingWithoutSleepingIsASpin() throws {
        let yielding = Simulation(seed: 1, limits: .init(jobsPerInstant: 1_000))
        let first = #expect(throws: SimulationError.self) {
            try yielding.run { _ in while !Task.isCancelled { await Task.yield() } }
        }
        guard case .spin = first else {
            Issue.record("not a spin: \(String(describing: first))")
            return
        }
        let sleeping = Simulation(seed: 1, limits: .init(jobsPerInstant: 1_000))
        let second = #expect(throws: SimulationError.self) {
            try sleeping.run { world in while true { try await world.time.sleep(until: world.time.now) } }
        }
        guard case .spin = second else {
            Issue.record("not a spin: \(String(describing: second))")
            return
        }
    }

    @Test func virtualTimeIsLimited() throws {
        let simulation = Simulation(seed: 1, limits: .init(virtualTime: .seconds(100)))
        let error = #expect(throws: SimulationError.self) {
            try simulation.run { world in while true { try await world.time.sleep(for: .seconds(7)) } }
        }
        guard case .timeLimit(.seconds(100), let waiting) = error else {
            Issue.record("not the limit: \(String(describing: error))")
            return
        }
        #expect(waiting.count == 1)
    }

    @Test func whatComesBackFromAnotherThreadIsReported() {
        #expect(throws: SimulationError.foreignThread(process: "main")) {
            try Simulation(seed: 1).run { _ in await withCheckedContinuation { resumeOnAnotherThread($0) } }
        }
    }

    /// They come back from the global pool, whose threads may all be busy with other tests: then the simulation can only
    /// see that nothing goes on, and says where to look.
    @Test func tasksThatLeaveTheSimulationAreReported() {
        let escapes: [@Sendable () async -> Void] = [
            { await Task {}.value }, { await Task.detached {}.value },
            { try? await Task.sleep(for: .milliseconds(1)) },
            { try? await ContinuousClock().sleep(for: .milliseconds(1)) },
        ]
        for escape in escapes {
            let error = #expect(throws: SimulationError.self) {
                try Simulation(seed: 1).run { _ in await escape() }
            }
            #expect(error.map { "\($0)".contains("Task.detached") } == true)
        }
    }

    @Test func errorsExplainThemselves() {
        #expect("\(SimulationError.foreignThread(process: "w"))".contains("Task.detached"))
        #expect("\(SimulationError.spin(jobs: 7, at: Moment(nanoseconds: 5)))".contains("7 jobs ran at 5ns"))
        #expect("\(SimulationError.deadlock(at: Moment(nanoseconds: 5), waiting: ["a reads"]))".contains("a reads"))
    }

    @Test func everythingIsGivenBackAtTheEnd() throws {
        final class Held: Sendable {}
        let simulation = Simulation(seed: 1)
        let process = simulation.process("worker")
        let held = Locked<(@Sendable () -> Held?)?>(nil)
        try simulation.run { world in
            let object = Held()
            held.withLock { $0 = { [weak object] in object } }
            process.start { [object] world in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<5 {
                        group.addTask {
                            while !Task.isCancelled { try? await world.time.sleep(for: .seconds(60)) }
                            withExtendedLifetime(object) {}
                        }
                    }
                }
            }
            try await world.time.sleep(for: .seconds(90))
            process.kill()
            #expect(held.withLock { $0?() } != nil)
        }
        #expect(held.withLock { $0?() } == nil)
    }

    /// Fifty thousand scenarios run in one process: none may leave anything behind, not even one that failed.
    @Test(arguments: [false, true])
    func theSimulationItselfIsGivenBack(fails: Bool) throws {
        weak var gone: Simulation?
        do {
            let simulation = Simulation(seed: 1, order: .shuffled)
            gone = simulation
            let broker = simulation.broker()
            let process = simulation.process("worker")
            simulation.http.setLatency(.seconds(1))
            // Everything that is handed in may refer to the simulation.
            simulation.http.serveEverything { _, _ in
                .response(HTTPResponse(status: simulation.jobs == 0 ? 500 : 200), after: .seconds(9))
            }
            simulation.http.onRequest { _ in simulation.seed == 0 ? .instead(.never) : .deliver }
            simulation.files.failing { simulation.seed == 0 ? FileFailure(reason: .denied, path: $0, detail: "") : nil }
            process.onEffect { _ in simulation.trace.record("effect") }
            broker.put([1], tube: "t", delay: 100)
            func run() throws {
                try simulation.run { world in
                    process.start { world in
                        let stream = try await world.dial.connect(to: broker.endpoint, timeout: .seconds(1))
                        async let answer = world.http.execute(HTTPRequest(.get, "http://nova/"))
                        _ = try await stream.read()
                        _ = try await answer
                    }
                    try await world.time.sleep(for: .milliseconds(1_500))
                    if fails { throw Wrong() }
                }
            }
            if fails { #expect(throws: Wrong.self) { try run() } } else { try run() }
        }
        #expect(gone == nil)
    }
}
