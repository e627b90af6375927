package import HTTPKit
import OrderedCollections
package import World

/// All servers and volumes at one moment: for invariants, and for the Sandbox's state page. Sorted by name, then id.
package struct CloudSnapshot: Sendable, Hashable {
    package struct Address: Sendable, Hashable {
        package let network: String
        package let address: String
        package let mac: String
    }

    package struct Server: Sendable, Hashable {
        package let id: String
        package let name: String
        /// Its project's name.
        package let project: String
        /// As Nova says it; DELETED ones are not in a snapshot.
        package let status: String
        package let task: String?
        package let metadata: [String: String]
        package let flavor: String
        /// nil: booted from a volume.
        package let image: String?
        package let zone: String
        package let addresses: [Address]
        /// Ids, in the order of attaching.
        package let volumes: [String]
        package let securityGroups: [String]
        /// As it was sent: base64.
        package let userData: String?
        package let fault: String?
        package let isLocked: Bool
        package let created: Timestamp
    }

    package struct Volume: Sendable, Hashable {
        package let id: String
        package let name: String
        package let project: String
        package let status: String
        package let size: Int
        package let metadata: [String: String]
        /// The server that it is reserved for or attached to.
        package let server: String?
        package let device: String?
        package let zone: String
        package let created: Timestamp
    }

    package let servers: [Server]
    package let volumes: [Volume]
    package let serversCreated: Int
    package let volumesCreated: Int

    /// `GET /sandbox/state`.
    package var json: JSONValue {
        [
            "servers": .array(servers.map(Self.json)), "volumes": .array(volumes.map(Self.json)),
            "servers_created": .integer(serversCreated), "volumes_created": .integer(volumesCreated),
        ]
    }

    private static func json(_ server: Server) -> JSONValue {
        [
            "id": .string(server.id), "name": .string(server.name), "project": .string(server.project),
            "status": .string(server.status), "task_state": .text(server.task), "metadata": .map(server.metadata),
            "flavor": .string(server.flavor), "image": .text(server.image),
            "availability_zone": .string(server.zone),
            "addresses": .array(
                server.addresses.map { address in
                    [
                        "network": .string(address.network), "address": .string(address.address),
                        "mac": .string(address.mac),
                    ]
                }),
            "volumes": .array(server.volumes.map(JSONValue.string)),
            "security_groups": .array(server.securityGroups.map(JSONValue.string)),
            "user_data": .text(server.userData), "fault": .text(server.fault), "locked": .bool(server.isLocked),
            "created": .string(server.created.seconds),
        ]
    }

    private static func json(_ volume: Volume) -> JSONValue {
        [
            "id": .string(volume.id), "name": .string(volume.name), "project": .string(volume.project),
            "status": .string(volume.status), "size": .integer(volume.size), "metadata": .map(volume.metadata),
            "server": .text(volume.server), "device": .text(volume.device), "availability_zone": .string(volume.zone),
            "created": .string(volume.created.seconds),
        ]
    }
}

extension OpenStackCloud {
    package mutating func snapshot(at now: Timestamp) -> CloudSnapshot {
        advance(to: now)
        let shown = servers.values.filter { !$0.isGone && $0.state != .deleted }
        return CloudSnapshot(
            servers: shown.map(snapshot).sorted { ($0.name, $0.id) < ($1.name, $1.id) },
            volumes: volumes.values.map(snapshot).sorted { ($0.name, $0.id) < ($1.name, $1.id) },
            serversCreated: serversCreated, volumesCreated: volumesCreated)
    }

    private func snapshot(_ server: CloudServer) -> CloudSnapshot.Server {
        let addresses = server.ports.compactMap { ports[$0] }.map { port in
            CloudSnapshot.Address(
                network: networks[port.network]?.name ?? port.network, address: CloudNetwork.text(port.address),
                mac: port.mac)
        }
        return CloudSnapshot.Server(
            id: server.id, name: server.name, project: projects[server.project]?.name ?? server.project,
            status: server.status, task: server.task, metadata: server.metadata, flavor: server.flavor.name,
            image: server.image.flatMap { images[$0]?.name }, zone: server.zone ?? zones.first ?? "",
            addresses: addresses, volumes: Array(server.disks.keys), securityGroups: server.securityGroups,
            userData: server.userData, fault: server.state == .error ? server.fault?.message : nil,
            isLocked: server.isLocked, created: server.created)
    }

    private func snapshot(_ volume: CloudVolume) -> CloudSnapshot.Volume {
        CloudSnapshot.Volume(
            id: volume.id, name: volume.name ?? "", project: projects[volume.project]?.name ?? volume.project,
            status: volume.status, size: volume.size, metadata: volume.metadata, server: volume.attachment?.server,
            device: volume.attachment?.device, zone: volume.zone, created: volume.created)
    }
}
