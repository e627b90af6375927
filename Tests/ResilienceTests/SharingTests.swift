import Resilience
import Simulation
import Testing
import World

private struct Boom: Error {}

/// `SingleFlight`, `Permits`, `SerialByKey`: who runs when, and what a cancelled one leaves behind.
@Suite struct SharingTests {
    @Test func oneFlightServesAll() throws {
        let runs = Locked(0)
        let values = try Simulation(seed: 1, order: .shuffled).run { world in
            let flight = SingleFlight<Int>()
            return try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        try await flight.run {
                            try await world.time.sleep(for: .seconds(1))
                            return runs.withLock { runs in
                                runs += 1
                                return runs
                            }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(values == Array(repeating: 1, count: 10))
        #expect(runs.withLock { $0 } == 1)
    }

    @Test func aFailureIsSharedAndNotKept() throws {
        try Simulation(seed: 1).run { world in
            let flight = SingleFlight<Int>()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        await #expect(throws: Boom.self) {
                            try await flight.run {
                                try await world.time.sleep(for: .seconds(1))
                                throw Boom()
                            }
                        }
                    }
                }
            }
            let value = try await flight.run { 7 }
            #expect(value == 7)
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func anotherTakesOverWhenTheFirstIsCancelled(seed: UInt64) throws {
        try Simulation(seed: seed, order: .shuffled).run { world in
            let flight = SingleFlight<Int>()
            let first = Signal<Void>()
            try await withThrowingTaskGroup(of: Int?.self) { group in
                group.addTask {
                    do {
                        return try await world.time.withTimeout(.seconds(1), doing: "test") {
                            try await flight.run {
                                first.raise(())
                                try await world.time.sleep(for: .seconds(5))
                                return 1
                            }
                        }
                    } catch is TimeoutError {
                        return nil
                    }
                }
                try await first.wait()
                for _ in 0..<3 {
                    group.addTask {
                        try await flight.run {
                            try await world.time.sleep(for: .seconds(5))
                            return 2
                        }
                    }
                }
                var values: [Int?] = []
                for try await value in group { values.append(value) }
                #expect(values == [nil, 2, 2, 2])
            }
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func permitsAreNeverExceededNorLost(seed: UInt64) throws {
        let most = Locked((now: 0, most: 0))
        try Simulation(seed: seed, order: .shuffled).run { world in
            let permits = Permits(3)
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<30 {
                    group.addTask {
                        _ = try? await world.time.withTimeout(.seconds(index % 5 + 1), doing: "test") {
                            try await permits.withPermit {
                                most.withLock { state in
                                    state.now += 1
                                    state.most = max(state.most, state.now)
                                }
                                defer { most.withLock { $0.now -= 1 } }
                                try await world.time.sleep(for: .milliseconds(700))
                            }
                        }
                    }
                }
            }
            // All three are free again.
            let began = world.time.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask { try await permits.withPermit { try await world.time.sleep(for: .seconds(1)) } }
                }
                try await group.waitForAll()
            }
            #expect(world.time.now - began == .seconds(1))
        }
        #expect(most.withLock { $0.most } == 3)
        #expect(most.withLock { $0.now } == 0)
    }

    @Test func oneAfterAnotherPerKeyAndSideBySideOtherwise() throws {
        let order = Locked([String]())
        let took = try Simulation(seed: 1).run { world in
            let serial = SerialByKey<String>()
            let began = world.time.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (key, name) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a3")] {
                    group.addTask {
                        try await serial.run(key) {
                            try await world.time.sleep(for: .seconds(1))
                            order.withLock { $0.append(name) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            return world.time.now - began
        }
        #expect(took == .seconds(3))
        #expect(order.withLock { $0 } == ["a1", "b1", "a2", "a3"])
    }

    @Test func aCancelledOneDoesNotBlockItsKey() throws {
        try Simulation(seed: 1).run { world in
            let serial = SerialByKey<String>()
            let began = world.time.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await serial.run("a") { try await world.time.sleep(for: .seconds(2)) } }
                group.addTask {
                    await #expect(throws: TimeoutError.self) {
                        try await world.time.withTimeout(.seconds(1), doing: "test") {
                            try await serial.run("a") { try await world.time.sleep(for: .seconds(60)) }
                        }
                    }
                }
                group.addTask { try await serial.run("a") { try await world.time.sleep(for: .seconds(2)) } }
                try await group.waitForAll()
            }
            #expect(world.time.now - began == .seconds(4))
        }
    }
}
