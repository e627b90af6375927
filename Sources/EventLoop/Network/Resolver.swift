import Glibc
import World

/// Names to addresses with the system's own rules (hosts file, nsswitch, search list). `getaddrinfo` blocks for as long
/// as the slowest name server takes, so it has threads of its own.
final class Resolver: Sendable {
    private let threads: WorkerThreads
    private let time: any TimeSource

    init(time: any TimeSource) throws {
        threads = try WorkerThreads("resolver", limit: 4)
        self.time = time
    }

    /// Every address of a host, in the order in which the system prefers them; a numeric one is taken as it is.
    /// - Throws: `NetworkFailure` (`.resolve`; `.timeout` at `deadline`); `CancellationError` at once.
    func addresses(of host: String, port: UInt16, kind: SocketKind, by deadline: Moment) async throws
        -> [SocketAddress]
    {
        let numeric = Self.look(up: host, port, kind, AI_NUMERICHOST)
        if case .success(let found) = numeric, !found.isEmpty { return found }
        let limit = deadline - time.now
        do {
            return try await time.withTimeout(limit, doing: "resolve \(host)") { [threads] in
                try await threads.runAbandonable { try Self.look(up: host, port, kind, 0).get() }
            }
        } catch let error as TimeoutError {
            throw NetworkFailure(reason: .timeout, doing: error.doing, detail: "no answer in time")
        }
    }

    private static func look(up host: String, _ port: UInt16, _ kind: SocketKind, _ flags: Int32)
        -> Result<[SocketAddress], NetworkFailure>
    {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = kind.rawValue
        hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        let error = errno
        guard code == 0 else {
            let detail = code == EAI_SYSTEM ? SystemError.text(error) : gai_strerror(code).map { String(cString: $0) }
            return .failure(
                NetworkFailure(reason: .resolve, doing: "resolve \(host)", detail: detail ?? "error \(code)"))
        }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var entry = list
        while let current = entry?.pointee {
            if let address = current.ai_addr {
                let one = SocketAddress(copying: address, length: current.ai_addrlen)
                if !found.contains(one) { found.append(one) }
            }
            entry = current.ai_next
        }
        return .success(found)
    }
}
