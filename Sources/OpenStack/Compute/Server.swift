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
    package var address: String
    package var mac: String?

    package init(address: String, mac: String? = nil) {
        self.address = address
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
    package var metadata: [String: String]
    package var created: Timestamp?
    /// Networks and addresses in Nova's order, by which libcloud, and so teuthology, takes the first.
    package var addresses: [ServerAddress]
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
    /// What tells whose a server is, and whether it stands, must be readable where it is there; the rest is read if it can
    /// be.
    package init(json: JSONValue) throws(JSONError) {
        id = try json.read("id")
        name = try json.readIfPresent("name") ?? ""
        status = ServerStatus(try json.readIfPresent("status") ?? "UNKNOWN")
        taskState = try json.readIfPresent("OS-EXT-STS:task_state")
        metadata = try json.readMetadata()
        created = json.readTime("created")
        let networks: Networks? = try json.readIfPresent("addresses")
        addresses = networks?.addresses ?? []
        zone = json["OS-EXT-AZ:availability_zone"]?.string
        fault = json["fault"].map(ServerFault.init)
        volumeIDs = (json["os-extended-volumes:volumes_attached"]?.array ?? []).compactMap { $0["id"]?.string }
    }

    private struct Networks: JSONReadable {
        var addresses: [ServerAddress] = []

        init(json: JSONValue) throws(JSONError) {
            for (network, _) in try JSONObject(json: json) {
                let here: [ServerAddress] = try json.read(network)
                addresses += here
            }
        }
    }
}

extension ServerAddress: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        address = try json.read("addr")
        mac = try json.readIfPresent("OS-EXT-IPS-MAC:mac_addr")
    }
}
