import HTTPKit
import Simulation
import Testing
import World

private let nova = "http://nova:8774"

@Suite struct ProcessTests {
    @Test func aKilledProcessDoesNothingMore() throws {
        let simulation = Simulation(seed: 1)
        let process = simulation.process("worker")
        let done = Locked([Int]())
        try simulation.run { world in
            process.start { world in
                for second in 1... {
                    try await world.time.sleep(for: .seconds(1))
                    done.withLock { $0.append(second) }
                }
            }
            try await world.time.sleep(for: .milliseconds(3_500))
            process.kill()
            try await world.time.sleep(for: .seconds(60))
            #expect(done.withLock { $0 } == [1, 2, 3])
        }
        #expect(done.withLock { $0 } == [1, 2, 3])
        #expect(process.end.value.map { if case .killed = $0 { true } else { false } } == true)
    }

    /// Nothing leaves at the effect at which it was killed, and what had left is carried out.
    @Test(arguments: 1...6)
    func killedAtEveryEffect(number: Int) throws {
        func servedRequests(_ edge: Effect.Edge) throws -> (served: Int, seen: Int) {
            let simulation = Simulation(seed: 1)
            let process = simulation.process("worker")
            let served = Locked(0)
            let seen = Locked(0)
            simulation.http.serve(nova) { _, _ in
                served.withLock { $0 += 1 }
                return .response(HTTPResponse(status: 202), after: .milliseconds(5))
            }
            process.atEffect(number, edge) { $0.kill() }
            try simulation.run { world in
                process.start { world in
                    for index in 0..<3 {
                        _ = try await world.http.execute(HTTPRequest(.post, "\(nova)/servers/\(index)"))
                        seen.withLock { $0 += 1 }
                    }
                }
                try await world.time.sleep(for: .seconds(5))
                #expect(!process.isRunning)
            }
            return (served.withLock { $0 }, seen.withLock { $0 })
        }
        // Effects come in pairs: a request leaves, its answer arrives.
        let requestsBefore = number / 2
        let before = try servedRequests(.before)
        #expect(before.served == requestsBefore)
        #expect(before.seen == (number - 1) / 2)
        let after = try servedRequests(.after)
        #expect(after.served == (number + 1) / 2)
        // Killed in the middle of the seam, it still runs to its next suspension, and gets no further than that.
        #expect(after.seen <= after.served)
    }

    @Test func aRequestInFlightIsCarriedOut() throws {
        let simulation = Simulation(seed: 1)
        let process = simulation.process("worker")
        let created = Locked(false)
        simulation.http.setLatency(.milliseconds(50))
        simulation.http.serve(nova) { _, _ in
            created.withLock { $0 = true }
            return .response(HTTPResponse(status: 202))
        }
        try simulation.run { world in
            process.start { world in _ = try await world.http.execute(HTTPRequest(.post, "\(nova)/servers")) }
            try await world.time.sleep(for: .milliseconds(10))
            process.kill()
            #expect(!created.withLock { $0 })
            try await world.time.sleep(for: .seconds(1))
            #expect(created.withLock { $0 })
        }
    }

    @Test func peersOfAKilledProcessReadItsEnd() throws {
        let simulation = Simulation(seed: 1)
        let endpoint = Endpoint.tcp(host: "server", port: 1)
        let process = simulation.process("worker")
        let ended = Signal<Bool>()
        simulation.network.listen(on: endpoint) { stream in
            let first = try? await stream.read()
            let second = try? await stream.read()
            ended.raise(first != nil && second == .some(nil))
        }
        try simulation.run { world in
            process.start { world in
                let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
                stream.write([1, 2, 3])
                _ = try await stream.read()
            }
            try await world.time.sleep(for: .seconds(1))
            process.kill()
            #expect(try await ended.wait())
        }
    }

    @Test func powerLossIsNoticedByTheKernelOnly() throws {
        let simulation = Simulation(seed: 1)
        let endpoint = Endpoint.tcp(host: "server", port: 1)
        let process = simulation.process("worker")
        let failure = Signal<NetworkFailure.Reason>()
        simulation.network.listen(on: endpoint) { stream in
            do {
                while try await stream.read() != nil {}
            } catch let error as NetworkFailure {
                failure.raise(error.reason)
            } catch {}
        }
        let took = try simulation.run { world in
            process.start { world in
                let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
                _ = try await stream.read()
            }
            try await world.time.sleep(for: .seconds(1))
            let start = world.time.now
            process.losePower()
            #expect(try await failure.wait() == .timeout)
            return world.time.now - start
        }
        #expect(took == .seconds(7_875))
    }

    @Test func aFrozenProcessGoesOnWhereItWas() throws {
        let simulation = Simulation(seed: 1)
        let process = simulation.process("worker")
        let beats = Locked([Int64]())
        try simulation.run { world in
            process.start { world in
                let start = world.time.now
                for beat in 1...5 {
                    try await world.time.sleep(until: start + .seconds(beat))
                    beats.withLock { $0.append((world.time.now - start).nanoseconds / 1_000_000_000) }
                }
            }
            try await world.time.sleep(for: .milliseconds(1_500))
            process.freeze()
            try await world.time.sleep(for: .seconds(3))
            #expect(beats.withLock { $0 } == [1])
            process.thaw()
            try await world.time.sleep(for: .seconds(10))
        }
        // Two to four came due while it was frozen; they fire at the thaw.
        #expect(beats.withLock { $0 } == [1, 4, 4, 4, 5])
    }

