import HTTPKit

/// One page of a list.
struct CloudPage<Item> {
    var items: ArraySlice<Item>
    /// The marker of the next page; there is one even if that page is empty, as with Nova and Cinder.
    var next: String?

    /// - Parameter limit: what the request asked for, cut to `maximum`.
    /// - Throws: `CloudFault` as the service says it, for a limit that is no number and a marker that is not there.
    init(
        _ all: [Item], _ call: CloudCall, maximum: Int, id: (Item) -> String, markerMissing: (String) -> CloudFault
    ) throws(CloudFault) {
        var limit = maximum
        var rest = all[...]
        for (name, value) in call.query {
            if name == "limit" {
                guard let number = Int(value), number >= 0 else {
                    throw .api(
                        400,
                        "Invalid input for query parameters limit. Value: \(value). '\(value)' does not match "
                            + "'^[0-9]*$'")
                }
                limit = min(number, maximum)
            } else if name == "marker" {
                guard let index = rest.firstIndex(where: { id($0) == value }) else { throw markerMissing(value) }
                rest = rest[(index + 1)...]
            }
        }
        items = rest.prefix(limit)
        next = limit > 0 && items.count == limit ? items.last.map(id) : nil
    }

    /// `<name>_links`, to the next page.
    func links(_ call: CloudCall, root: String) -> JSONValue? {
        guard let next else { return nil }
        let query = call.query.filter { $0.name != "marker" }.map { ($0.name, $0.value) } + [("marker", next)]
        return [["rel": "next", "href": .string(root + call.rawPath + "?" + URLText.query(query))]]
    }
}
