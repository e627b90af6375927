import Glibc

/// A client that sends bytes and keeps every byte that comes back, on a thread of its own so that no test blocks one.
struct RawClient: Sendable {
    enum End: Sendable, Hashable { case closed, reset, silent }

    struct Outcome: Sendable {
        var text: String
        var end: End

        /// Header names are compared as they are written.
        var lines: [String] { text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init) }
        var body: String { text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "" }
    }

    struct Failure: Error { var call: String, code: Int32 }

    let port: Int

    /// - Parameter patience: how long nothing may come before the client leaves.
    func send(
        _ text: String, thenEnds: Bool = false, patience: Duration = .seconds(10)
    ) async throws -> Outcome {
        try await send(Array(text.utf8), thenEnds: thenEnds, patience: patience)
    }

    func send(
        _ bytes: [UInt8], thenEnds: Bool = false, patience: Duration = .seconds(10)
    ) async throws -> Outcome {
        let port = port
        return try await withCheckedThrowingContinuation { continuation in
            // Not Dispatch's threads: blocked, they would keep the concurrency runtime from running anything at all.
            let work = Unmanaged.passRetained(
                Work { continuation.resume(with: Result { try Self.exchange(port, bytes, thenEnds, patience) }) })
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run() }
                    return nil
                }, work.toOpaque())
            if code == 0 {
                pthread_detach(thread)
            } else {
                work.release()
                continuation.resume(throwing: Failure(call: "pthread_create", code: code))
            }
        }
    }

    private final class Work {
        let run: () -> Void

        init(_ run: @escaping () -> Void) {
            self.run = run
        }
    }

    private static func exchange(
        _ port: Int, _ bytes: [UInt8], _ thenEnds: Bool, _ patience: Duration
    ) throws -> Outcome {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(call: "socket", code: errno) }
        defer { close(descriptor) }
        let (seconds, attoseconds) = patience.components
        var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(call: "connect", code: errno) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // A server that refuses a long body may stop reading it.
            if count <= 0 { break }
            sent += count
        }
        if thenEnds { shutdown(descriptor, Int32(SHUT_WR)) }
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                received += chunk[..<count]
                continue
            }
            let end: End = count == 0 ? .closed : errno == ECONNRESET ? .reset : .silent
            return Outcome(text: String(decoding: received, as: UTF8.self), end: end)
        }
    }
}
