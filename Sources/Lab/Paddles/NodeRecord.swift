package import HTTPKit
package import World

/// A test machine as paddles knows it (facts/teuthology.md 1.3).
package struct NodeRecord: Sendable, Hashable {
    /// The FQDN.
    package var name: String
    package var description: String?
    /// nil until somebody says whether the machine is usable.
    package var up: Bool?
    package var machineType: String?
    package var isVM: Bool
    package var osType: String?
    package var osVersion: String?
    package var locked: Bool
    package var lockedSince: Timestamp?
    package var lockedBy: String?
    package var macAddress: String?
    package var sshPublicKey: String?

    package init(
        name: String, description: String? = nil, up: Bool? = nil, machineType: String? = nil, isVM: Bool = false,
        osType: String? = nil, osVersion: String? = nil, locked: Bool = false, lockedSince: Timestamp? = nil,
        lockedBy: String? = nil, macAddress: String? = nil,
        sshPublicKey: String? = nil
    ) {
        self.name = name
        self.description = description
        self.up = up
        self.machineType = machineType
        self.isVM = isVM
        self.osType = osType
        self.osVersion = osVersion
        self.locked = locked
        self.lockedSince = lockedSince
        self.lockedBy = lockedBy
        self.macAddress = macAddress
        self.sshPublicKey = sshPublicKey
    }
}

extension NodeRecord: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        name = try json.read("name")
        description = try json.readIfPresent("description")
        up = try json.readIfPresent("up")
        machineType = try json.readIfPresent("machine_type")
        isVM = try json.readIfPresent("is_vm") ?? false
        osType = try json.readIfPresent("os_type")
        osVersion = try json.readIfPresent("os_version")
        // Whether a machine is locked is what everything else rests on: never guessed.
        locked = try json.read("locked")
        lockedBy = try json.readIfPresent("locked_by")
        macAddress = try json.readIfPresent("mac_address")
        sshPublicKey = try json.readIfPresent("ssh_pub_key")
        lockedSince = json["locked_since"]?.string.flatMap { Timestamp(parsing: $0) }
    }
}
