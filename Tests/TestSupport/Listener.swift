package import EventLoop
import Glibc
package import World

/// A listening socket on the loop, for servers that a test plays itself. Only ever on this machine.
package actor Listener {
    package enum Place: Sendable, Hashable {
        case loopback4, loopback6
        case unix(path: String)
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    package nonisolated let endpoint: Endpoint

    private nonisolated let loop: EventLoop
    private let descriptor: Int32
    private var waiting: [Promise<Void>] = []

    /// Listens on a free port, or at a path.
    package init(on place: Place = .loopback4, loop: EventLoop, backlog: Int32 = 1_024) async throws {
        let (descriptor, endpoint) = try Self.open(place, backlog)
        self.loop = loop
        self.descriptor = descriptor
        self.endpoint = endpoint
        try loop.watch(descriptor, for: .read) { [weak self] _ in self?.assumeIsolated { $0.ready() } }
    }

    deinit { loop.discard(descriptor) }

    package nonisolated var port: UInt16 {
        if case .tcp(_, let port) = endpoint { port } else { 0 }
    }

    /// The next connection. With `resetting`, closing it sends a reset instead of an end.
    package func accept(resetting: Bool = false) async throws -> SocketStream {
        let descriptor = try await acceptDescriptor()
        if resetting {
            var option = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        }
        return try SocketStream(loop: loop, taking: descriptor, name: "client of \(endpoint)")
    }

    /// The next connection's descriptor, non-blocking; the caller closes it.
    package func acceptDescriptor() async throws -> Int32 {
        while true {
            let accepted = Glibc.accept(descriptor, nil, nil)
            if accepted >= 0 {
                _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
                _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
                return accepted
            }
            guard errno == EAGAIN else { throw SystemError(doing: "accept on \(endpoint)") }
            let promise = Promise<Void>()
            waiting.append(promise)
            try loop.change(descriptor, to: .read)
            try await promise.value()
        }
    }

    private func ready() {
        let woken = waiting
        waiting = []
        for promise in woken { promise.succeed(()) }
        // Nobody accepts: connections wait in the backlog, and epoll need not tell us again and again.
        if woken.isEmpty { try? loop.change(descriptor, to: []) }
    }

    private static func open(_ place: Place, _ backlog: Int32) throws -> (Int32, Endpoint) {
        let family =
            switch place {
            case .loopback4: AF_INET
            case .loopback6: AF_INET6
            case .unix: AF_UNIX
            }
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, flags, 0)
        guard descriptor >= 0 else { throw SystemError(doing: "open a listener") }
        let result =
            switch place {
            case .loopback4: bind4(descriptor)
            case .loopback6: bind6(descriptor)
            case .unix(let path): bindUnix(descriptor, path)
            }
        guard result == 0, listen(descriptor, backlog) == 0 else {
            let error = SystemError(doing: "listen at \(place)")
            close(descriptor)
            throw error
        }
        let endpoint: Endpoint =
            switch place {
            case .loopback4: .tcp(host: "127.0.0.1", port: portOf(descriptor))
            case .loopback6: .tcp(host: "::1", port: portOf(descriptor))
            case .unix(let path): .unix(path: path)
            }
        return (descriptor, endpoint)
    }

    private static func bind4(_ descriptor: Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return bind(descriptor, &address)
    }

    private static func bind6(_ descriptor: Int32) -> Int32 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0[15] = 1 }
        return bind(descriptor, &address)
    }

    private static func bindUnix(_ descriptor: Int32, _ path: String) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        return bind(descriptor, &address)
    }

    private static func bind<Address>(_ descriptor: Int32, _ address: inout Address) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    /// The port of an Internet socket: at the same place for IPv4 and IPv6.
    private static func portOf(_ descriptor: Int32) -> UInt16 {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: address.sin6_port)
    }
}

/// A port of 127.0.0.1 that nobody listens on at this moment.
package func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemError(doing: "look for a free port") }
    defer { close(descriptor) }
    return try Listener.bindFree(descriptor)
}

extension Listener {
    fileprivate static func bindFree(_ descriptor: Int32) throws -> UInt16 {
        guard bind4(descriptor) == 0 else { throw SystemError(doing: "look for a free port") }
        return portOf(descriptor)
    }
}
