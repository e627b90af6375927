/// A size of machine.
package struct Flavor: Sendable, Hashable, Identifiable, Decodable {
    package var id: String
    package var name: String
    /// MB
    package var ram: Int
    /// GB
    package var disk: Int
    package var vcpus: Int
    package var isDisabled: Bool

    package init(id: String, name: String, ram: Int, disk: Int, vcpus: Int, isDisabled: Bool = false) {
        self.id = id
        self.name = name
        self.ram = ram
        self.disk = disk
        self.vcpus = vcpus
        self.isDisabled = isDisabled
    }

    private enum Key: String, CodingKey {
        case id, name, ram, disk, vcpus
        case disabled = "OS-FLV-DISABLED:disabled"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        id = try values.decode(String.self, forKey: .id)
        name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
        ram = try values.decodeIfPresent(Int.self, forKey: .ram) ?? 0
        disk = try values.decodeIfPresent(Int.self, forKey: .disk) ?? 0
        vcpus = try values.decodeIfPresent(Int.self, forKey: .vcpus) ?? 0
        isDisabled = try values.decodeIfPresent(Bool.self, forKey: .disabled) ?? false
    }
}

struct FlavorPage: ListPage {
    var flavors: [Flavor]
    var flavors_links: [PageLink]?

    var items: [Flavor] { flavors }
    var next: String? { flavors_links.next }
}
