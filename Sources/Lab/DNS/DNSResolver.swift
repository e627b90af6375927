import Resilience
package import World

/// What a DNS server says of the addresses of a name.
package enum DNSAnswer: Sendable, Hashable {
    case addresses([IPAddress])
    /// The answer was cut (TC): there may be more addresses than these. It is not asked again over TCP, because a node
    /// has one address, and an answer that long is wrong in any case.
    case incomplete([IPAddress])
    /// NXDOMAIN.
    case noName
    /// The name exists without addresses of this family.
    case noData
    /// Another RCODE, such as 2 (server failure) or 5 (refused).
    case failed(code: UInt8)
}

extension DNSAnswer: CustomStringConvertible {
    package var description: String {
        switch self {
        case .addresses(let addresses): addresses.map(\.description).joined(separator: ", ")
        case .incomplete(let addresses): "a cut answer with \(addresses.count.counted("address", "addresses"))"
        case .noName: "no such name"
        case .noData: "no address"
        case .failed(2): "server failure"
        case .failed(5): "refused"
        case .failed(let code): "error code \(code)"
        }
    }
}

/// Asks one DNS server over UDP. The configured one, not the system's resolver: what counts is what the lab's
/// own server holds, not what a cache remembers.
package struct DNSResolver: Sendable {
    package struct Server: Sendable, Hashable, CustomStringConvertible {
        /// An address, or a name that the system can resolve.
        package var host: String
        package var port: UInt16

        package init(host: String, port: UInt16 = 53) {
            self.host = host
            self.port = port
        }

        package var description: String { Endpoint.tcp(host: host, port: port).description }
    }

    package enum Family: Sendable, Hashable {
        case v4, v6
    }

    private let server: Server
    private let attempts: Int
    private let timeout: Duration
    private let world: World

    /// - Parameter timeout: for each of the attempts.
    package init(server: Server, attempts: Int = 3, timeout: Duration = .seconds(2), world: World) {
        self.server = server
        self.attempts = attempts
        self.timeout = timeout
        self.world = world
    }

    /// Asks until there is an answer that is one: right id, right question, well formed.
    /// - Throws: `ServiceError` (transient) when none came; (permanent) for text that is no name; `CancellationError`.
    package func addresses(of name: String, _ family: Family = .v4) async throws -> DNSAnswer {
        guard let name = DNSName(name) else {
            throw failure("\(name.prefix(80).debugDescription) is no domain name", .permanent, next: "correct the name")
        }
        var last = "no attempt was made"
        for _ in 0..<max(1, attempts) {
            do {
                return try await ask(name, family == .v4 ? .a : .aaaa)
            } catch let error as NetworkFailure {
                last = error.detail
            } catch let error as DNSMessage.Malformed {
                last = error.description
            }
        }
        throw failure(
            "\(server) gave no answer about \(name): \(last)", .transient, next: "check the DNS server \(server)")
    }

    private func ask(_ name: DNSName, _ type: DNSMessage.RecordType) async throws -> DNSAnswer {
        let id = UInt16(truncatingIfNeeded: world.random.next())
        let reply = try await world.datagrams.exchange(
            DNSMessage.query(id: id, name: name, type: type), with: server.host, port: server.port, timeout: timeout,
            accept: { Self.isReply($0, id: id) })
        let message = try DNSMessage(parsing: reply)
        // Servers that could not read the query may leave the question out.
        guard message.questions.isEmpty || message.questions == [.init(name: name, type: type.rawValue)] else {
            throw DNSMessage.Malformed(detail: "it answers another question")
        }
        let addresses = message.addresses(of: name).filter { $0.isV4 == (type == .a) }
        switch message.responseCode {
        case 0 where message.isTruncated: return .incomplete(addresses)
        case 0: return addresses.isEmpty ? .noData : .addresses(addresses)
        case 3: return .noName
        case let code: return .failed(code: code)
        }
    }

    /// Whether a datagram is the response to the query of that id; what else arrives is not ours to judge.
    private static func isReply(_ bytes: [UInt8], id: UInt16) -> Bool {
        bytes.count >= 12 && bytes[0] == UInt8(id >> 8) && bytes[1] == UInt8(id & 255) && bytes[2] & 0x80 != 0
    }

    private func failure(_ message: String, _ kind: ErrorClass, next: String) -> ServiceError {
        ServiceError(service: "dns", operation: "look up address", message: message, kind: kind, next: next)
    }
}
