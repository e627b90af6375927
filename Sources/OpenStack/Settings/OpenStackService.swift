/// The services of a cloud that we use.
package enum OpenStackService: String, Sendable, Hashable, CaseIterable {
    case identity = "keystone"
    case compute = "nova"
    case image = "glance"
    case network = "neutron"
    case blockStorage = "cinder"

    /// The types under which catalogs list it, best first (facts/openstack.md 1.2).
    var catalogTypes: [String] {
        switch self {
        case .identity: ["identity"]
        case .compute: ["compute"]
        case .image: ["image"]
        case .network: ["network"]
        case .blockStorage: ["block-storage", "volumev3", "block-store", "volumev2", "volume"]
        }
    }
}
