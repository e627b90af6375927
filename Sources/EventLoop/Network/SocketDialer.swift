import Glibc
package import World

/// Opens TCP and Unix streams on the loop.
package actor SocketDialer: Dialer {
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private nonisolated let loop: EventLoop
    private let resolver: Resolver

    init(loop: EventLoop, resolver: Resolver) {
        self.loop = loop
        self.resolver = resolver
    }

    package func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream {
        let deadline = loop.now + timeout
        let addresses: [SocketAddress]
        switch endpoint {
        case .tcp(let host, let port):
            addresses = try await resolver.addresses(of: host, port: port, kind: .stream, by: deadline)
        case .unix(let path):
            addresses = [try SocketAddress(unixPath: path)]
        }
        var failures: [NetworkFailure] = []
        for (index, address) in addresses.enumerated() {
            // One address that swallows packets must leave time for the others.
            let now = loop.now
            let limit = now + (deadline - now) / (addresses.count - index)
            do {
                return try await open(address, until: limit, within: timeout)
            } catch let failure as NetworkFailure {
                failures.append(failure)
            }
        }
        throw Self.summary(of: failures, connecting: endpoint)
    }

    private func open(_ address: SocketAddress, until limit: Moment, within timeout: Duration) async throws
        -> SocketStream
    {
        let doing = "connect to \(address.text)"
        let socket = try Socket(.stream, family: address.family, doing: doing)
        if address.family != AF_UNIX {
            let tcp = Int32(IPPROTO_TCP)
            socket.set(tcp, TCP_NODELAY, 1)
            // A broker that lost its power is noticed after 60 + 3 · 10 s.
            socket.set(SOL_SOCKET, SO_KEEPALIVE, 1)
            socket.set(tcp, TCP_KEEPIDLE, 60)
            socket.set(tcp, TCP_KEEPINTVL, 10)
            socket.set(tcp, TCP_KEEPCNT, 3)
        }
        let late = NetworkFailure(reason: .timeout, doing: doing, detail: "no connection within \(timeout.short)")
        var code = socket.connect(to: address)
        // A Unix listener with a full backlog does not make us wait by itself.
        while code == EAGAIN {
            guard loop.now < limit else { throw late }
            try await loop.sleep(for: .milliseconds(10))
            code = socket.connect(to: address)
        }
        if code == EINPROGRESS || code == EINTR {
            try await writable(socket.descriptor, until: limit, orThrow: late)
            code = socket.takeError()
        }
        guard code == 0 else { throw NetworkFailure(doing: doing, code: code) }
        return try SocketStream(loop: loop, taking: socket.release(), name: address.text)
    }

    private func writable(_ descriptor: Int32, until limit: Moment, orThrow late: NetworkFailure) async throws {
        let ready = Promise<Void>()
        try loop.watch(descriptor, for: .write) { _ in ready.succeed(()) }
        let timer = loop.schedule(at: limit) { ready.fail(late) }
        defer {
            loop.cancel(timer)
            loop.forget(descriptor)
        }
        try await ready.value()
    }

    /// The failure of the last address, with what the others said.
    private static func summary(of failures: [NetworkFailure], connecting endpoint: Endpoint) -> NetworkFailure {
        let doing = "connect to \(endpoint)"
        guard let last = failures.last else {
            return NetworkFailure(reason: .resolve, doing: doing, detail: "the name has no address")
        }
        let detail = failures.count == 1 ? last.detail : failures.map(\.description).joined(separator: "; ")
        return NetworkFailure(reason: last.reason, doing: doing, detail: detail)
    }
}
