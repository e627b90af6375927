import Glibc
import World

/// Datagrams over a connected UDP socket: the kernel drops what comes from elsewhere and tells of ICMP refusals.
package actor UDPExchange: Datagrams {
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private nonisolated let loop: EventLoop
    private let resolver: Resolver

    init(loop: EventLoop, resolver: Resolver) {
        self.loop = loop
        self.resolver = resolver
    }

    package func exchange(
        _ payload: [UInt8], with host: String, port: UInt16, timeout: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        let deadline = loop.now + timeout
        let addresses = try await resolver.addresses(of: host, port: port, kind: .datagram, by: deadline)
        let doing = "ask \(Endpoint.tcp(host: host, port: port)) over UDP"
        var refusal = NetworkFailure(reason: .resolve, doing: doing, detail: "the name has no address")
        for address in addresses {
            do {
                return try await exchange(
                    payload, with: address, by: deadline,
                    orThrow: NetworkFailure(
                        reason: .timeout, doing: doing, detail: "no answer within \(timeout.short)"),
                    accept: accept)
            } catch let failure as NetworkFailure where failure.reason == .refused || failure.reason == .unreachable {
                // `localhost` is two addresses, and a server may listen on either.
                refusal = failure
            }
        }
        throw refusal
    }

    private func exchange(
        _ payload: [UInt8], with address: SocketAddress, by deadline: Moment, orThrow late: NetworkFailure,
        accept: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        let doing = "ask \(address.text) over UDP"
        let socket = try Socket(.datagram, family: address.family, doing: doing)
        let connected = socket.connect(to: address)
        guard connected == 0 else { throw NetworkFailure(doing: doing, code: connected) }
        let descriptor = socket.descriptor
        let answer = Promise<[UInt8]>()
        try loop.watch(descriptor, for: .read) { [loop] _ in
            if let result = Self.receive(descriptor, loop.scratch, doing, accept) { answer.settle(result) }
        }
        let timer = loop.schedule(at: deadline) { answer.fail(late) }
        defer {
            loop.cancel(timer)
            loop.forget(descriptor)
        }
        guard send(descriptor, payload, payload.count, Int32(MSG_NOSIGNAL)) == payload.count else {
            throw NetworkFailure(doing: doing, code: errno)
        }
        return try await answer.value()
    }

    /// The first acceptable datagram of those that are there, a failure, or nil to go on waiting.
    private static func receive(
        _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, _ doing: String, _ accept: ([UInt8]) -> Bool
    ) -> Result<[UInt8], any Error>? {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count >= 0 {
                let bytes = Array(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                if accept(bytes) { return .success(bytes) }
            } else if errno == EAGAIN {
                return nil
            } else if errno != EINTR {
                return .failure(NetworkFailure(doing: doing, code: errno))
            }
        }
    }
}
