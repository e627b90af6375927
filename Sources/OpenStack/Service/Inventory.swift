package import Resilience
import World

/// The lists behind `Inventory`, shared with whoever finds out that they are stale.
struct InventoryCache: Sendable {
    let flavors: Cached<[Flavor]>
    let images: Cached<[Image]>
    let networks: Cached<[Network]>
    let groups: Cached<[SecurityGroup]>
    let zones: Cached<[AvailabilityZone]>
    let volumeZones: Cached<[AvailabilityZone]>

    init(lifetime: Duration, time: any TimeSource) {
        flavors = Cached(lifetime: lifetime, time: time)
        images = Cached(lifetime: lifetime, time: time)
        networks = Cached(lifetime: lifetime, time: time)
        groups = Cached(lifetime: lifetime, time: time)
        zones = Cached(lifetime: lifetime, time: time)
        volumeZones = Cached(lifetime: lifetime, time: time)
    }

    func drop() async {
        await flavors.drop()
        await images.drop()
        await networks.drop()
        await groups.drop()
        await zones.drop()
        await volumeZones.drop()
    }
}

/// What the cloud offers, fetched once for all jobs and kept for minutes. Dropped when Nova refuses something that it
/// names (`ServiceError.smellsOfStaleness`).
package struct Inventory: Sendable {
    let cache: InventoryCache
    let compute: Compute
    let images: Images
    let networks: Networks
    let blockStorage: BlockStorage

    package func flavors(for call: Call) async throws -> [Flavor] {
        try await cache.flavors.value { try await compute.flavors(for: call) }
    }

    /// Active ones, newest first.
    package func images(for call: Call) async throws -> [Image] {
        try await cache.images.value { try await images.active(for: call) }
    }

    package func networks(for call: Call) async throws -> [Network] {
        try await cache.networks.value { try await networks.networks(for: call) }
    }

    package func securityGroups(for call: Call) async throws -> [SecurityGroup] {
        try await cache.groups.value { try await networks.securityGroups(for: call) }
    }

    package func zones(for call: Call) async throws -> [AvailabilityZone] {
        try await cache.zones.value { try await compute.zones(for: call) }
    }

    /// Where volumes can be made.
    package func volumeZones(for call: Call) async throws -> [AvailabilityZone] {
        try await cache.volumeZones.value { try await blockStorage.zones(for: call) }
    }

    package func drop() async {
        await cache.drop()
    }
}
