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
    /// The name of the machine that this one runs on; paddles nests its whole record.
    package var vmHost: String?
    package var osType: String?
    package var osVersion: String?
    package var arch: String?
    package var locked: Bool
    package var lockedSince: Timestamp?
    package var lockedBy: String?
    package var macAddress: String?
    package var sshPublicKey: String?

    package init(
        name: String, description: String? = nil, up: Bool? = nil, machineType: String? = nil, isVM: Bool = false,
        vmHost: String? = nil, osType: String? = nil, osVersion: String? = nil, arch: String? = nil,
        locked: Bool = false, lockedSince: Timestamp? = nil, lockedBy: String? = nil, macAddress: String? = nil,
        sshPublicKey: String? = nil
    ) {
        self.name = name
        self.description = description
        self.up = up
        self.machineType = machineType
        self.isVM = isVM
        self.vmHost = vmHost
        self.osType = osType
        self.osVersion = osVersion
        self.arch = arch
        self.locked = locked
        self.lockedSince = lockedSince
        self.lockedBy = lockedBy
        self.macAddress = macAddress
        self.sshPublicKey = sshPublicKey
    }
}

extension NodeRecord: Decodable {
    private enum CodingKeys: String, CodingKey {
        case name, description, up, arch, locked
        case machineType = "machine_type"
        case isVM = "is_vm"
        case vmHost = "vm_host"
        case osType = "os_type"
        case osVersion = "os_version"
        case lockedSince = "locked_since"
        case lockedBy = "locked_by"
        case macAddress = "mac_address"
        case sshPublicKey = "ssh_pub_key"
    }

    private struct Host: Decodable {
        var name: String
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        name = try fields.decode(String.self, forKey: .name)
        description = try fields.decodeIfPresent(String.self, forKey: .description)
        up = try fields.decodeIfPresent(Bool.self, forKey: .up)
        machineType = try fields.decodeIfPresent(String.self, forKey: .machineType)
        isVM = try fields.decodeIfPresent(Bool.self, forKey: .isVM) ?? false
        vmHost = try fields.decodeIfPresent(Host.self, forKey: .vmHost)?.name
        osType = try fields.decodeIfPresent(String.self, forKey: .osType)
        osVersion = try fields.decodeIfPresent(String.self, forKey: .osVersion)
        arch = try fields.decodeIfPresent(String.self, forKey: .arch)
        // Whether a machine is locked is what everything else rests on: never guessed.
        locked = try fields.decode(Bool.self, forKey: .locked)
        lockedBy = try fields.decodeIfPresent(String.self, forKey: .lockedBy)
        macAddress = try fields.decodeIfPresent(String.self, forKey: .macAddress)
        sshPublicKey = try fields.decodeIfPresent(String.self, forKey: .sshPublicKey)
        if let text = try fields.decodeIfPresent(String.self, forKey: .lockedSince) {
            guard let moment = Timestamp(parsing: text) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .lockedSince, in: fields, debugDescription: "\(text.debugDescription) is no point in time")
            }
            lockedSince = moment
        }
    }
}
