package struct FileFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Reason: String, Sendable, Hashable { case missing, denied, tooLarge, system }

    package var reason: Reason
    package var path: String
    package var detail: String

    package init(reason: Reason, path: String, detail: String) {
        self.reason = reason
        self.path = path
        self.detail = detail
    }

    package var description: String { "\(path): \(detail)" }
}

/// Small files, read and written whole; blocking work happens off the loop.
package protocol FileSystem: Sendable {
    /// - Throws: `FileFailure`; `.tooLarge` beyond `limit` bytes.
    func read(_ path: String, limit: Int) async throws -> [UInt8]
    /// Replaces a file atomically (new file, then rename), with `mode` as its permission bits.
    func write(_ path: String, _ bytes: [UInt8], mode: UInt16) async throws
    /// The permission bits, or nil when there is no such file.
    func permissions(_ path: String) async throws -> UInt16?
    /// Whether only root and the user of this process can change the file or folder, by owner and permission bits; nil when
    /// there is none.
    func isOnlyOurs(_ path: String) async throws -> Bool?
    /// When it was written last, or nil when there is no such file.
    func modified(_ path: String) async throws -> Timestamp?
    /// Creates a folder and its parents (mode 0700 for new ones); one that exists is fine.
    func createFolder(_ path: String) async throws
    /// Removes a file; one that does not exist is fine.
    func remove(_ path: String) async throws
}
