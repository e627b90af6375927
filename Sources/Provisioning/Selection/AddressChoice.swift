package import Lab

/// `ssh_interface`: which of a server's addresses is the node's (facts/openstack.md 6.1).
package enum SSHInterface: String, Sendable, Hashable, CaseIterable {
    case publicIPs = "public_ips"
    case privateIPs = "private_ips"
}

/// libcloud's sorting of addresses and teuthology's choice among them: the first IPv4 address of the kind
/// (facts/teuthology.md 3.3).
package enum AddressChoice {
    /// - Parameter addresses: in the order of the server's `addresses`, as text.
    /// - Returns: nil while there is none: the server is not usable yet.
    package static func choose(_ addresses: [String], for interface: SSHInterface) -> IPAddress? {
        addresses.lazy.compactMap { IPAddress($0) }.first { address in
            address.isV4 && address.isPrivate == (interface == .privateIPs)
        }
    }
}
