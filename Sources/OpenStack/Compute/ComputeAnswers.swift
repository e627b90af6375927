package import HTTPKit

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
        instances = json.readLimit("maxTotalInstances")
        instancesUsed = json["totalInstancesUsed"]?.integer ?? 0
        cores = json.readLimit("maxTotalCores")
        coresUsed = json["totalCoresUsed"]?.integer ?? 0
        ram = json.readLimit("maxTotalRAMSize")
        ramUsed = json["totalRAMUsed"]?.integer ?? 0
    }
}

/// How a service took a DELETE.
package enum Deletion: Sendable, Hashable {
    /// It will be done; only a later look that finds nothing proves it.
    case accepted(requestID: String?)
    case alreadyGone
}
