package import World

/// Files and folders by absolute path.
struct FileTree: Sendable {
    struct File: Sendable {
        var bytes: [UInt8]
        var mode: UInt16
        /// A count of what was written instead of a time: it is another one after each write.
        var modified: Timestamp
    }

    private(set) var files: [String: File] = [:]
    private var writes: Int64 = 0
    private var folders: [String: UInt16] = ["/": 0o755]

    func read(_ path: String, limit: Int) throws -> [UInt8] {
        guard let file = files[path] else { throw Self.missing(path) }
        guard file.bytes.count <= limit else {
            throw FileFailure(reason: .tooLarge, path: path, detail: "more than \(limit) bytes")
        }
        return file.bytes
    }

    mutating func write(_ path: String, _ bytes: [UInt8], mode: UInt16) throws {
        if folders[path] != nil { throw Self.isFolder(path) }
        guard folders[Self.parent(of: path)] != nil else { throw Self.missing(path) }
        writes += 1
        files[path] = File(bytes: bytes, mode: mode, modified: Timestamp(microseconds: writes))
    }

    func permissions(_ path: String) -> UInt16? { files[path]?.mode ?? folders[path] }

    mutating func createFolder(_ path: String, mode: UInt16 = 0o700) throws {
        var folder = ""
        for part in path.split(separator: "/") {
            folder += "/\(part)"
            if files[folder] != nil {
                throw FileFailure(reason: .system, path: folder, detail: "not a directory")
            }
            if folders[folder] == nil { folders[folder] = mode }
        }
    }

    mutating func remove(_ path: String) throws {
        if folders[path] != nil { throw Self.isFolder(path) }
        files[path] = nil
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    private static func missing(_ path: String) -> FileFailure {
        FileFailure(reason: .missing, path: path, detail: "no such file or directory")
    }

    private static func isFolder(_ path: String) -> FileFailure {
        FileFailure(reason: .system, path: path, detail: "is a directory")
    }
}

/// One file system in memory, shared by all processes of a simulation.
package final class SimulatedFiles: Sendable {
    private let tree = Locked(FileTree())
    private let failure = Locked((@Sendable (String) -> FileFailure?)?.none)

    /// Puts a file there before, or beside, what the processes do; folders above it come into being.
    package func place(_ path: String, _ bytes: [UInt8], mode: UInt16 = 0o600) throws {
        try tree.withLock { tree in
            try tree.createFolder(FileTree.parent(of: path), mode: 0o755)
            try tree.write(path, bytes, mode: mode)
        }
    }

    package func contents(_ path: String) -> [UInt8]? {
        tree.withLock { $0.files[path]?.bytes }
    }

    /// Every operation on a path asks first whether it fails.
    package func failing(_ decide: @escaping @Sendable (String) -> FileFailure?) {
        failure.withLock { $0 = decide }
    }

    func shutDown() {
        failure.withLock { $0 = nil }
    }

    func use<Result: Sendable>(_ path: String, _ body: (inout FileTree) throws -> Result) throws -> Result {
        if let failure = failure.withLock({ $0 })?(path) { throw failure }
        return try tree.withLock { tree in try body(&tree) }
    }
}

/// `FileSystem` as one process sees it.
struct ProcessFiles: FileSystem {
    let process: SimulatedProcess

    private var files: SimulatedFiles { process.surroundings.files }

    func read(_ path: String, limit: Int) async throws -> [UInt8] {
        try await process.gate.pass()
        try Task.checkCancellation()
        return try files.use(path) { tree in try tree.read(path, limit: limit) }
    }

    func write(_ path: String, _ bytes: [UInt8], mode: UInt16) async throws {
        let effect = try await process.begin(.file, "write \(path)")
        try files.use(path) { tree in try tree.write(path, bytes, mode: mode) }
        try await end(effect)
    }

    func permissions(_ path: String) async throws -> UInt16? {
        try await process.gate.pass()
        try Task.checkCancellation()
        return try files.use(path) { tree in tree.permissions(path) }
    }

    /// All files are of one user.
    func isOnlyOurs(_ path: String) async throws -> Bool? {
        try await permissions(path).map { $0 & 0o022 == 0 }
    }

    func modified(_ path: String) async throws -> Timestamp? {
        try await process.gate.pass()
        try Task.checkCancellation()
        return try files.use(path) { tree in tree.files[path]?.modified }
    }

    func createFolder(_ path: String) async throws {
        let effect = try await process.begin(.file, "create \(path)")
        try files.use(path) { tree in try tree.createFolder(path) }
        try await end(effect)
    }

    func remove(_ path: String) async throws {
        let effect = try await process.begin(.file, "remove \(path)")
        try files.use(path) { tree in try tree.remove(path) }
        try await end(effect)
    }

    private func end(_ effect: Effect) async throws {
        process.left(effect)
        try await process.gate.pass()
    }
}
