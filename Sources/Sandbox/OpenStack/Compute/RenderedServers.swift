import HTTPKit

/// Servers as lists show them, each written once until it changes: workers list a thousand of them every second, and
/// writing them costs more than everything else that a cloud does.
struct RenderedServers: Sendable {
    private struct Entry: Sendable {
        var server: CloudServer
        var version: Microversion?
        var bytes: [UInt8]
    }

    private var entries: [String: Entry] = [:]

    /// - Parameter write: depends on the server, the version, and what `forget` is called for.
    mutating func append(
        _ server: CloudServer, _ version: Microversion?, to body: inout [UInt8], write: () -> JSONValue
    ) {
        if let entry = entries[server.id], entry.version == version, entry.server == server {
            body += entry.bytes
            return
        }
        let bytes = write().bytes
        entries[server.id] = Entry(server: server, version: version, bytes: bytes)
        body += bytes
    }

    /// Something that all servers show has changed.
    mutating func forget() { entries = [:] }

    mutating func forget(_ id: String) { entries[id] = nil }
}
