package import HTTPKit
package import Resilience

/// A network that servers may be put on. Names are not unique.
package struct Network: Sendable, Hashable, Identifiable, JSONReadable {
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

/// Names are not unique.
package struct SecurityGroup: Sendable, Hashable, Identifiable, JSONReadable {
    package var id: String
    package var name: String
    var projectID: String?

    package init(json: JSONValue) throws(JSONError) {
        id = try json.read("id")
        name = try json.readIfPresent("name") ?? ""
        projectID = json["project_id"]?.string
    }
}

/// Neutron v2.0 (facts/openstack.md 1.6).
package struct Networks: Sendable {
    let client: ServiceClient

    func networks(for call: Call) async throws -> Listing<Network> {
        let request = ServiceRequest(method: .get, path: "/networks", intent: .look, operation: "list networks")
        return try await client.list("networks", request, for: call, complete: true, judge: Self.judge)
    }

    /// Of the project that we are logged in to. An administrator sees those of all projects, and RBAC shares others: each
    /// project has one named `default`.
    func securityGroups(for call: Call) async throws -> Listing<SecurityGroup> {
        let project = try await client.identity.projectID(for: call)
        let query = [("fields", "id"), ("fields", "name"), ("fields", "project_id")]
        let request = ServiceRequest(
            method: .get, path: "/security-groups",
            query: URLText.query((project.map { [("project_id", $0)] } ?? []) + query), intent: .look,
            operation: "list security groups")
        var listing: Listing<SecurityGroup> = try await client.list(
            "security_groups", request, for: call, complete: true, judge: Self.judge)
        // Whatever a plugin of Neutron makes of the filter.
        listing.items.removeAll { $0.projectID ?? project != project }
        return listing
    }

    /// The cheapest question that needs a token.
    package func ping(for call: Call) async throws {
        let request = ServiceRequest(
            method: .get, path: "/networks", query: "limit=1&fields=id", intent: .look, operation: "ask for a network")
        _ = try await client.send(request, for: call, judge: Self.judge)
    }

    private static let judge: ServiceClient.Judge = { NetworkVerdicts.verdict(of: $0, intent: .look) }
}
