import Configuration
import Jobs
import Lab
package import OpenStack
package import Resilience
import World
import YAMLKit

/// One entry of `libcloud.providers`, with its cloud and its gates.
package final class Provider: Sendable {
    package let name: String
    package let cloud: Cloud
    let settings: ProviderSettings
    let rules: FlavorChoice.Rules
    let osDefaults: OSDefaults
    let siteSize: SizeLevel
    let authorizedKeys: [String]
    let labDomain: String
    /// Servers that this process has asked for, for `max_servers`.
    let creates = Locked(CreateLedger())
    /// Volumes created at once, over all jobs of this process.
    let volumePermits: Permits

    init(
        _ configuration: ProviderConfiguration, cloud: Cloud, osDefaults: OSDefaults, sizes: SizeSettings,
        authorizedKeys: [String], labDomain: String
    ) {
        let settings = configuration.settings
        name = configuration.name
        self.cloud = cloud
        self.settings = settings
        rules = FlavorChoice.Rules(
            allow: settings.allowSizes, exclude: settings.excludeSizes, mode: settings.excludeSizesMode)
        self.osDefaults = osDefaults
        siteSize = SizeLevel(
            disk: sizes.machine.diskGB, ram: sizes.machine.ramMB, cpus: sizes.machine.cpus, count: sizes.volumes.count,
            size: sizes.volumes.sizeGB)
        self.authorizedKeys = authorizedKeys
        self.labDomain = labDomain
        volumePermits = Permits(8)
    }

    var zones: [String] { settings.availabilityZones }
    var maxServers: Int? { settings.maximumServers }
    var adoptsUnmarked: Bool { settings.adoptsUnmarked }
    var volumeType: String? { settings.volumeType }
    package var gates: [Gate] { cloud.gates.all }

    package var isClosed: Bool { gates.contains(where: \.state.isClosed) }

    /// Some step found that there is no room for another server.
    func noCapacity(_ why: String) { cloud.gates.compute.closeForCapacity(why) }

    /// A server came up.
    func capacityProved() { cloud.gates.compute.capacityProved() }

    func capacityFreed() {
        cloud.gates.compute.capacityFreed()
        cloud.gates.blockStorage.capacityFreed()
    }

    /// Where volumes for a server are made: in its own zone, as Nova may not attach others, if Cinder has one of that name.
    /// - Returns: nil: Cinder chooses.
    func volumeZone(beside server: Server, for call: Call) async throws -> String? {
        if let zone = settings.volumeZone { return zone }
        guard let zone = server.zone else { return nil }
        let offered = try await cloud.inventory.volumeZones(for: call)
        return offered.contains { $0.name == zone && $0.isAvailable } ? zone : nil
    }

    /// A refusal that is about what the configuration says of volumes is not the job's fault.
    func judge(refusal: ServiceError) -> ServiceError {
        let settings = [("volume_zone", settings.volumeZone), ("volume_type", settings.volumeType)]
        let named = settings.filter { _, value in value.map { refusal.message.contains($0) } ?? false }
        guard refusal.kind == .permanent, !named.isEmpty else { return refusal }
        var refusal = refusal
        refusal.kind = .site
        refusal.next = "correct \(named.map(\.0).joined(separator: " or ")) of provider \(name) in the configuration"
        return refusal
    }

    /// The address on `ssh_interface`, and the MAC of its NIC.
    func chosenAddress(of server: Server) -> (address: IPAddress, mac: String?)? {
        let interface: SSHInterface = settings.sshInterface == .private ? .privateIPs : .publicIPs
        guard let address = AddressChoice.choose(server.addresses.map(\.address), for: interface) else { return nil }
        return (address, server.addresses.first { IPAddress($0.address) == address }?.mac)
    }
}
