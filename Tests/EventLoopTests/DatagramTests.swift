import EventLoop
import Glibc
import TestSupport
import Testing
import World

@Suite(.timeLimit(.minutes(1))) struct DatagramTests {
    @Test(arguments: ["127.0.0.1", "localhost"])
    func anAnswerComesBack(host: String) async throws {
        try await withServer { world, server, port in
            async let served: Void = server.answer { [[9, 9], $0 + [1]] }
            let answer = try await world.datagrams.exchange([1, 2, 3], with: host, port: port, timeout: .seconds(10)) {
                $0.first == 1
            }
            #expect(answer == [1, 2, 3, 1])
            try await served
        }
    }

    @Test func nobodyListens() async throws {
        try await withLiveWorld { world in
            let port = try freePort()
            let failure = await #expect(throws: NetworkFailure.self) {
                try await world.datagrams.exchange([1], with: "127.0.0.1", port: port, timeout: .seconds(10)) { _ in
                    true
                }
            }
            #expect(failure?.reason == .refused)
        }
    }

    @Test func noAnswer() async throws {
        try await withServer { world, server, port in
            let failure = await #expect(throws: NetworkFailure.self) {
                try await world.datagrams.exchange([1], with: "127.0.0.1", port: port, timeout: .milliseconds(20)) {
                    _ in true
                }
            }
            #expect(failure?.reason == .timeout)
            #expect(failure?.description == "ask 127.0.0.1:\(port) over UDP: no answer within 20ms")
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await world.datagrams.exchange(
                        [1], with: "127.0.0.1", port: port, timeout: .seconds(3_600)
                    ) { _ in true }
                }
                group.cancelAll()
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
        }
    }

    /// A UDP socket of 127.0.0.1 that the test answers on.
    private actor Server {
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        nonisolated let loop: EventLoop
        let descriptor: Int32
        nonisolated let port: UInt16

        init(loop: EventLoop) throws {
            self.loop = loop
            descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(descriptor, $0, length)
                    _ = getsockname(descriptor, $0, &length)
                }
            }
            port = UInt16(bigEndian: address.sin_port)
        }

        /// Answers one question with several datagrams.
        func answer(_ body: ([UInt8]) -> [[UInt8]]) async throws {
            let ready = Promise<Void>()
            try loop.watch(descriptor, for: .read) { _ in ready.succeed(()) }
            defer { loop.forget(descriptor) }
            try await ready.value()
            var buffer = [UInt8](repeating: 0, count: 512)
            var from = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let descriptor = descriptor
            withUnsafeMutablePointer(to: &from) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                    let count = recvfrom(descriptor, &buffer, buffer.count, 0, peer, &length)
                    for reply in body(Array(buffer.prefix(max(0, count)))) {
                        sendto(descriptor, reply, reply.count, 0, peer, length)
                    }
                }
            }
        }

        func stop() { close(descriptor) }
    }

    private func withServer(_ body: @Sendable (World, Server, UInt16) async throws -> Void) async throws {
        try await withLiveWorld { world in
            let server = try Server(loop: try #require(world.executor as? EventLoop))
            try await body(world, server, server.port)
            await server.stop()
        }
    }
}
