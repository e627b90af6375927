package import HTTPKit
package import World

/// Everything of one kind that a service listed, with what the list can prove.
package struct Listing<Item: Sendable>: Sendable {
    package var items: [Item]
    /// Listed, too, but not readable: they are there, whatever they are.
    package var odd: [OddElement] = []
    /// Before the first page was asked for. What changed later may or may not be in it.
    package var requestedAt: Moment
    /// Whether what is not in it did not exist then. Never true of a list of changes.
    package var complete: Bool
    /// The service's own clock when it answered, if it said so.
    package var serverTime: Timestamp?

    package init(items: [Item], requestedAt: Moment, complete: Bool, serverTime: Timestamp? = nil) {
        self.items = items
        self.requestedAt = requestedAt
        self.complete = complete
        self.serverTime = serverTime
    }
}

/// One page of a list.
struct ListPage<Item: JSONReadable>: Sendable {
    var elements: JSONElements<Item>
    /// A link of which only the query counts: it may name an internal host (facts/openstack.md 1.4).
    var next: String?

    init(_ json: JSONValue, member: String) throws(JSONError) {
        elements = try json.read(member)
        // Glance names the next page directly, the others among links.
        let link = (json["\(member)_links"]?.array ?? []).first { $0["rel"] == "next" }
        // A next page that cannot be read is not the end of the list.
        next = if let link { try link.read("href") } else { try json.readIfPresent("next") }
    }
}
