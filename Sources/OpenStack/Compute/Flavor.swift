package import HTTPKit

/// A size of machine.
package struct Flavor: Sendable, Hashable, Identifiable, JSONReadable {
    package var id: String
    package var name: String
    /// MB
    package var ram: Int
    /// GB
    package var disk: Int
    package var vcpus: Int

    package init(id: String, name: String, ram: Int, disk: Int, vcpus: Int) {
        self.id = id
        self.name = name
        self.ram = ram
        self.disk = disk
        self.vcpus = vcpus
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.read("id")
        name = try json.readIfPresent("name") ?? ""
        ram = try json.readIfPresent("ram") ?? 0
        disk = try json.readIfPresent("disk") ?? 0
        vcpus = try json.readIfPresent("vcpus") ?? 0
    }
}
