/// The five services of a cloud that the worker talks to.
package enum CloudService: String, Sendable, Hashable, CaseIterable {
    case keystone
    case nova
    case glance
    case neutron
    case cinder
}

/// Where each service says that it is: in the catalog and in the links of its answers. Without a slash at the end.
package struct CloudEndpoints: Sendable, Hashable {
    package var keystone: String
    package var nova: String
    package var glance: String
    package var neutron: String
    package var cinder: String

    package init(keystone: String, nova: String, glance: String, neutron: String, cinder: String) {
        self.keystone = keystone
        self.nova = nova
        self.glance = glance
        self.neutron = neutron
        self.cinder = cinder
    }

    /// All services behind one address, under the paths that DevStack uses.
    package init(root: String) {
        self.init(
            keystone: root + "/identity", nova: root + "/compute", glance: root + "/image",
            neutron: root + "/network", cinder: root + "/volume")
    }

    package subscript(service: CloudService) -> String {
        switch service {
        case .keystone: keystone
        case .nova: nova
        case .glance: glance
        case .neutron: neutron
        case .cinder: cinder
        }
    }
}
