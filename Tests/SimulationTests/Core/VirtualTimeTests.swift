import Simulation
import Testing
import World

@Suite struct VirtualTimeTests {
    @Test func timeJumpsToTheNextTimer() throws {
        let slept = try Simulation(seed: 1).run { world in
            let start = world.time.now
            try await world.time.sleep(for: .seconds(86_400))
            return world.time.now - start
        }
        #expect(slept == .seconds(86_400))
    }

    @Test func timersFireInOrderAndEqualOnesInTheOrderOfTheirSetting() throws {
        let order = try Simulation(seed: 1).run { world in
            let seen = Locked([Int]())
            await withTaskGroup(of: Void.self) { group in
                for (index, delay) in [3, 1, 2, 1, 3].enumerated() {
                    group.addTask {
                        try? await world.time.sleep(for: .seconds(delay))
                        seen.withLock { $0.append(index) }
                    }
                }
            }
            return seen.withLock { $0 }
        }
        #expect(order == [1, 3, 2, 0, 4])
    }

    @Test func theWallClockStepsAlone() throws {
        let simulation = Simulation(seed: 1)
        let time = simulation.time
        #expect(time.wallClock.description == "2026-01-01T00:00:00Z")
        let moved = try simulation.run { world in
            let start = world.time.now
            time.stepWallClock(by: .seconds(-3_600))
            try await world.time.sleep(for: .seconds(60))
            return world.time.now - start
        }
        #expect(moved == .seconds(60))
        #expect(time.wallClock.description == "2025-12-31T23:01:00Z")
    }

    @Test func aCancelledSleepEndsAtOnce() throws {
        let took = try Simulation(seed: 1).run { world in
            let start = world.time.now
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(2), doing: "wait") {
                    try await world.time.sleep(for: .seconds(50))
                }
            }
            return world.time.now - start
        }
        #expect(took == .seconds(2))
    }

    @Test func randomNumbersComeFromTheSeedAndTheProcess() throws {
        func numbers(_ seed: UInt64) -> [UInt64] {
            let simulation = Simulation(seed: seed)
            let other = simulation.process("other")
            return [simulation.world.random.next(), simulation.world.random.next(), other.world.random.next()]
        }
        #expect(numbers(3) == numbers(3))
        #expect(Set(numbers(3) + numbers(4)).count == 6)
    }
}
