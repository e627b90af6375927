package import HTTPKit
package import Resilience

/// What a server is made from.
package struct Image: Sendable, Hashable, Identifiable, JSONReadable {
    package var id: String
    /// May be empty: Glance allows images without one.
    package var name: String
    package var status: String
    /// GB
    package var minDisk: Int
    /// MB
    package var minRAM: Int

    package init(id: String, name: String, status: String = "active", minDisk: Int = 0, minRAM: Int = 0) {
        self.id = id
        self.name = name
        self.status = status
        self.minDisk = minDisk
        self.minRAM = minRAM
    }

    package init(json: JSONValue) throws(JSONError) {
        id = try json.read("id")
        name = try json.readIfPresent("name") ?? ""
        status = try json.readIfPresent("status") ?? ""
        minDisk = json["min_disk"]?.integer ?? 0
        minRAM = json["min_ram"]?.integer ?? 0
    }
}

/// Glance v2 (facts/openstack.md 1.5).
package struct Images: Sendable {
    let client: ServiceClient

    /// Those that servers can be made from, newest first as Glance sorts them.
    package func active(for call: Call) async throws -> Listing<Image> {
        let request = ServiceRequest(
            method: .get, path: "/images", query: "status=active", intent: .look, operation: "list images")
        var listing: Listing<Image> = try await client.list(
            "images", request, for: call, complete: true, judge: Self.judge)
        listing.items.removeAll { $0.status != "active" }
        return listing
    }

    /// The cheapest question that needs a token.
    package func ping(for call: Call) async throws {
        let request = ServiceRequest(
            method: .get, path: "/images", query: "limit=1", intent: .look, operation: "ask for an image")
        _ = try await client.send(request, for: call, judge: Self.judge)
    }

    private static let judge: ServiceClient.Judge = { ImageVerdicts.verdict(of: $0, intent: .look) }
}
