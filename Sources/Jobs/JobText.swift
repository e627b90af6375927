package import YAMLKit

/// Writes job bodies: what `cirrata enqueue` puts.
package struct JobText: Sendable {
    package var action: JobAction
    package var entries: [(String, Node)]

    package init(action: JobAction, entries: [(String, Node)]) {
        self.action = action
        self.entries = entries
    }

    package var encoded: [UInt8] {
        Array(
            YAMLWriter.write(.map([("v", .integer(JobBody.version)), ("action", .string(action.rawValue))] + entries))
                .utf8)
    }
}
