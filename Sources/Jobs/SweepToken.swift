package import World
import YAMLKit

/// The one job in the sweep tube: whoever holds it sweeps. Its body remembers what one sweep has to know of the one
/// before.
package struct SweepToken: Sendable, Hashable {
    /// When and by whom it was written.
    package var at: Timestamp
    package var worker: String
    /// The project that each provider's login led to, by provider.
    package var projects: [String: String]

    package init(at: Timestamp, worker: String, projects: [String: String] = [:]) {
        self.at = at
        self.worker = worker
        self.projects = projects
    }

    package static let version = 1

    package var encoded: [UInt8] {
        let projects = projects.sorted { $0.key < $1.key }.map { ($0.key, Node.string($0.value)) }
        return Array(
            YAMLWriter.write(
                .map([
                    ("v", .integer(Self.version)), ("at", .string(at.description)), ("worker", .string(worker)),
                    ("projects", .map(projects)),
                ])
            ).utf8)
    }

    /// - Throws: `Unreadable` when it is not a token of ours, or of a newer major version.
    package init(parsing bytes: [UInt8]) throws(Unreadable) {
        let record = try Record(parsing: bytes, what: "sweep token", version: Self.version)
        self.init(
            at: record.time("at"), worker: record.text("worker"),
            // Somebody else may have written it, and it is written anew with what is learned.
            projects: Dictionary(
                record.record("projects").pairs.filter { $0.utf8.count <= 128 && $1.utf8.count <= 128 }.prefix(100)
            ) { first, _ in first })
    }
}
