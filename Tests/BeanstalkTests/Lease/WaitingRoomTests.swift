import Beanstalk
import Simulation
import Testing
import World

@Suite struct WaitingRoomTests {
    @Test func neverMoreThanTheSeatsAndInOrder() throws {
        try Simulation(seed: 3).run { world in
            let room = WaitingRoom(seats: 4)
            let seen = Locked((inside: 0, most: 0, order: [Int]()))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for slot in 0..<200 {
                    group.addTask {
                        try await room.withSeat {
                            seen.withLock { seen in
                                seen.inside += 1
                                seen.most = max(seen.most, seen.inside)
                                seen.order.append(slot)
                            }
                            try await world.time.sleep(for: .seconds(1))
                            seen.withLock { $0.inside -= 1 }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let (inside, most, order) = seen.withLock { $0 }
            #expect(inside == 0)
            #expect(most == 4)
            #expect(order == Array(0..<200))
            #expect(room.waiting == 0)
        }
    }

    @Test func whoGoesAwayLosesNobodysSeat() throws {
        try Simulation(seed: 3).run { world in
            let room = WaitingRoom(seats: 1)
            let served = Locked([Int]())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for slot in 0..<6 {
                    group.addTask {
                        do {
                            try await world.time.withTimeout(.seconds(slot.isMultiple(of: 2) ? 100 : 2), doing: "wait")
                            {
                                try await room.withSeat {
                                    try await world.time.sleep(for: .seconds(3))
                                    served.withLock { $0.append(slot) }
                                }
                            }
                        } catch is TimeoutError {}
                    }
                }
                try await group.waitForAll()
            }
            #expect(served.withLock { $0 } == [0, 2, 4])
            #expect(room.waiting == 0)
            let isFree = try await room.withSeat { true }
            #expect(isFree)
        }
    }

    @Test func aSeatIsLeftOnceHoweverOftenItIsSaid() throws {
        try Simulation(seed: 3).run { world in
            let room = WaitingRoom(seats: 1)
            let first = try await room.seat()
            first.leave()
            first.leave()
            let second = try await room.seat()
            // Two leaves must not have made two seats of one.
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(1), doing: "wait") { _ = try await room.seat() }
            }
            second.leave()
            _ = try await room.seat()
        }
    }

    @Test func aFailureFreesTheSeat() throws {
        try Simulation(seed: 3).run { _ in
            let room = WaitingRoom(seats: 1)
            await #expect(throws: TimeoutError.self) {
                try await room.withSeat { throw TimeoutError(doing: "nothing", limit: .zero) }
            }
            let isFree = try await room.withSeat { true }
            #expect(isFree)
        }
    }
}
