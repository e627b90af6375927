package import Resilience
package import World

extension Server: Watched {
    package var isVanishing: Bool { status == .deleted || status == .softDeleted }
}

extension Volume: Watched {
    package var isVanishing: Bool { false }
}

/// Polls a provider for all the steps that wait for something of it, and for all that look for what a key already has.
package struct Watcher: Sendable {
    private let serverPoller: Poller<Server>
    private let volumePoller: Poller<Volume>

    init(compute: Compute, blockStorage: BlockStorage, pace: PollingPace = PollingPace(), world: World) {
        serverPoller = Poller(
            source: PollingSource(
                one: { try await compute.server($0, for: $1) },
                all: { try await compute.servers(for: $0) },
                changes: { try await compute.servers(changedSince: $0, for: $1) }),
            pace: pace, world: world)
        volumePoller = Poller(
            source: PollingSource(
                one: { try await blockStorage.volume($0, for: $1) },
                all: { try await blockStorage.volumes(for: $0) }),
            pace: pace, world: world)
    }

    /// Waits until `isDone` is true of the server; nil when Nova says that there is no such server. A step's time-out
    /// ends the wait by cancelling it.
    /// - Throws: `ServiceError`, `CancellationError`.
    package func server(
        _ id: String, for call: Call, until isDone: @escaping @Sendable (Server) -> Bool
    ) async throws -> Server? {
        try await serverPoller.item(id, for: call, until: isDone)
    }

    /// Waits until there is no such server any more.
    package func serverGone(_ id: String, for call: Call) async throws {
        _ = try await server(id, for: call) { _ in false }
    }

    /// All servers of the project, from a request that began at or after `moment`.
    package func servers(requestedAfter moment: Moment, for call: Call) async throws -> Listing<Server> {
        try await serverPoller.listing(requestedAfter: moment, for: call)
    }

    /// Waits until `isDone` is true of the volume; nil when Cinder says that there is no such volume.
    /// - Throws: `ServiceError`, `CancellationError`.
    package func volume(
        _ id: String, for call: Call, until isDone: @escaping @Sendable (Volume) -> Bool
    ) async throws -> Volume? {
        try await volumePoller.item(id, for: call, until: isDone)
    }

    /// Waits until there is no such volume any more.
    package func volumeGone(_ id: String, for call: Call) async throws {
        _ = try await volume(id, for: call) { _ in false }
    }

    /// All volumes of the project, from a request that began at or after `moment`.
    package func volumes(requestedAfter moment: Moment, for call: Call) async throws -> Listing<Volume> {
        try await volumePoller.listing(requestedAfter: moment, for: call)
    }
}
