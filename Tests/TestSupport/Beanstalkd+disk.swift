import World

/// A full disk without a disk: the limit of the size of files (RLIMIT_FSIZE) is met where ENOSPC would be, when the
/// binlog's next file is to be made, and beanstalkd answers alike. Nobody needs to be root for it.
extension Beanstalkd {
    /// What `-s` says when nobody says it.
    private static let fileSize = 10_485_760
    private static let filler = "filler"

    /// The tube of the jobs that fill the binlog.
    package nonisolated var fillerTube: String { Self.filler }

    /// Leaves no room in the binlog, for the smallest record.
    package func fillDisk() async throws {
        // What is inside the current file must stay writable, or beanstalkd gives its binlog up (facts E3).
        try await limit("fsize", to: String(Self.fileSize - 1))
        isDiskFull = true
        let client = LineClient(try await dialer.connect(to: endpoint, timeout: .seconds(5)))
        defer { client.close() }
        _ = try await client.ask("use \(Self.filler)")
        // These take what is left when no put fits any more.
        var delayed: [String] = []
        for _ in 0..<3 {
            let answer = try await client.ask("put 1 86400 60 0\r\n")
            if let id = answer.split(separator: " ").last, answer.hasPrefix("INSERTED") { delayed.append(String(id)) }
        }
        for size in [65_000, 6_500, 650, 65, 0] {
            let put = "put 1 0 60 \(size)\r\n\(String(repeating: "x", count: size))"
            while try await client.ask(put).hasPrefix("INSERTED") {}
        }
        for id in delayed where try await client.ask("kick-job \(id)") != "KICKED" { return }
        throw EndedEarly(description: "the binlog of beanstalkd does not become full")
    }

    /// There is room again, as if a bigger disk had come.
    package func enlargeDisk() async throws {
        isDiskFull = false
        if process != nil { try await limit("fsize", to: "unlimited") }
    }
}

/// A client that sends a line and reads a line.
private struct LineClient {
    private let stream: any ByteStream

    init(_ stream: any ByteStream) {
        self.stream = stream
    }

    func ask(_ line: String) async throws -> String {
        stream.write(Array("\(line)\r\n".utf8))
        var answer: [UInt8] = []
        while answer.last != 10 {
            guard let bytes = try await stream.read() else {
                throw EndedEarly(description: "beanstalkd ended the connection")
            }
            answer += bytes
        }
        return String(decoding: answer.dropLast(2), as: UTF8.self)
    }

    func close() { stream.close() }
}
