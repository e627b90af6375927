/// A volume on a server, as Nova sees it. Its id in paths is the volume's.
package struct VolumeAttachment: Sendable, Hashable, Decodable {
    package var volumeID: String
    package var serverID: String
    /// A hint at best (facts/openstack.md 1.4).
    package var device: String?

    private enum Key: String, CodingKey { case volumeId, serverId, device }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        volumeID = try values.decode(String.self, forKey: .volumeId)
        serverID = try values.decodeIfPresent(String.self, forKey: .serverId) ?? ""
        device = try values.decodeIfPresent(String.self, forKey: .device)
    }
}

package struct AvailabilityZone: Sendable, Hashable, Decodable {
    package var name: String
    package var isAvailable: Bool

    private enum Key: String, CodingKey { case zoneName, zoneState }
    private struct State: Decodable { var available: Bool? }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        name = try values.decode(String.self, forKey: .zoneName)
        isAvailable = try values.decodeIfPresent(State.self, forKey: .zoneState)?.available ?? true
    }
}

/// How much of the project's quota is used; nil where there is no limit.
package struct ComputeLimits: Sendable, Hashable, Decodable {
    package var instances: Int?
    package var instancesUsed: Int
    package var cores: Int?
    package var coresUsed: Int
    /// MB
    package var ram: Int?
    package var ramUsed: Int

    private enum Key: String, CodingKey {
        case maxTotalInstances, totalInstancesUsed, maxTotalCores, totalCoresUsed, maxTotalRAMSize, totalRAMUsed
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        func limit(_ key: Key) throws -> Int? {
            try values.decodeIfPresent(Int.self, forKey: key).flatMap { $0 < 0 ? nil : $0 }
        }
        instances = try limit(.maxTotalInstances)
        instancesUsed = try values.decodeIfPresent(Int.self, forKey: .totalInstancesUsed) ?? 0
        cores = try limit(.maxTotalCores)
        coresUsed = try values.decodeIfPresent(Int.self, forKey: .totalCoresUsed) ?? 0
        ram = try limit(.maxTotalRAMSize)
        ramUsed = try values.decodeIfPresent(Int.self, forKey: .totalRAMUsed) ?? 0
    }
}

/// How a service took a DELETE.
package enum Deletion: Sendable, Hashable {
    /// It will be done; only a later look that finds nothing proves it.
    case accepted(requestID: String?)
    case alreadyGone
}
