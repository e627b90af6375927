import Beanstalk
import Simulation
import Testing
import World

@Suite struct BrokerTests {
    /// Refuses the first `refusals` attempts, then hands out `broker`.
    private struct Door: Dialer {
        let refusals: Int
        let broker: ScriptedBroker
        let time: any TimeSource
        let attempts = Locked([Moment]())

        func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream {
            let attempt = attempts.withLock { attempts in
                attempts.append(time.now)
                return attempts.count
            }
            if attempt > refusals { return broker }
            throw NetworkFailure(reason: .refused, doing: "connect to \(endpoint)", detail: "Connection refused")
        }
    }

    private func run<Value: Sendable>(
        refusals: Int, script: @escaping @Sendable (ScriptedBroker) async throws -> Void = { _ in },
        _ body: @escaping @Sendable (Broker, Door, World) async throws -> Value
    ) throws -> (Value, [BrokerEvent]) {
        let events = Locked([BrokerEvent]())
        let value = try Simulation(seed: 5).run { outer in
            let remote = ScriptedBroker()
            let door = Door(refusals: refusals, broker: remote, time: outer.time)
            var world = outer
            world.dial = door
            let broker = Broker(somewhere, world: world) { event in events.withLock { $0.append(event) } }
            return try await withThrowingTaskGroup(of: Void.self) { [world] group in
                group.addTask { try await script(remote) }
                let value = try await body(broker, door, world)
                try await group.waitForAll()
                return value
            }
        }
        return (value, events.withLock { $0 })
    }

    @Test func itConnectsAsSoonAsItIsPossibleWithGrowingPauses() throws {
        let (value, events) = try run(refusals: 12) { remote in
            try await remote.expect("list-tubes-watched", say: "OK 14|---\n- default\n|")
        } _: { broker, door, _ in
            let value = try await broker.connectPatiently(unless: Signal()) { _ in 42 }
            let attempts = door.attempts.withLock { $0 }
            #expect(attempts.count == 13)
            for (index, (earlier, later)) in zip(attempts, attempts.dropFirst()).enumerated() {
                #expect(later - earlier <= min(.seconds(10), .milliseconds(200) * (1 << index)))
            }
            #expect(attempts[12] - attempts[0] > .seconds(10))
            return value
        }
        #expect(value == 42)
        #expect(events.count == 13)
        #expect(events.last == .connected(somewhere))
        guard case .connectFailed(let error, attempt: 1, _) = events[0] else {
            Issue.record("first came \(events[0])")
            return
        }
        #expect(
            error.description
                == "beanstalkd at broker:11300, connect: connect to broker:11300: Connection refused; "
                + "see whether beanstalkd runs there and listens on that address and port")
    }

    @Test func drainEndsTheWaitAtOnce() throws {
        let (took, _) = try run(refusals: .max) { broker, _, world in
            let drain = Signal<Void>()
            let start = world.time.now
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await world.time.sleep(for: .seconds(33))
                    drain.raise(())
                }
                let value = try await broker.connectPatiently(unless: drain) { _ in 42 }
                #expect(value == nil)
                return world.time.now - start
            }
        }
        #expect(took == .seconds(33))
    }

    @Test func cancellationEndsTheWaitAtOnce() throws {
        let (took, _) = try run(refusals: .max) { broker, _, world in
            let start = world.time.now
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(33), doing: "connect") {
                    _ = try await broker.connectPatiently(unless: Signal()) { _ in 42 }
                }
            }
            return world.time.now - start
        }
        #expect(took == .seconds(33))
    }

    @Test func oneOffCommandsDoNotWait() throws {
        let (_, events) = try run(refusals: 1) { broker, _, world in
            let start = world.time.now
            await #expect(throws: BrokerError.self) { try await broker.connect { _ in 42 } }
            #expect(world.time.now == start)
        }
        #expect(events.isEmpty)
    }

    @Test func errorsOfTheBodyAreThrownNotRetried() throws {
        let tubes = Tubes(use: try TubeName("out"))
        let (_, events) = try run(refusals: 0) { remote in
            try await remote.expect("use out", say: "USING out|")
            try await remote.expect("list-tubes-watched", say: "OK 14|---\n- default\n|")
            try await remote.expect("touch 1", say: "HELLO|")
        } _: { broker, door, _ in
            let error = await #expect(throws: BrokerError.self) {
                try await broker.connectPatiently(tubes, unless: Signal()) { try await $0.touch(JobID(1)) }
            }
            guard case .ended(.violation) = error?.cause else {
                Issue.record("failed with \(String(describing: error))")
                return
            }
            #expect(door.attempts.withLock { $0.count } == 1)
        }
        guard case .lost(let error) = events.last else {
            Issue.record("last came \(String(describing: events.last))")
            return
        }
        #expect(error.description.contains("'HELLO'"))
        #expect(error.next.contains("it should be beanstalkd 1.12"))
    }
}
