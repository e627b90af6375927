import World

/// Files that are looked for in the current folder. Whoever can write there could plant one, and a configuration says
/// which secrets are read and where they are sent.
enum CurrentFolder {
    /// - Returns: why the file is not to be read; nil when it may be, is not there, or is of another folder.
    /// - Throws: `FileFailure`; `CancellationError`.
    static func objection(to path: String, _ files: any FileSystem) async throws -> String? {
        guard path.hasPrefix("./"), let isFileOurs = try await files.isOnlyOurs(path) else { return nil }
        if !isFileOurs { return "not read: others than you and root can write it" }
        let isFolderOurs = try await files.isOnlyOurs(".")
        return isFolderOurs == false ? "not read: others than you and root can write the current folder" : nil
    }
}
