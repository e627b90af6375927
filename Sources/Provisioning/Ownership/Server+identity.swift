import Lab
import OpenStack

extension Server {
    /// Whether a NIC of this server has the address; paddles and Nova may differ in case.
    func hasMAC(_ mac: String) -> Bool { addresses.contains { $0.mac?.lowercased() == mac.lowercased() } }

    var parsedAddresses: [IPAddress] { addresses.compactMap { IPAddress($0.address) } }
}
