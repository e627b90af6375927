package import Resilience
import World

/// The lists behind `Inventory`, shared with whoever finds out that they are stale.
struct InventoryCache: Sendable {
    let flavors: Cached<Listing<Flavor>>
    let images: Cached<Listing<Image>>
    let networks: Cached<Listing<Network>>
    let groups: Cached<Listing<SecurityGroup>>
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
/// names (`ServiceError.smellsOfStaleness`). What cannot be read is left out (`odd`).
package struct Inventory: Sendable {
    let cache: InventoryCache
    let compute: Compute
    let images: Images
    let networks: Networks
    let blockStorage: BlockStorage

    package func flavors(for call: Call) async throws -> [Flavor] {
        try await cache.flavors.value { try await compute.flavors(for: call) }.items
    }

    /// Active ones, newest first.
    package func images(for call: Call) async throws -> [Image] {
        try await cache.images.value { try await images.active(for: call) }.items
    }

    package func networks(for call: Call) async throws -> [Network] {
        try await cache.networks.value { try await networks.networks(for: call) }.items
    }

    /// Of the project alone.
    package func securityGroups(for call: Call) async throws -> [SecurityGroup] {
        try await cache.groups.value { try await networks.securityGroups(for: call) }.items
    }

    package func zones(for call: Call) async throws -> [AvailabilityZone] {
        try await cache.zones.value { try await compute.zones(for: call) }
    }

    /// Where volumes can be made.
    package func volumeZones(for call: Call) async throws -> [AvailabilityZone] {
        try await cache.volumeZones.value { try await blockStorage.zones(for: call) }
    }

    /// What the lists held that could not be read, one line each: where nothing can be chosen, it may be one of these.
    package var odd: [String] {
        get async {
            let flavors = await cache.flavors.kept?.odd ?? []
            let images = await cache.images.kept?.odd ?? []
            let networks = await cache.networks.kept?.odd ?? []
            let groups = await cache.groups.kept?.odd ?? []
            return flavors.map { "flavor \($0)" } + images.map { "image \($0)" } + networks.map { "network \($0)" }
                + groups.map { "security group \($0)" }
        }
    }

    package func drop() async {
        await cache.drop()
    }
}
