import Glibc
import World

/// Files by the system's calls, on threads of their own: a network file system may block for minutes.
struct PosixFiles: FileSystem {
    private let threads: WorkerThreads
    private let random: any RandomSource

    init(random: any RandomSource) throws {
        threads = try WorkerThreads("files", limit: 2)
        self.random = random
    }

    func read(_ path: String, limit: Int) async throws -> [UInt8] {
        try await look { try Self.readAll(path, limit) }
    }

    func write(_ path: String, _ bytes: [UInt8], mode: UInt16) async throws {
        let temporary = "\(path).\(String(random.next(), radix: 36)).new"
        try await perform {
            do {
                try Self.create(temporary, bytes, mode)
                guard rename(temporary, path) == 0 else { throw Self.failure(path) }
            } catch {
                unlink(temporary)
                throw error
            }
            Self.syncFolder(of: path)
        }
    }

    func permissions(_ path: String) async throws -> UInt16? {
        try await look { try Self.status(of: path).map { UInt16($0.st_mode & 0o7777) } }
    }

    func modified(_ path: String) async throws -> Timestamp? {
        try await look {
            try Self.status(of: path).map {
                Timestamp(microseconds: Int64($0.st_mtim.tv_sec) * 1_000_000 + Int64($0.st_mtim.tv_nsec) / 1_000)
            }
        }
    }

    func isOnlyOurs(_ path: String) async throws -> Bool? {
        try await look {
            try Self.status(of: path).map { [0, geteuid()].contains($0.st_uid) && $0.st_mode & 0o022 == 0 }
        }
    }

    func createFolder(_ path: String) async throws {
        try await perform { try Self.makeFolder(path) }
    }

    func remove(_ path: String) async throws {
        try await perform {
            guard unlink(path) == 0 || errno == ENOENT else { throw Self.failure(path) }
        }
    }

    /// What changes nothing need not be awaited once nobody wants it any more: a dead file server must not hold up the end
    /// of a process, or of a time-out.
    private func look<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try Task.checkCancellation()
        return try await threads.runAbandonable(work)
    }

    private func perform<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try Task.checkCancellation()
        return try await threads.run(work)
    }

    // MARK: On a thread of ours

    private static func status(of path: String) throws -> stat? {
        var status = stat()
        if stat(path, &status) == 0 { return status }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw failure(path)
    }

    private static func readAll(_ path: String, _ limit: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path) }
        if status.st_mode & S_IFMT == S_IFDIR { throw failure(path, EISDIR) }
        // A size is a hint only: files in /proc have none, and others grow.
        var bytes: [UInt8] = []
        var chunk = min(max(Int(status.st_size), 4_096), 1 << 20) + 1
        while true {
            let count = try append(from: descriptor, upTo: chunk, to: &bytes, path)
            if count == 0 { return bytes }
            guard bytes.count <= limit else {
                throw FileFailure(reason: .tooLarge, path: path, detail: "more than \(limit) bytes")
            }
            chunk = 1 << 16
        }
    }

    private static func append(from descriptor: Int32, upTo size: Int, to bytes: inout [UInt8], _ path: String) throws
        -> Int
    {
        try withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { buffer in
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, size)
                if count >= 0 {
                    bytes.append(contentsOf: buffer.prefix(count))
                    return count
                }
                if errno != EINTR { throw failure(path) }
            }
        }
    }

    private static func create(_ path: String, _ bytes: [UInt8], _ mode: UInt16) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(0o600))
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var start = 0
        while start < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: start), $0.count - start)
            }
            if count >= 0 {
                start += count
            } else if errno != EINTR {
                throw failure(path)
            }
        }
        // By fchmod, as the mode of `open` is subject to the umask.
        guard fchmod(descriptor, mode_t(mode)) == 0, fsync(descriptor) == 0 else { throw failure(path) }
    }

    /// The rename itself survives a loss of power only once its folder is on the disk.
    private static func syncFolder(of path: String) {
        let descriptor = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func makeFolder(_ path: String) throws {
        if mkdir(path, mode_t(0o700)) == 0 { return }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw failure(path, ENOTDIR) }
        case ENOENT where folder(of: path) != path:
            try makeFolder(folder(of: path))
            guard mkdir(path, mode_t(0o700)) == 0 || errno == EEXIST else { throw failure(path) }
        default: throw failure(path)
        }
    }

    private static func folder(of path: String) -> String {
        let trimmed = path.hasSuffix("/") ? String(path.dropLast()) : path
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    private static func failure(_ path: String, _ code: Int32 = errno) -> FileFailure {
        let reason: FileFailure.Reason =
            switch code {
            case ENOENT, ENOTDIR: .missing
            case EACCES, EPERM, EROFS: .denied
            case EFBIG: .tooLarge
            default: .system
            }
        return FileFailure(reason: reason, path: path, detail: SystemError.text(code))
    }
}
