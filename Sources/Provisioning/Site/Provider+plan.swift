import Configuration
import Jobs
import OpenStack
import Pipelines
import Resilience
import YAMLKit

extension Provider {
    /// Chooses everything for a job by teuthology's rules, from what the cloud offers now.
    /// - Throws: `Ending` (rejected) when nothing can be chosen because of the job, `ServiceError` (site) when because of
    ///   the configuration.
    func plan(for job: Job, node: NodeName, for call: Call) async throws -> BuildPlan {
        do {
            return try await choose(job, node, call)
        } catch let error as SelectionError {
            if let odd = await cloud.inventory.odd.first {
                throw ServiceError(
                    service: "configuration", provider: name, operation: "choose what to build",
                    message: "\(error.message); the cloud also lists what cannot be read: \(odd)", kind: .site,
                    next: "look at it in the cloud; otherwise: \(error.next)")
            }
            switch error.fault {
            case .job: throw Ending(.rejected, error.cause, error.message, next: error.next)
            case .configuration:
                throw ServiceError(
                    service: "configuration", provider: name, operation: "choose what to build", message: error.message,
                    kind: .site, next: error.next)
            }
        }
    }

    private func choose(_ job: Job, _ node: NodeName, _ call: Call) async throws -> BuildPlan {
        let osType = job.osType ?? osDefaults.osType
        guard let osVersion = job.osVersion ?? osDefaults.osVersions[osType] else {
            throw SelectionError(
                "no-version", .job, "no version is given for \(osType), and there is no default for it",
                next: "name os_version, or add a default to defaults.os_versions")
        }
        let levels = try SizeReader.levels(
            openstack: job.wishes.openstack, machine: job.wishes.machine, volumes: job.wishes.volumes)
        let size = NodeSize(largestOf: levels, site: siteSize)
        // Before anything is built: a cloud without block storage serves only jobs without volumes.
        if size.volumes.count > 0 { try await cloud.blockStorage.findEndpoint(for: call) }
        let userData = try UserData.compose(
            userdata: settings.userData(osType, osVersion).map { .map([("\(osType)-\(osVersion)", $0)]) },
            osType: osType, osVersion: osVersion, hostname: node.qualified, authorizedKeys: authorizedKeys)

        let inventory = cloud.inventory
        let image = try ImageChoice.choose(
            try await inventory.images(for: call).map { ImageOption(id: $0.id, name: $0.name) }, osType: osType,
            osVersion: osVersion, exclude: settings.excludeImage)
        let flavor = try FlavorChoice.choose(
            try await inventory.flavors(for: call).map {
                FlavorOption(id: $0.id, name: $0.name, ram: $0.ram, disk: $0.disk, vcpus: $0.vcpus)
            }, for: size.machine, rules: rules)
        let networks = NetworkChoice.choose(
            try await inventory.networks(for: call).map { NetworkOption(id: $0.id, name: $0.name) },
            allow: settings.allowNetworks)
        let groups = try await groups(call)
        let volumeNames = VolumeNames.names(of: node.short, count: size.volumes.count)

        let server = NewServer(
            name: node.short, imageID: image.value.id, flavorID: flavor.value.id, networkIDs: networks.value.ids,
            securityGroups: settings.securityGroups ?? [], userData: Array(userData.utf8))
        return BuildPlan(
            server: server, osType: osType, osVersion: osVersion, volumeNames: volumeNames,
            volumeSize: size.volumes.size, spec: Self.digest(server, size.volumes),
            summary: [
                "image    \(image.value.name ?? "") (\(image.value.id))",
                "flavor   \(flavor.value.name) (\(flavor.value.ram) MB, \(flavor.value.disk) GB, \(flavor.value.vcpus) CPUs)",
                "networks \(networks.value.names)",
                "groups   \(groups.isEmpty ? "(none sent)" : groups.map(\.name).joined(separator: ", "))",
                "volumes  \(volumeNames.isEmpty ? "none" : "\(volumeNames.joined(separator: ", ")) of \(size.volumes.size) GB")",
            ], warnings: image.warnings + flavor.warnings + networks.warnings)
    }

    private func groups(_ call: Call) async throws -> [SecurityGroupOption] {
        guard let wanted = settings.securityGroups, !wanted.isEmpty else { return [] }
        let offered = try await cloud.inventory.securityGroups(for: call).map {
            SecurityGroupOption(id: $0.id, name: $0.name)
        }
        return try SecurityGroupChoice.choose(offered, wanted: wanted)
    }

    /// Short enough for metadata, long enough not to collide within one key.
    private static func digest(_ server: NewServer, _ volumes: VolumeSize) -> String {
        let parts = [
            server.imageID, server.flavorID, server.networkIDs?.joined(separator: ",") ?? "-",
            server.securityGroups.joined(separator: ","), String(decoding: server.userData, as: UTF8.self),
            "\(volumes.count)x\(volumes.size)",
        ]
        return String(SHA256.hex(of: Array(parts.joined(separator: "\n").utf8)).prefix(16))
    }
}

extension NetworkChoice.Attachment {
    fileprivate var ids: [String]? {
        if case .networks(let networks) = self { networks.map(\.id) } else { nil }
    }

    fileprivate var names: String {
        guard case .networks(let networks) = self else { return "(left to the cloud)" }
        return networks.isEmpty ? "none" : networks.map(\.name).joined(separator: ", ")
    }
}