    /// A stopped worker wakes up with a request half sent.
    @Test func frozenBeforeARequestItSendsItAfterTheThaw() throws {
        let simulation = Simulation(seed: 1)
        let process = simulation.process("worker")
        let arrivals = Locked([Int64]())
        let start = simulation.world.time.now
        simulation.http.serve(nova) { [time = simulation.time] _, _ in
            arrivals.withLock { $0.append((time.now - start).nanoseconds / 1_000_000_000) }
            return .response(HTTPResponse(status: 204))
        }
        process.atEffect(3, .before) { $0.freeze() }
        try simulation.run { world in
            process.start { world in
                for _ in 0..<3 { _ = try await world.http.execute(HTTPRequest(.delete, "\(nova)/servers/1")) }
            }
            try await world.time.sleep(for: .seconds(100))
            #expect(arrivals.withLock { $0 } == [0])
            process.thaw()
            _ = try await process.end.wait()
        }
        #expect(arrivals.withLock { $0 } == [0, 100, 100])
    }

    @Test func bytesWrittenWhenFrozenLeaveAfterTheThaw() throws {
        let simulation = Simulation(seed: 1)
        let endpoint = Endpoint.tcp(host: "server", port: 1)
        let process = simulation.process("worker")
        let received = Locked([UInt8]())
        simulation.network.listen(on: endpoint) { stream in
            while let bytes = try? await stream.read() { received.withLock { $0 += bytes } }
        }
        process.onEffect { [weak process] effect in
            if effect.kind == .write, effect.edge == .before, effect.index == 3 { process?.freeze() }
        }
        try simulation.run { world in
            process.start { world in
                let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
                stream.write([1])
                stream.write([2])
                stream.write([3])
                try await stream.drained()
            }
            try await world.time.sleep(for: .seconds(9))
            #expect(received.withLock { $0 } == [1])
            process.thaw()
            try await world.time.sleep(for: .seconds(1))
            #expect(received.withLock { $0 } == [1, 2, 3])
        }
    }

    @Test func processesHaveRandomNumbersOfTheirOwn() throws {
        func numbers(withNeighbour: Bool) throws -> [UInt64] {
            let simulation = Simulation(seed: 5)
            let process = simulation.process("worker")
            let neighbour = simulation.process("neighbour")
            let taken = Locked([UInt64]())
            try simulation.run { world in
                if withNeighbour { neighbour.start { world in for _ in 0..<9 { _ = world.random.next() } } }
                process.start { world in taken.withLock { $0 = [world.random.next(), world.random.next()] } }
                _ = try await process.end.wait()
            }
            return taken.withLock { $0 }
        }
        #expect(try numbers(withNeighbour: false) == numbers(withNeighbour: true))
    }

    @Test func theEndOfABodyIsReported() throws {
        struct Wrong: Error {}
        let simulation = Simulation(seed: 1)
        let good = simulation.process("good")
        let bad = simulation.process("bad")
        try simulation.run { _ in
            good.start { _ in }
            bad.start { _ in throw Wrong() }
            guard case .returned = try await good.end.wait() else {
                Issue.record("good did not return")
                return
            }
            guard case .threw(let error) = try await bad.end.wait() else {
                Issue.record("bad did not throw")
                return
            }
            #expect(error is Wrong)
        }
    }

    @Test(arguments: [Simulation.Order.fifo, .shuffled])
    func crashesAreAsRepeatableAsTheRest(order: Simulation.Order) throws {
        func play(_ seed: UInt64) throws -> UInt64 {
            let simulation = Simulation(seed: seed, order: order)
            let broker = simulation.broker()
            let workers = (0..<3).map { simulation.process("worker-\($0)") }
            simulation.http.serve(nova) { _, _ in .response(HTTPResponse(status: 200), after: .milliseconds(3)) }
            for (index, worker) in workers.enumerated() {
                worker.atEffect(Int(seed % 17) + index, seed % 2 == 0 ? .before : .after) { worker in
                    if seed % 3 == 0 { worker.freeze() } else { worker.kill() }
                }
            }
            for job in 0..<9 { broker.put([UInt8(job)], tube: "t", timeToRun: 5) }
            try simulation.run { world in
                for worker in workers { worker.start { world in try await drainTube(world, broker.endpoint) } }
                try await world.time.sleep(for: .seconds(30))
            }
            simulation.trace.record(broker.jobs.map { "\($0.id) \($0.state) \($0.reserves)" }.joined(separator: ","))
            return simulation.trace.hash
        }
        var different = Set<UInt64>()
        for seed in UInt64(0)..<200 {
            let first = try play(seed)
            #expect(try play(seed) == first)
            different.insert(first)
        }
        #expect(different.count > 20)
    }
}

/// A worker without manners: reserves, asks, deletes, until the tube is empty.
@Sendable private func drainTube(_ world: World, _ endpoint: Endpoint) async throws {
    let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
    var lines = ""
    func line() async throws -> String {
        while !lines.contains("\r\n") {
            guard let bytes = try await stream.read() else { throw CancellationError() }
            lines += String(decoding: bytes, as: UTF8.self)
        }
        let parts = lines.split(separator: "\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        lines = parts.count > 1 ? String(parts[1]) : ""
        return String(parts[0])
    }
    stream.write(Array("watch t\r\n".utf8))
    _ = try await line()
    while true {
        stream.write(Array("reserve-with-timeout 1\r\n".utf8))
        let words = try await line().split(separator: " ")
        guard words.first == "RESERVED" else { return }
        _ = try await line()
        try await world.time.sleep(for: world.random.jitter(upTo: .milliseconds(20)))
        _ = try await world.http.execute(HTTPRequest(.get, "\(nova)/servers"))
        stream.write(Array("delete \(words[1])\r\n".utf8))
        _ = try await line()
    }
}
