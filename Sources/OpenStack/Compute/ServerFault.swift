package import HTTPKit
/// Why a server went to ERROR.
package struct ServerFault: Sendable, Hashable, JSONReadable {
    package var code: Int
    package var message: String

    package init(code: Int, message: String) {
        self.code = code
        self.message = message
    }

    package init(json: JSONValue) throws(JSONError) {
        code = try json.readIfPresent("code") ?? 500
        message = ErrorEnvelope.plain(try json.readIfPresent("message") ?? "")
    }

    package var kind: FaultKind { FaultKind(self) }
}

/// What to do about a fault.
package enum FaultKind: String, Sendable, Hashable, CaseIterable {
    /// The project's quota, found out after the 202 (facts/openstack.md 1.4).
    case quota
    /// No hypervisor has room, or none is up: another zone may have.
    case noValidHost = "no-valid-host"
    /// The network has no free address.
    case noAddress = "no-address"
    /// The build itself failed: worth another try.
    case other

    init(_ fault: ServerFault) {
        let text = fault.message.lowercased()
        self =
            if fault.code == 413 || text.contains("quota exceeded") || text.contains("quota has been exceeded") {
                .quota
            } else if text.contains("no fixed ip addresses available") || text.contains("no more ip addresses") {
                .noAddress
            } else if text.hasPrefix("no valid host was found"), !text.contains("exceeded max scheduling attempts") {
                .noValidHost
            } else {
                // Also "Exceeded maximum number of retries. Exhausted all hosts…": hosts had room, builds failed.
                .other
            }
    }

    /// Whether it works when somebody else gives something up.
    package var isCapacity: Bool { self != .other }
}
