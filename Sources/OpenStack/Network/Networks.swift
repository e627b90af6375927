import HTTPKit
package import Resilience

/// A network that servers may be put on. Names are not unique.
package struct Network: Sendable, Hashable, Identifiable, Decodable {
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

    private enum Key: String, CodingKey {
        case id, name, shared
        case external = "router:external"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        id = try values.decode(String.self, forKey: .id)
        name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
        isExternal = try values.decodeIfPresent(Bool.self, forKey: .external) ?? false
        isShared = try values.decodeIfPresent(Bool.self, forKey: .shared) ?? false
    }
}

/// Names are not unique.
package struct SecurityGroup: Sendable, Hashable, Identifiable, Decodable {
    package var id: String
    package var name: String

    package init(id: String, name: String) {
        self.id = id
        self.name = name
    }

    private enum Key: String, CodingKey { case id, name }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        id = try values.decode(String.self, forKey: .id)
        name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
    }
}

/// Neutron v2.0 (facts/openstack.md 1.6).
package struct Networks: Sendable {
    let client: ServiceClient

    private struct NetworkPage: ListPage {
        var networks: [Network]
        var networks_links: [PageLink]?

        var items: [Network] { networks }
        var next: String? { networks_links.next }
    }

    private struct GroupPage: ListPage {
        var security_groups: [SecurityGroup]
        var security_groups_links: [PageLink]?

        var items: [SecurityGroup] { security_groups }
        var next: String? { security_groups_links.next }
    }

    package func networks(for call: Call) async throws -> [Network] {
        let request = ServiceRequest(method: .get, path: "/networks", intent: .look, operation: "list networks")
        return try await client.list(NetworkPage.self, request, for: call, complete: true, judge: Self.judge).items
    }

    package func securityGroups(for call: Call) async throws -> [SecurityGroup] {
        let request = ServiceRequest(
            method: .get, path: "/security-groups", query: "fields=id&fields=name", intent: .look,
            operation: "list security groups")
        return try await client.list(GroupPage.self, request, for: call, complete: true, judge: Self.judge).items
    }

    /// The cheapest question that needs a token.
    package func ping(for call: Call) async throws {
        let request = ServiceRequest(
            method: .get, path: "/networks", query: "limit=1&fields=id", intent: .look, operation: "ask for a network")
        _ = try await client.send(request, for: call, judge: Self.judge)
    }

    private static let judge: ServiceClient.Judge = { NetworkVerdicts.verdict(of: $0, intent: .look) }
}
