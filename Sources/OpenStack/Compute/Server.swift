package import World

/// The states of a server that we act on (facts/openstack.md 1.4); Nova has a dozen more.
package enum ServerStatus: Sendable, Hashable {
    case build, active, error, deleted, softDeleted
    case other(String)

    init(_ text: String) {
        self =
            switch text.uppercased() {
            case "BUILD": .build
            case "ACTIVE": .active
            case "ERROR": .error
            case "DELETED": .deleted
            case "SOFT_DELETED": .softDeleted
            default: .other(text)
            }
    }

    /// As Nova writes it.
    package var name: String {
        switch self {
        case .build: "BUILD"
        case .active: "ACTIVE"
        case .error: "ERROR"
        case .deleted: "DELETED"
        case .softDeleted: "SOFT_DELETED"
        case .other(let text): text
        }
    }
}

package struct ServerAddress: Sendable, Hashable {
    package var network: String
    package var address: String
    /// 4 or 6
    package var version: Int
    /// `fixed` or `floating`
    package var type: String
    package var mac: String?

    package init(network: String, address: String, version: Int = 4, type: String = "fixed", mac: String? = nil) {
        self.network = network
        self.address = address
        self.version = version
        self.type = type
        self.mac = mac
    }
}

/// A server as a list or a look by id shows it. Everything but the id may be missing: servers in ERROR have no image,
/// those in a cell that is down have next to nothing (facts/openstack.md 1.4).
package struct Server: Sendable, Hashable, Identifiable {
    package var id: String
    package var name: String
    package var status: ServerStatus
    /// `scheduling`, `networking`, `spawning`, `deleting`…
    package var taskState: String?
    package var vmState: String?
    package var metadata: [String: String]
    package var created: Timestamp?
    package var updated: Timestamp?
    /// By network name, then in Nova's order.
    package var addresses: [ServerAddress]
    /// Nil when it was booted from a volume.
    package var imageID: String?
    package var flavorID: String?
    package var zone: String?
    package var fault: ServerFault?
    /// Of the volumes attached to it.
    package var volumeIDs: [String]

    /// Status stays what it was while a server is being deleted; only this tells.
    package var isDeleting: Bool {
        taskState == "deleting" || taskState == "soft-deleting" || status == .deleted || status == .softDeleted
    }
}

extension Server: Decodable {
    private enum Key: String, CodingKey {
        case id, name, status, metadata, created, updated, addresses, image, flavor, fault
        case taskState = "OS-EXT-STS:task_state"
        case vmState = "OS-EXT-STS:vm_state"
        case zone = "OS-EXT-AZ:availability_zone"
        case volumes = "os-extended-volumes:volumes_attached"
    }

    private struct Reference: Decodable {
        var id: String?
    }

    private struct Address: Decodable {
        enum CodingKeys: String, CodingKey {
            case addr, version
            case type = "OS-EXT-IPS:type"
            case mac = "OS-EXT-IPS-MAC:mac_addr"
        }
        var addr: String
        var version: Int?
        var type: String?
        var mac: String?
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        id = try values.decode(String.self, forKey: .id)
        name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
        status = ServerStatus(try values.decodeIfPresent(String.self, forKey: .status) ?? "UNKNOWN")
        taskState = try values.decodeIfPresent(String.self, forKey: .taskState)
        vmState = try values.decodeIfPresent(String.self, forKey: .vmState)
        metadata = try values.decodeIfPresent([String: String].self, forKey: .metadata) ?? [:]
        created = try values.decodeIfPresent(String.self, forKey: .created).flatMap { Timestamp(parsing: $0) }
        updated = try values.decodeIfPresent(String.self, forKey: .updated).flatMap { Timestamp(parsing: $0) }
        let networks = try values.decodeIfPresent([String: [Address]].self, forKey: .addresses) ?? [:]
        addresses = networks.sorted { $0.key < $1.key }.flatMap { network, addresses in
            addresses.map {
                ServerAddress(
                    network: network, address: $0.addr, version: $0.version ?? ($0.addr.contains(":") ? 6 : 4),
                    type: $0.type ?? "fixed", mac: $0.mac)
            }
        }
        // `""` when booted from a volume, else an object; a flavor has no id from 2.47 on.
        imageID = (try? values.decodeIfPresent(Reference.self, forKey: .image))?.id
        flavorID = (try? values.decodeIfPresent(Reference.self, forKey: .flavor))?.id
        zone = try values.decodeIfPresent(String.self, forKey: .zone)
        fault = try values.decodeIfPresent(ServerFault.self, forKey: .fault)
        volumeIDs = (try values.decodeIfPresent([Reference].self, forKey: .volumes) ?? []).compactMap(\.id)
    }
}

struct ServerAnswer: Decodable, Sendable {
    var server: Server
}

struct ServerPage: ListPage {
    var servers: [Server]
    var servers_links: [PageLink]?

    var items: [Server] { servers }
    var next: String? { servers_links.next }
}
