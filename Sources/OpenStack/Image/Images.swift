import HTTPKit
package import Resilience
package import World

/// What a server is made from.
package struct Image: Sendable, Hashable, Identifiable, Decodable {
    package var id: String
    /// May be empty: Glance allows images without one.
    package var name: String
    package var status: String
    /// GB
    package var minDisk: Int
    /// MB
    package var minRAM: Int
    package var created: Timestamp?
    package var isHidden: Bool

    package init(
        id: String, name: String, status: String = "active", minDisk: Int = 0, minRAM: Int = 0,
        created: Timestamp? = nil, isHidden: Bool = false
    ) {
        self.id = id
        self.name = name
        self.status = status
        self.minDisk = minDisk
        self.minRAM = minRAM
        self.created = created
        self.isHidden = isHidden
    }

    private enum Key: String, CodingKey {
        case id, name, status
        case minDisk = "min_disk"
        case minRAM = "min_ram"
        case created = "created_at"
        case isHidden = "os_hidden"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        id = try values.decode(String.self, forKey: .id)
        name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
        status = try values.decodeIfPresent(String.self, forKey: .status) ?? ""
        minDisk = try values.decodeIfPresent(Int.self, forKey: .minDisk) ?? 0
        minRAM = try values.decodeIfPresent(Int.self, forKey: .minRAM) ?? 0
        created = try values.decodeIfPresent(String.self, forKey: .created).flatMap { Timestamp(parsing: $0) }
        isHidden = try values.decodeIfPresent(Bool.self, forKey: .isHidden) ?? false
    }
}

/// Glance v2 (facts/openstack.md 1.5).
package struct Images: Sendable {
    let client: ServiceClient

    private struct Page: ListPage {
        var images: [Image]
        var next: String?

        var items: [Image] { images }
    }

    /// Those that servers can be made from, newest first as Glance sorts them.
    package func active(for call: Call) async throws -> [Image] {
        let request = ServiceRequest(
            method: .get, path: "/images", query: "status=active", intent: .look, operation: "list images")
        let listing = try await client.list(Page.self, request, for: call, complete: true, judge: Self.judge)
        return listing.items.filter { $0.status == "active" }
    }

    /// The cheapest question that needs a token.
    package func ping(for call: Call) async throws {
        let request = ServiceRequest(
            method: .get, path: "/images", query: "limit=1", intent: .look, operation: "ask for an image")
        _ = try await client.send(request, for: call, judge: Self.judge)
    }

    private static let judge: ServiceClient.Judge = { ImageVerdicts.verdict(of: $0, intent: .look) }
}
