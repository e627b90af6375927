import Simulation
import Testing
import World

private let endpoint = Endpoint.tcp(host: "server", port: 7)

/// Sends back what it gets.
@Sendable private func echo(_ stream: any ByteStream) async {
    while let bytes = try? await stream.read() { stream.write(bytes) }
}

@Suite struct NetworkTests {
    private func reason(_ body: () async throws -> Void) async -> NetworkFailure.Reason? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? NetworkFailure)?.reason
        }
    }

    @Test func bytesComeBackInOrderAfterTheirLatency() throws {
        let simulation = Simulation(seed: 1)
        simulation.network.listen(on: endpoint, echo)
        simulation.network.setLink(to: endpoint) { $0.latency = .milliseconds(10) }
        try simulation.run { world in
            let start = world.time.now
            let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
            #expect(world.time.now - start == .milliseconds(20))
            stream.write(Array("one".utf8))
            stream.write(Array("two".utf8))
            var received: [UInt8] = []
            while received.count < 6 { received += try #require(try await stream.read()) }
            #expect(received == Array("onetwo".utf8))
            #expect(world.time.now - start == .milliseconds(40))
            stream.close()
            #expect(await reason { _ = try await stream.read() } == .closed)
        }
    }

    @Test func readsMayComeInPieces() throws {
        let simulation = Simulation(seed: 3)
        simulation.network.listen(on: endpoint, echo)
        simulation.network.setStandard { $0.splitsReads = true }
        try simulation.run { world in
            let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
            let sent = (0..<200).map { UInt8($0) }
            stream.write(sent)
            var received: [UInt8] = []
            var pieces = 0
            while received.count < sent.count {
                received += try #require(try await stream.read())
                pieces += 1
            }
            #expect(received == sent)
            #expect(pieces > 3)
        }
    }

    @Test func aCancelledReadLosesNothing() throws {
        let simulation = Simulation(seed: 1)
        simulation.network.listen(on: endpoint, echo)
        try simulation.run { world in
            let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(1), doing: "read") { try await stream.read() }
            }
            stream.write([9])
            #expect(try await stream.read() == [9])
        }
    }

    @Test func writersWaitForSlowReaders() throws {
        let simulation = Simulation(seed: 1)
        let go = Signal<Void>()
        let total = Locked(0)
        simulation.network.setStandard { $0.buffer = 1_000 }
        simulation.network.listen(on: endpoint) { stream in
            _ = try? await go.wait()
            while let bytes = try? await stream.read() { total.withLock { $0 += bytes.count } }
        }
        try simulation.run { world in
            let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
            stream.write([UInt8](repeating: 0, count: 5_000))
            #expect(stream.unsent == 4_000)
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(1), doing: "drain") { try await stream.drained() }
            }
            go.raise(())
            try await stream.drained()
            #expect(stream.unsent == 0)
            try await world.time.sleep(for: .seconds(1))
            #expect(total.withLock { $0 } == 5_000)
        }
    }

    @Test func diallingFailsInEachOfItsWays() throws {
        let simulation = Simulation(seed: 1)
        let network = simulation.network
        try simulation.run { world in
            func dial() async -> (NetworkFailure.Reason?, Duration) {
                let start = world.time.now
                let reason = await reason { try await world.dial.connect(to: endpoint, timeout: .seconds(5)).close() }
                return (reason, world.time.now - start)
            }
            #expect(await dial() == (.refused, .zero))
            network.listen(on: endpoint, echo)
            #expect(await dial() == (nil, .zero))
            network.setLink(to: endpoint) { $0.dialling = .isBlackHole }
            #expect(await dial() == (.timeout, .seconds(5)))
            network.setLink(to: endpoint) { $0.dialling = .isUnresolvable }
            #expect(await dial() == (.resolve, .zero))
            network.setLink(to: endpoint) { $0 = Link() }
            network.partition(to: endpoint)
            #expect(await dial() == (.timeout, .seconds(5)))
            network.heal(to: endpoint)
            #expect(await dial() == (nil, .zero))
            network.stopListening(on: endpoint)
            #expect(await dial() == (.refused, .zero))
        }
    }

    @Test func faultsMayHitOneProcessOnly() throws {
        let simulation = Simulation(seed: 1)
        simulation.network.listen(on: endpoint, echo)
        let other = simulation.process("other")
        let reasons = Locked([NetworkFailure.Reason?]())
        simulation.network.setLink(to: endpoint, from: "other") { $0.dialling = .refuses }
        try simulation.run { world in
            try await world.dial.connect(to: endpoint, timeout: .seconds(1)).close()
            other.start { world in
                let reason = await self.reason { _ = try await world.dial.connect(to: endpoint, timeout: .seconds(1)) }
                reasons.withLock { $0.append(reason) }
            }
            _ = try await other.end.wait()
        }
        #expect(reasons.withLock { $0 } == [.refused])
    }

    @Test func bothEndsSeeACut() throws {
        let simulation = Simulation(seed: 1)
        let atServer = Signal<NetworkFailure.Reason?>()
        simulation.network.listen(on: endpoint) { stream in
            atServer.raise(await self.reason { while try await stream.read() != nil {} })
        }
        try simulation.run { [network = simulation.network] world in
            let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
            async let read = reason { _ = try await stream.read() }
            try await world.time.sleep(for: .seconds(1))
            network.cut(to: endpoint)
            #expect(await read == .reset)
            #expect(try await atServer.wait() == .reset)
            #expect(network.connections(to: endpoint) == 0)
        }
    }

    @Test func closingWithUnreadBytesResetsThePeer() throws {
        let simulation = Simulation(seed: 1)
        let close = Signal<Void>()
        simulation.network.listen(on: endpoint) { _ in _ = try? await close.wait() }
        try simulation.run { world in
            let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
            stream.write([1])
            close.raise(())
            #expect(await reason { _ = try await stream.read() } == .reset)
        }
    }

    @Test func writingToAClosedPeerFailsAfterItsEndWasRead() throws {
        let simulation = Simulation(seed: 1)
        simulation.network.listen(on: endpoint) { _ in }
        try simulation.run { world in
            let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
            #expect(try await stream.read() == nil)
            stream.write([1])
            #expect(await reason { try await stream.drained() } == .reset)
            #expect(try await stream.read() == nil)
        }
    }

    @Test func aPartitionHealsOrIsGivenUp() throws {
        let simulation = Simulation(seed: 1)
        simulation.network.listen(on: endpoint, echo)
        try simulation.run { [network = simulation.network] world in
            let stream = try await world.dial.connect(to: endpoint, timeout: .seconds(1))
            network.partition(to: endpoint)
            stream.write([1])
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(600), doing: "read") { try await stream.read() }
            }
            network.heal(to: endpoint)
            #expect(try await stream.read() == [1])
            network.partition(to: endpoint)
            stream.write([2])
            let start = world.time.now
            #expect(await reason { _ = try await stream.read() } == .timeout)
            #expect(world.time.now - start == .seconds(924))
        }
    }

    @Test func whoReadsIsListedInADeadlock() throws {
        let simulation = Simulation(seed: 1)
        simulation.network.listen(on: endpoint, echo)
        let error = #expect(throws: SimulationError.self) {
            try simulation.run { world in
                _ = try await world.dial.connect(to: endpoint, timeout: .seconds(1)).read()
            }
        }
        guard case .deadlock(_, let waiting) = error else {
            Issue.record("no deadlock: \(String(describing: error))")
            return
        }
        #expect(waiting == ["main reads from server:7", "server:7 reads from main"])
    }
}
