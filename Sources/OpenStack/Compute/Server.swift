package import HTTPKit
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

extension Server: JSONReadable {
    private struct Address: JSONReadable {
        var addr: String
        var version: Int?
        var type: String?
        var mac: String?

        init(json: JSONValue) throws(JSONError) {
            addr = try json.read("addr")
            version = try json.readIfPresent("version")
            type = try json.readIfPresent("OS-EXT-IPS:type")
            mac = try json.readIfPresent("OS-EXT-IPS-MAC:mac_addr")
        }
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.read("id")
        name = try json.readIfPresent("name") ?? ""
        status = ServerStatus(try json.readIfPresent("status") ?? "UNKNOWN")
        taskState = try json.readIfPresent("OS-EXT-STS:task_state")
        vmState = try json.readIfPresent("OS-EXT-STS:vm_state")
        metadata = try json.readIfPresent("metadata") ?? [:]
        created = try json.readTime("created")
        updated = try json.readTime("updated")
        let networks: [String: [Address]] = try json.readIfPresent("addresses") ?? [:]
        addresses = networks.sorted { $0.key < $1.key }.flatMap { network, addresses in
            addresses.map {
                ServerAddress(
                    network: network, address: $0.addr, version: $0.version ?? ($0.addr.contains(":") ? 6 : 4),
                    type: $0.type ?? "fixed", mac: $0.mac)
            }
        }
        // `""` when booted from a volume, else an object; a flavor has no id from 2.47 on.
        imageID = json["image"]?["id"]?.string
        flavorID = json["flavor"]?["id"]?.string
        zone = try json.readIfPresent("OS-EXT-AZ:availability_zone")
        fault = try json.readIfPresent("fault")
        volumeIDs = []
        for volume in try json.readIfPresent("os-extended-volumes:volumes_attached") ?? [] as [JSONValue] {
            volumeIDs.append(try volume.read("id"))
        }
    }
}
