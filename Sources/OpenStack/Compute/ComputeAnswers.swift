package import HTTPKit
/// A volume on a server, as Nova sees it. Its id in paths is the volume's.
package struct VolumeAttachment: Sendable, Hashable, JSONReadable {
    package var volumeID: String
    package var serverID: String
    /// A hint at best (facts/openstack.md 1.4).
    package var device: String?

    package init(json: JSONValue) throws(JSONError) {
        volumeID = try json.read("volumeId")
        serverID = try json.readIfPresent("serverId") ?? ""
        device = try json.readIfPresent("device")
    }
}

package struct AvailabilityZone: Sendable, Hashable, JSONReadable {
    package var name: String
    package var isAvailable: Bool

    package init(json: JSONValue) throws(JSONError) {
        name = try json.read("zoneName")
        isAvailable = json["zoneState"]?["available"]?.bool ?? true
    }
}

/// How much of the project's quota is used; nil where there is no limit.
package struct ComputeLimits: Sendable, Hashable, JSONReadable {
    package var instances: Int?
    package var instancesUsed: Int
    package var cores: Int?
    package var coresUsed: Int
    /// MB
    package var ram: Int?
    package var ramUsed: Int

    package init(json: JSONValue) throws(JSONError) {
        instances = try json.readLimit("maxTotalInstances")
        instancesUsed = try json.readIfPresent("totalInstancesUsed") ?? 0
        cores = try json.readLimit("maxTotalCores")
        coresUsed = try json.readIfPresent("totalCoresUsed") ?? 0
        ram = try json.readLimit("maxTotalRAMSize")
        ramUsed = try json.readIfPresent("totalRAMUsed") ?? 0
    }
}

/// How a service took a DELETE.
package enum Deletion: Sendable, Hashable {
    /// It will be done; only a later look that finds nothing proves it.
    case accepted(requestID: String?)
    case alreadyGone
}
