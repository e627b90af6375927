/// Where a byte stream goes.
package enum Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// `host` is a name, an IPv4 or an IPv6 address (without brackets).
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// Why a stream or a datagram failed, with the endpoint and what the system said.
package struct NetworkFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: String, Sendable, Hashable {
        case resolve, refused, unreachable, timeout, reset, closed, descriptors, system
    }

    package var reason: Reason
    package var doing: String
    package var detail: String

    package init(reason: Reason, doing: String, detail: String) {
        self.reason = reason
        self.doing = doing
        self.detail = detail
    }

    package var description: String { "\(doing): \(detail)" }
}

/// Opens byte streams.
package protocol Dialer: Sendable {
    /// Resolves and connects, trying every address of a name in turn.
    /// - Throws: `NetworkFailure`, also when `timeout` is over; `CancellationError`.
    func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream
}

/// One connected stream, used by one owner: one reader and one writer at a time.
package protocol ByteStream: Sendable {
    /// The next bytes, as many as are there (never an empty array); nil once the peer has ended the stream.
    /// - Throws: `NetworkFailure`; `CancellationError`, after which the stream can still be read.
    func read() async throws -> [UInt8]?
    /// Queues bytes and returns. They are sent at once when nothing is queued, else at the end of the loop's turn, so
    /// that pipelined commands share a packet. Failures show at the next `read` or `drained`.
    func write(_ bytes: [UInt8])
    /// Bytes queued and not yet handed to the kernel: for back-pressure.
    var unsent: Int { get }
    /// Returns when everything queued was handed to the kernel.
    /// - Throws: `NetworkFailure`; `CancellationError`.
    func drained() async throws
    /// Ends the stream at once; a waiting `read` throws `.closed`. May be called more than once.
    func close()
}

/// One question, one answer over UDP.
package protocol Datagrams: Sendable {
    /// Sends `payload` and returns the first datagram from that address which `accept` takes; others are dropped.
    /// - Throws: `NetworkFailure` (`.timeout` after `timeout`, `.refused` on ICMP unreachable); `CancellationError`.
    func exchange(
        _ payload: [UInt8], with host: String, port: UInt16, timeout: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> [UInt8]
}
