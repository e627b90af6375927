import HTTPKit

/// One page of a list.
struct CloudPage<Item> {
    var items: ArraySlice<Item>
    /// The marker of the next page; there is one even if that page is empty, as with Nova and Cinder.
    var next: String?

    /// - Parameters:
    ///   - maximum: the longest page, whatever the request asks for.
    ///   - badLimit: how the service refuses a limit that is no number or below 0.
    ///   - markerMissing: how it refuses a marker that is not there.
    /// - Throws: `CloudFault` of these two.
    init(
        _ all: [Item], _ call: CloudCall, maximum: Int, id: (Item) -> String, badLimit: (String) -> CloudFault,
        markerMissing: (String) -> CloudFault
    ) throws(CloudFault) {
        var limit = maximum
        var rest = all[...]
        for (name, value) in call.query {
            if name == "limit" {
                guard let number = Int(value), number >= 0 else { throw badLimit(value) }
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

    /// Of Nova, which has a schema for its queries.
    static func novaLimit(_ text: String) -> CloudFault {
        .api(400, "Invalid input for query parameters limit. Value: \(text). '\(text)' does not match '^[0-9]*$'")
    }

    /// Of Cinder and Glance.
    static func commonLimit(_ text: String) -> CloudFault {
        .api(400, "limit param must be \(Int(text) == nil ? "an integer" : "positive")")
    }
}
