import EventLoop
import Glibc
import TestSupport
import Testing
import World

@Suite(.timeLimit(.minutes(1))) struct StreamTests {
    @Test(arguments: [Listener.Place.loopback4, .loopback6, .unix(path: "")])
    func bytesComeBack(place: Listener.Place) async throws {
        try await withPair(on: place) { client, server in
            async let echo: Void = echoAll(server)
            client.write(Array("hello".utf8))
            #expect(try await read(client, 5) == Array("hello".utf8))
            let big = manyBytes(3_000_000)
            async let back = read(client, big.count)
            client.write(big)
            #expect(try await back == big)
            client.close()
            try await echo
        }
    }

    @Test func writesOfOneTurnShareAPacket() async throws {
        try await withPair { client, server in
            // The first goes out at once, the rest together.
            for byte in 0..<100 as Range<UInt8> { client.write([byte]) }
            #expect(client.unsent == 99)
            try await client.drained()
            #expect(client.unsent == 0)
            #expect(try await read(server, 100) == Array(0..<100))
        }
    }

    @Test func namesAreResolved() async throws {
        try await withLiveWorld { world in
            let listener = try await Listener(loop: try eventLoop(of: world))
            let stream = try await world.dial.connect(
                to: .tcp(host: "localhost", port: listener.port), timeout: .seconds(10))
            stream.close()
            let failure = await #expect(throws: NetworkFailure.self) {
                try await world.dial.connect(to: .tcp(host: "no.such.name.invalid", port: 1), timeout: .seconds(20))
            }
            #expect(failure?.reason == .resolve || failure?.reason == .timeout)
            #expect(failure?.description.contains("no.such.name.invalid") == true)
        }
    }

    @Test func nobodyListens() async throws {
        try await withLiveWorld { world in
            let port = try freePort()
            for endpoint in [Endpoint.tcp(host: "127.0.0.1", port: port), .unix(path: "/tmp/no-such-socket")] {
                let failure = await #expect(throws: NetworkFailure.self) {
                    try await world.dial.connect(to: endpoint, timeout: .seconds(10))
                }
                #expect(failure?.reason == .refused)
                #expect(failure?.description.hasPrefix("connect to \(endpoint): ") == true)
            }
            let failure = await #expect(throws: NetworkFailure.self) {
                try await world.dial.connect(
                    to: .unix(path: String(repeating: "x", count: 108)), timeout: .seconds(1))
            }
            #expect(failure?.detail == "a socket's path has 1 to 107 bytes")
        }
    }

    @Test func connectingTakesTooLong() async throws {
        try await withLiveWorld { world in
            try await withFullListener(world) { endpoint in
                let start = world.time.now
                let failure = await #expect(throws: NetworkFailure.self) {
                    try await world.dial.connect(to: endpoint, timeout: .milliseconds(50))
                }
                #expect(failure?.reason == .timeout)
                #expect(failure?.detail == "no connection within 50ms")
                #expect(world.time.now - start >= .milliseconds(50))
            }
        }
    }

    @Test func connectingIsCancelled() async throws {
        try await withLiveWorld { world in
            try await withFullListener(world) { endpoint in
                let start = world.time.now
                await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await world.dial.connect(to: endpoint, timeout: .seconds(3_600)).close() }
                    group.addTask {
                        try await world.dial.connect(to: .tcp(host: "localhost", port: 1), timeout: .seconds(3_600))
                            .close()
                    }
                    group.cancelAll()
                    await #expect(throws: CancellationError.self) { try await group.waitForAll() }
                }
                #expect(world.time.now - start < .seconds(5))
            }
        }
    }

    @Test func aFullUnixBacklogIsWaitedFor() async throws {
        try await withTemporaryFolder { folder in
            try await withLiveWorld { world in
                let listener = try await Listener(
                    on: .unix(path: "\(folder)/s"), loop: try eventLoop(of: world), backlog: 0)
                let first = try await world.dial.connect(to: listener.endpoint, timeout: .seconds(10))
                let late = await #expect(throws: NetworkFailure.self) {
                    try await world.dial.connect(to: listener.endpoint, timeout: .milliseconds(30))
                }
                #expect(late?.reason == .timeout)
                async let second = world.dial.connect(to: listener.endpoint, timeout: .seconds(10))
                let accepted = try await listener.accept()
                try await second.close()
                first.close()
                accepted.close()
            }
        }
    }

    @Test func theEndComesAfterTheBytes() async throws {
        try await withPair { client, server in
            server.write(Array("last words".utf8))
            server.close()
            let bytes = try await read(client, 10)
            #expect(bytes == Array("last words".utf8))
            #expect(try await client.read() == nil)
            #expect(try await client.read() == nil)
        }
    }

    @Test func aHalfClosedPeerStillListens() async throws {
        try await withLiveWorld { world in
            let listener = try await Listener(loop: try eventLoop(of: world))
            async let connecting = world.dial.connect(to: listener.endpoint, timeout: .seconds(10))
            let peer = try await listener.acceptDescriptor()
            defer { close(peer) }
            let client = try await connecting
            shutdown(peer, Int32(SHUT_WR))
            #expect(try await client.read() == nil)
            client.write(Array("still here".utf8))
            try await client.drained()
            var buffer = [UInt8](repeating: 0, count: 64)
            #expect(recv(peer, &buffer, buffer.count, 0) == 10)
            client.close()
        }
    }

    @Test func aResetIsAFailure() async throws {
        try await withPair(resetting: true) { client, server in
            let failure = await failure(of: { _ = try await client.read() }, when: { server.close() })
            #expect(failure?.reason == .reset)
            // It stays failed, for the writer too.
            client.write([1])
            #expect(client.unsent == 0)
            await #expect(throws: NetworkFailure.self) { try await client.drained() }
            await #expect(throws: NetworkFailure.self) { try await client.read() }
        }
    }

    @Test func backPressure() async throws {
        try await withPair { client, server in
            let chunk = [UInt8](repeating: 7, count: 1 << 20)
            for _ in 0..<32 { client.write(chunk) }
            // Nobody reads beyond what a stream reads ahead, so most of it cannot leave.
            #expect(client.unsent > 8 << 20)
            async let drained: Void = client.drained()
            #expect(try await read(server, 32 << 20).count == 32 << 20)
            try await drained
            #expect(client.unsent == 0)
        }
    }

    @Test func waitingForTheDrainIsCancelledAndClosed() async throws {
        try await withPair { client, _ in
            client.write([UInt8](repeating: 7, count: 32 << 20))
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await client.drained() }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
            let failure = await failure(of: { try await client.drained() }, when: { client.close() })
            #expect(failure?.reason == .closed)
            #expect(client.unsent == 0)
        }
    }

    @Test func aCancelledReadLosesNothing() async throws {
        try await withPair { client, server in
            for round in 0..<50 as Range<UInt8> {
                let early = await withTaskGroup(of: [UInt8].self) { group in
                    group.addTask { ((try? await client.read()) ?? nil) ?? [] }
                    for _ in 0..<Int(round % 5) { await Task.yield() }
                    server.write([round])
                    for _ in 0..<Int(round % 7) { await Task.yield() }
                    group.cancelAll()
                    return await group.next() ?? []
                }
                let bytes = early.isEmpty ? try await client.read() : early
                #expect(bytes == [round])
            }
        }
    }

    @Test func closingWakesTheReader() async throws {
        try await withPair { client, _ in
            let failure = await failure(
                of: { _ = try await client.read() },
                when: {
                    client.close()
                    client.close()
                })
            #expect(failure?.reason == .closed)
        }
    }

    @Test func aForgottenStreamClosesItself() async throws {
        try await withLiveWorld { world in
            let listener = try await Listener(loop: try eventLoop(of: world))
            var client: (any ByteStream)? = try await world.dial.connect(to: listener.endpoint, timeout: .seconds(10))
            let server = try await listener.accept()
            #expect(client?.unsent == 0)
            client = nil
            #expect(try await server.read() == nil)
            server.close()
        }
    }

    // MARK: Helpers

    private func withPair(
        on place: Listener.Place = .loopback4, resetting: Bool = false,
        _ body: @Sendable (any ByteStream, any ByteStream) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            try await withLiveWorld { world in
                let place = if case .unix = place { Listener.Place.unix(path: "\(folder)/socket") } else { place }
                let listener = try await Listener(on: place, loop: try eventLoop(of: world))
                async let connecting = world.dial.connect(to: listener.endpoint, timeout: .seconds(10))
                let server = try await listener.accept(resetting: resetting)
                let client = try await connecting
                defer {
                    client.close()
                    server.close()
                }
                try await body(client, server)
            }
        }
    }

    /// A TCP listener whose backlog is full: further SYNs are dropped, as by a host that is not there.
    private func withFullListener(_ world: World, _ body: @Sendable (Endpoint) async throws -> Void) async throws {
        let listener = try await Listener(loop: try eventLoop(of: world), backlog: 0)
        var filling: [any ByteStream] = []
        while true {
            do {
                filling.append(try await world.dial.connect(to: listener.endpoint, timeout: .milliseconds(50)))
            } catch let failure as NetworkFailure where failure.reason == .timeout {
                break
            }
        }
        try await body(listener.endpoint)
        for stream in filling { stream.close() }
    }

    private func eventLoop(of world: World) throws -> EventLoop {
        try #require(world.executor as? EventLoop)
    }

    /// What `body`, once it waits, throws because of `event`.
    private func failure(
        of body: @escaping @Sendable () async throws -> Void, when event: @Sendable () -> Void
    ) async -> NetworkFailure? {
        await withTaskGroup(of: NetworkFailure?.self) { group in
            group.addTask {
                do {
                    try await body()
                    return nil
                } catch {
                    return error as? NetworkFailure
                }
            }
            await Task.yield()
            event()
            return await group.next() ?? nil
        }
    }

    private func read(_ stream: any ByteStream, _ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count, let more = try await stream.read() { bytes += more }
        return bytes
    }

    private func echoAll(_ stream: any ByteStream) async throws {
        while let bytes = try await stream.read() {
            stream.write(bytes)
            if stream.unsent > 1 << 20 { try await stream.drained() }
        }
    }
}
