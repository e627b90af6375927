import Glibc

/// What `printf … | nc` does, and no stream of ours: sends, ends its sending, and reads to the end.
enum HalfClosingClient {
    static func ask(_ bytes: [UInt8], port: UInt16) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw ScriptFailure(description: "no socket: \(errno)") }
        defer { close(descriptor) }
        // A broker that says nothing ends the test rather than the patience of its reader.
        var limit = timeval(tv_sec: 4, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0, write(descriptor, bytes, bytes.count) == bytes.count,
            shutdown(descriptor, Int32(SHUT_WR)) == 0
        else { throw ScriptFailure(description: "cannot talk to port \(port): \(errno)") }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return received }
            guard count > 0 else { throw ScriptFailure(description: "no end from port \(port): \(errno)") }
            received += buffer[..<count]
        }
    }
}
