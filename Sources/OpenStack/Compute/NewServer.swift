import HTTPKit

/// What `POST /servers` needs. Unknown keys are refused by Nova, so nothing is sent that is not set.
package struct NewServer: Sendable, Hashable {
    /// Nova accepts 65,535 characters of base64, which is this many bytes (facts/openstack.md, "Seven that matter most").
    package static let userDataLimit = 49_149

    package var name: String
    package var imageID: String
    package var flavorID: String
    /// Each becomes a NIC, in this order. Nil: the key is not sent, and Nova takes the project's only network.
    package var networkIDs: [String]?
    /// Names or ids; empty: not sent.
    package var securityGroups: [String]
    /// As the guest shall read it; see `packed`.
    package var userData: [UInt8]
    /// Values of at most 255 bytes.
    package var metadata: [String: String]
    package var zone: String?
    package var keyName: String?
    package var configDrive: Bool?

    package init(
        name: String, imageID: String, flavorID: String, networkIDs: [String]? = nil, securityGroups: [String] = [],
        userData: [UInt8] = [], metadata: [String: String] = [:], zone: String? = nil, keyName: String? = nil,
        configDrive: Bool? = nil
    ) {
        self.name = name
        self.imageID = imageID
        self.flavorID = flavorID
        self.networkIDs = networkIDs
        self.securityGroups = securityGroups
        self.userData = userData
        self.metadata = metadata
        self.zone = zone
        self.keyName = keyName
        self.configDrive = configDrive
    }

    /// As it is sent: what is too large for Nova is compressed, which cloud-init undoes (facts/openstack.md section 3, 25).
    /// It may still be too large.
    package static func packed(_ userData: [UInt8]) -> [UInt8] {
        userData.count > userDataLimit ? Gzip.compress(userData) : userData
    }

    var body: JSONValue {
        var server: JSONObject = [
            "name": .string(name), "imageRef": .string(imageID), "flavorRef": .string(flavorID),
        ]
        if let networkIDs { server["networks"] = .array(networkIDs.map { ["uuid": .string($0)] }) }
        if !securityGroups.isEmpty {
            server["security_groups"] = .array(securityGroups.map { ["name": .string($0)] })
        }
        if !userData.isEmpty { server["user_data"] = .string(Base64.encode(Self.packed(userData))) }
        if !metadata.isEmpty { server["metadata"] = .object(JSONObject(metadata.mapValues { .string($0) })) }
        if let zone { server["availability_zone"] = .string(zone) }
        if let keyName { server["key_name"] = .string(keyName) }
        if let configDrive { server["config_drive"] = .bool(configDrive) }
        return ["server": .object(server)]
    }
}

/// What Nova says of a new server: hardly more than its id.
package struct CreatedServer: Sendable, Hashable {
    package var id: String
    package var requestID: String?
}
