package import World

/// A password or token. It can be shown only by `reveal()`: description, dump and interpolation hide it.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where it came from: a file that has changed can be read again.
    package let reference: SecretReference
    private let text: String

    package init(_ text: String, from reference: SecretReference? = nil) {
        self.text = text
        self.reference = reference ?? .inline(text)
    }

    package func reveal() -> String { text }

    package var description: String { reference.isInline ? "(hidden)" : "(hidden, \(reference))" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    /// The secret as its file has it now; itself when it did not come from a file.
    /// - Throws: `SecretFailure` when the file cannot be used.
    package func refreshed(_ files: any FileSystem) async throws -> Secret {
        guard case .file(let path) = reference else { return self }
        return try await SecretStore.read(path, files)
    }

    /// When its file was written last; nil when it did not come from a file, or that cannot be told.
    package func modified(_ files: any FileSystem) async -> Timestamp? {
        guard case .file(let path) = reference else { return nil }
        return try? await files.modified(path)
    }
}

/// Why a reference leads to no secret.
package struct SecretFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package var reference: SecretReference
    package var problem: String

    package var description: String { "\(reference): \(problem)" }
}
