/// A password or token, fetched when it is needed and never kept: a file that was changed is read again at the next
/// login. Its description says nothing.
package struct CloudSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let read: @Sendable () async throws -> String

    package init(_ read: @escaping @Sendable () async throws -> String) {
        self.read = read
    }

    func reveal() async throws -> String { try await read() }

    package var description: String { "(secret)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
