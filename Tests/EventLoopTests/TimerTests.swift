import TestSupport
import Testing
import World

@testable import EventLoop

@Suite(.timeLimit(.minutes(1))) struct TimerQueueTests {
    @Test func equalDeadlinesKeepTheirOrder() {
        var queue = TimerQueue()
        let fired = Locked<[Int]>([])
        for number in 0..<10 {
            queue.add(UInt64(number), at: Moment(nanoseconds: 5)) { fired.withLock { $0.append(number) } }
        }
        queue.add(99, at: Moment(nanoseconds: 1)) { fired.withLock { $0.append(99) } }
        #expect(queue.takeDue(Moment(nanoseconds: 0)) == nil)
        while let action = queue.takeDue(Moment(nanoseconds: 5)) { action() }
        #expect(fired.withLock { $0 } == [99] + Array(0..<10))
        #expect(queue.isEmpty)
    }

    @Test func cancelledTimersDoNotPileUp() {
        var queue = TimerQueue()
        var largest = 0
        queue.add(1_000_000, at: .distantFuture) {}
        for number in 0..<100_000 {
            queue.add(UInt64(number), at: Moment(nanoseconds: Int64(number))) {}
            queue.cancel(UInt64(number))
            largest = max(largest, queue.storedCount)
        }
        #expect(largest < 100)
        #expect(queue.next() == .distantFuture)
    }

    @Test func cancellingEveryOtherLosesNoneOfTheRest() {
        var queue = TimerQueue()
        let fired = Locked<[Int]>([])
        // A permutation of 0..<10,000: 7,919 is a prime.
        for step in 0..<10_000 {
            let number = step * 7_919 % 10_000
            queue.add(UInt64(step), at: Moment(nanoseconds: Int64(number))) { fired.withLock { $0.append(number) } }
            if number % 2 == 1 { queue.cancel(UInt64(step)) }
        }
        while let action = queue.takeDue(Moment(nanoseconds: 10_000)) { action() }
        let all = fired.withLock { $0 }
        #expect(all.count == 5_000)
        #expect(all == all.sorted())
    }

    @Test func theNextDeadlineSkipsTheCancelled() {
        var queue = TimerQueue()
        queue.add(1, at: Moment(nanoseconds: 1)) {}
        queue.add(2, at: Moment(nanoseconds: 2)) {}
        queue.cancel(1)
        queue.cancel(1)
        #expect(queue.next() == Moment(nanoseconds: 2))
        queue.cancel(2)
        #expect(queue.next() == nil)
    }
}

@Suite(.timeLimit(.minutes(1))) struct TimeTests {
    @Test func tenThousandTimersFireInOrder() async throws {
        try await withEventLoop { loop in
            let start = loop.now
            let fired = Locked<[Int]>([])
            let end = Promise<Void>()
            // A permutation of 0..<10,000: 7,919 is a prime.
            for step in 0..<10_000 {
                let number = step * 7_919 % 10_000
                let timer = loop.schedule(at: start + .milliseconds(20) + .microseconds(number)) {
                    fired.withLock { $0.append(number) }
                }
                if number % 2 == 1 { loop.cancel(timer) }
            }
            _ = loop.schedule(at: start + .milliseconds(40)) { end.succeed(()) }
            try await end.value()
            let all = fired.withLock { $0 }
            #expect(all.count == 5_000)
            #expect(all == all.sorted())
        }
    }

    @Test func noTimerFiresEarly() async throws {
        try await withEventLoop { loop in
            for microseconds in [0, 1, 100, 1_500, 20_000] {
                let deadline = loop.now + .microseconds(microseconds)
                try await loop.sleep(until: deadline)
                #expect(loop.now >= deadline)
            }
            try await loop.sleep(until: loop.now - .seconds(5))
        }
    }

    @Test func anEarlierTimerOvertakesTheAlarm() async throws {
        try await withEventLoop { loop in
            let start = loop.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await loop.sleep(for: .seconds(3_600)) }
                try await loop.sleep(for: .milliseconds(2))
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.next() }
            }
            #expect(loop.now - start < .seconds(5))
        }
    }

    @Test func aCancelledSleeperThrowsAtOnce() async throws {
        try await withEventLoop { loop in
            let start = loop.now
            await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<1_000 { group.addTask { try await loop.sleep(for: .seconds(3_600)) } }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
            #expect(loop.now - start < .seconds(5))
        }
    }

    @Test func timeoutsEndWhatTheyGuard() async throws {
        try await withEventLoop { loop in
            await #expect(throws: TimeoutError.self) {
                try await loop.withTimeout(.milliseconds(5), doing: "wait") { try await loop.sleep(for: .seconds(60)) }
            }
            let value = try await loop.withTimeout(.seconds(60), doing: "answer") { 42 }
            #expect(value == 42)
        }
    }

    @Test func theWallClockIsTheCalendar() async throws {
        try await withEventLoop { loop in
            #expect(loop.wallClock > Timestamp(seconds: 1_700_000_000))
            #expect(loop.wallClock < Timestamp(seconds: 4_000_000_000))
        }
    }
}
