import HTTPKit
import Simulation
import Testing
import World

/// Asks, sleeps, races and cancels on default actors, task groups and streams: much of what could lose its order.
private actor Turnstile {
    private var inside = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        if inside < 2 {
            inside += 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty { inside -= 1 } else { waiting.removeFirst().resume() }
    }
}

@Sendable private func busyScenario(_ world: World, _ trace: Trace) async throws {
    let turnstile = Turnstile()
    await withTaskGroup(of: Void.self) { group in
        group.addTask {
            while (try? await world.time.sleep(for: .seconds(5))) != nil { trace.record("beat") }
        }
        await withTaskGroup(of: Int.self) { requests in
            for index in 0..<30 {
                requests.addTask {
                    await turnstile.enter()
                    try? await world.time.sleep(for: world.random.jitter(upTo: .milliseconds(50)))
                    let answer = try? await world.http.execute(HTTPRequest(.get, "http://nova/\(index % 7)"))
                    await turnstile.leave()
                    return answer?.status ?? 0
                }
            }
            for await status in requests { trace.record("status \(status)") }
        }
        async let left = try? world.time.withTimeout(.milliseconds(10), doing: "race") {
            try await world.time.sleep(for: world.random.jitter(upTo: .milliseconds(20)))
        }
        async let right: Void? = try? world.time.sleep(for: .milliseconds(10))
        trace.record("race \(await left != nil) \(await right != nil)")
        let (stream, feed) = AsyncStream.makeStream(of: Int.self)
        group.addTask {
            for value in 0..<5 {
                feed.yield(value)
                await Task.yield()
            }
            feed.finish()
        }
        for await value in stream { trace.record("value \(value)") }
        group.cancelAll()
    }
}

private struct Outcome: Equatable {
    var hash: UInt64
    var count: Int
    var jobs: Int
}

private func play(seed: UInt64, order: Simulation.Order) throws -> Outcome {
    let simulation = Simulation(seed: seed, order: order)
    simulation.http.serve("http://nova") { request, now in
        .response(
            HTTPResponse(status: 200 + request.url.utf8.count % 3),
            after: .milliseconds(request.url.hasSuffix("3") ? 90 : 4))
    }
    try simulation.run { [trace = simulation.trace] world in try await busyScenario(world, trace) }
    return Outcome(hash: simulation.trace.hash, count: simulation.trace.count, jobs: simulation.jobs)
}

@Suite struct DeterminismTests {
    @Test(arguments: [Simulation.Order.fifo, .shuffled])
    func aSeedAlwaysGivesTheSameTrace(order: Simulation.Order) throws {
        var different = Set<UInt64>()
        for seed in UInt64(0)..<200 {
            let first = try play(seed: seed, order: order)
            #expect(try play(seed: seed, order: order) == first)
            #expect(first.count > 60)
            different.insert(first.hash)
        }
        // Random jitter alone makes the seeds differ.
        #expect(different.count > 190)
    }

    @Test func simulationsOnSeveralThreadsDoNotMeet() async throws {
        let alone = try (UInt64(0)..<20).map { try play(seed: $0, order: .shuffled) }
        let together = try await withThrowingTaskGroup(of: (Int, Outcome).self) { group in
            for index in 0..<20 {
                group.addTask { (index, try play(seed: UInt64(index), order: .shuffled)) }
            }
            return try await group.reduce(into: [Int: Outcome]()) { $0[$1.0] = $1.1 }
        }
        for index in 0..<20 { #expect(together[index] == alone[index]) }
    }

    @Test func shufflingChangesTheOrderOfWhatIsReadyTogether() throws {
        @Sendable func order(_ seed: UInt64, _ order: Simulation.Order) throws -> [Int] {
            try Simulation(seed: seed, order: order).run { world in
                let seen = Locked([Int]())
                await withTaskGroup(of: Void.self) { group in
                    for index in 0..<8 { group.addTask { seen.withLock { $0.append(index) } } }
                }
                return seen.withLock { $0 }
            }
        }
        #expect(try order(1, .fifo) == Array(0..<8))
        let orders = try Set((UInt64(0)..<20).map { try order($0, .shuffled) })
        #expect(orders.count > 15)
    }
}
