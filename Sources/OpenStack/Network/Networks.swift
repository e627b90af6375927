package import HTTPKit
package import Resilience

/// A network that servers may be put on. Names are not unique.
package struct Network: Sendable, Hashable, Identifiable, JSONReadable {
    package var id: String
    package var name: String
    package var isExternal: Bool
    package var isShared: Bool

    package init(id: String, name: String, isExternal: Bool = false, isShared: Bool = false) {
        self.id = id
        self.name = name
        self.isExternal = isExternal
        self.isShared = isShared
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.read("id")
        name = try json.readIfPresent("name") ?? ""
        isExternal = try json.readIfPresent("router:external") ?? false
        isShared = try json.readIfPresent("shared") ?? false
    }
}

/// Names are not unique.
package struct SecurityGroup: Sendable, Hashable, Identifiable, JSONReadable {
    package var id: String
    package var name: String

    package init(id: String, name: String) {
        self.id = id
        self.name = name
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.read("id")
        name = try json.readIfPresent("name") ?? ""
    }
}

/// Neutron v2.0 (facts/openstack.md 1.6).
package struct Networks: Sendable {
    let client: ServiceClient

    package func networks(for call: Call) async throws -> [Network] {
        let request = ServiceRequest(method: .get, path: "/networks", intent: .look, operation: "list networks")
        return try await client.list("networks", request, for: call, complete: true, judge: Self.judge).items
    }

    package func securityGroups(for call: Call) async throws -> [SecurityGroup] {
        let request = ServiceRequest(
            method: .get, path: "/security-groups", query: "fields=id&fields=name", intent: .look,
            operation: "list security groups")
        return try await client.list("security_groups", request, for: call, complete: true, judge: Self.judge).items
    }

    /// The cheapest question that needs a token.
    package func ping(for call: Call) async throws {
        let request = ServiceRequest(
            method: .get, path: "/networks", query: "limit=1&fields=id", intent: .look, operation: "ask for a network")
        _ = try await client.send(request, for: call, judge: Self.judge)
    }

    private static let judge: ServiceClient.Judge = { NetworkVerdicts.verdict(of: $0, intent: .look) }
}
