package import World

/// A password or token, fetched when it is needed and never kept: a file that was changed is read again at the next
/// login. Its description says nothing.
package struct CloudSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let read: @Sendable () async throws -> String
    private let modified: @Sendable () async -> Timestamp?

    /// - Parameter modified: when its file was written last, if it has one.
    package init(
        _ read: @escaping @Sendable () async throws -> String,
        modified: @escaping @Sendable () async -> Timestamp? = { nil }
    ) {
        self.read = read
        self.modified = modified
    }

    func reveal() async throws -> String { try await read() }

    /// What is another one after the secret or its file was changed. Tells nothing of the secret.
    func mark(of revealed: String) async -> Mark {
        let modified = await modified()
        return Mark(hash: revealed.hashValue, modified: modified)
    }

    struct Mark: Sendable, Hashable {
        fileprivate var hash: Int
        fileprivate var modified: Timestamp?
    }

    package var description: String { "(secret)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
