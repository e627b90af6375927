import EventLoop
import TestSupport
import Testing
import World

@Suite(.timeLimit(.minutes(1))) struct ExecutorTests {
    /// An actor on the loop, entered by `assumeIsolated` from its handlers.
    private actor Notebook {
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        nonisolated let loop: EventLoop
        var lines: [Int] = []

        init(loop: EventLoop) { self.loop = loop }

        func add(_ line: Int) { lines.append(line) }
    }

    @Test func actionsRunInOrderOnOneThread() async throws {
        try await withEventLoop { loop in
            let notebook = Notebook(loop: loop)
            for line in 0..<5_000 {
                loop.submit { notebook.assumeIsolated { $0.add(line) } }
            }
            let end = Promise<Void>()
            loop.submit { end.succeed(()) }
            try await end.value()
            #expect(await notebook.lines == Array(0..<5_000))
        }
    }

    @Test func childTasksStayOnTheLoop() async throws {
        try await withEventLoop { loop in
            #expect(loop.isCurrent)
            await Task.yield()
            #expect(loop.isCurrent)
            let places = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        await Task.yield()
                        return loop.isCurrent
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(places == Array(repeating: true, count: 100))
        }
    }

    @Test func callersFromElsewhereAreServed() async throws {
        let loop = try EventLoop()
        defer { loop.shutdown() }
        #expect(!loop.isCurrent)
        let notebook = Notebook(loop: loop)
        await withTaskGroup(of: Void.self) { group in
            for line in 0..<1_000 { group.addTask { await notebook.add(line) } }
        }
        #expect(await notebook.lines.sorted() == Array(0..<1_000))
        try await loop.sleep(for: .milliseconds(1))
    }

    @Test func endOfTurnComesOnceAfterTheJobs() async throws {
        try await withEventLoop { loop in
            let notebook = Notebook(loop: loop)
            let end = Promise<Void>()
            loop.submit {
                loop.atTurnEnd {
                    notebook.assumeIsolated { $0.add(99) }
                    end.succeed(())
                }
                for line in 0..<3 { loop.submit { notebook.assumeIsolated { $0.add(line) } } }
            }
            try await end.value()
            #expect(await notebook.lines == [0, 1, 2, 99])
        }
    }

    @Test func descriptorsAreServedDuringAStormOfJobs() async throws {
        try await withEventLoop { loop in
            let listener = try await Listener(loop: loop)
            let accepted = Locked(false)
            @Sendable func storm() {
                if !accepted.withLock({ $0 }) { loop.submit { storm() } }
            }
            loop.submit { storm() }
            async let server = listener.accept()
            let world = try World.live(loop: loop, http: NoHTTP())
            let client = try await world.dial.connect(to: listener.endpoint, timeout: .seconds(10))
            try await server.close()
            client.close()
            accepted.withLock { $0 = true }
        }
    }

    @Test func shutdownRunsWhatWasEnqueuedAndDropsTheRest() async throws {
        let loop = try EventLoop()
        let ran = Locked(0)
        for _ in 0..<100 { loop.submit { ran.withLock { $0 += 1 } } }
        _ = loop.schedule(at: loop.now + .seconds(3_600)) { ran.withLock { $0 += 1_000 } }
        loop.shutdown()
        #expect(ran.withLock { $0 } == 100)
        loop.submit { ran.withLock { $0 += 1_000 } }
        loop.shutdown()
        #expect(ran.withLock { $0 } == 100)
    }

    @Test func aLoopFreesWhatItsHandlersHold() async throws {
        final class Token: Sendable {}
        weak var token: Token?
        do {
            let loop = try EventLoop()
            let held = Token()
            token = held
            _ = loop.schedule(at: loop.now + .seconds(3_600)) { _ = held }
            loop.shutdown()
        }
        #expect(token == nil)
    }
}

@Suite(.timeLimit(.minutes(1))) struct PromiseTests {
    @Test func theFirstResultWins() async throws {
        let promise = Promise<Int>()
        #expect(promise.succeed(1))
        #expect(!promise.fail(CancellationError()))
        #expect(promise.isSettled)
        #expect(try await promise.value() == 1)
    }

    @Test func cancellationWinsOnlyOverWhatIsNotThere() async throws {
        let late = Promise<Int>()
        let early = Promise<Int>()
        early.succeed(2)
        let results = await withTaskGroup(of: Result<Int, any Error>.self) { group in
            for promise in [late, early] {
                group.addTask {
                    do { return .success(try await promise.value()) } catch { return .failure(error) }
                }
            }
            group.cancelAll()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(!late.succeed(1))
        #expect(results.count { if case .failure(let error) = $0 { error is CancellationError } else { false } } >= 1)
    }
}
