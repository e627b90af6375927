import HTTPKit
import OrderedCollections

extension OpenStackCloud {
    mutating func glance(_ call: CloudCall) throws(CloudFault) -> HTTPResponse {
        guard call.path.first == "v2" else {
            // Anything else, v1 too, gets the list of versions (recording 080).
            return HTTPResponse(
                status: 300, headers: ["Content-Type": "application/json"],
                body: JSONValue.object(["versions": glanceVersions]).bytes)
        }
        _ = try token(of: call)
        let id = call.path.dropFirst(2).first ?? ""
        switch (call.method, call.path.dropFirst().first, call.path.count) {
        case (.get, "images", 2): return try listImages(call)
        case (.get, "images", 3):
            guard let image = images[id] else { throw .api(404, "No image found with ID \(id)") }
            return call.answer(200, .object(glanceImage(image)))
        // All images are the administrator's: users look.
        case (.delete, "images", 3):
            guard images[id] != nil else { throw .api(404, "Failed to find image \(id) to delete") }
            throw .api(403, "You do not own this image")
        case (.post, "images", 2):
            let wish = try call.json(orElse: "JSON body is malformed")
            let action = wish["visibility"]?.string == "public" ? "publicize_image" : "add_image"
            throw .api(403, "You are not authorized to complete \(action) action.")
        default: throw .unknownURL
        }
    }

    private var glanceVersions: JSONValue {
        let minors = [15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
        return .array(
            minors.map { minor in
                [
                    "id": .string("v2.\(minor)"), "status": .string(minor == 15 ? "CURRENT" : "SUPPORTED"),
                    "links": [["rel": "self", "href": .string(endpoints.glance + "/v2/")]],
                ]
            })
    }

    private func listImages(_ call: CloudCall) throws(CloudFault) -> HTTPResponse {
        var limit = 25
        var marker: String?
        var filters: [(name: String, value: String)] = []
        for (name, value) in call.query {
            switch name {
            case "limit":
                guard let number = Int(value), number >= 0 else { throw CloudPage<Never>.commonLimit(value) }
                limit = min(number, configuration.maximumPage)
            case "marker": marker = value
            case "visibility" where !["public", "private", "shared", "community", "all"].contains(value):
                throw .api(400, "Invalid visibility value: \(value)")
            case "sort", "sort_key", "sort_dir": break
            default: filters.append((name, value))
            }
        }
        // Newest first, as Glance's default sort is; other sorts are not simulated.
        var found = images.values.filter { image in
            let shown = filters.contains { $0.name == "os_hidden" && $0.value == "true" }
            return image.isHidden == shown && filters.allSatisfy { Self.matches(image, $0.name, $0.value) }
        }
        found.sort { a, b in a.created == b.created ? a.id > b.id : a.created > b.created }
        if let marker {
            guard let index = found.firstIndex(where: { $0.id == marker }) else {
                throw .api(400, "No image found with ID \(marker)")
            }
            found.removeFirst(index + 1)
        }
        let page = found.prefix(limit)
        let first = "/v2/images" + (call.rawQuery.isEmpty ? "" : "?" + Self.query(without: "marker", call.query))
        var body: JSONObject = [
            "images": .array(page.map { .object(glanceImage($0)) }), "first": .string(first),
            "schema": "/v2/schemas/images",
        ]
        if limit > 0, page.count == limit, let last = page.last {
            let kept = Self.query(without: "marker", call.query)
            body["next"] = .string("/v2/images?" + (kept.isEmpty ? "" : kept + "&") + "marker=" + last.id)
        }
        return call.answer(200, .object(body))
    }

    private static func query(without name: String, _ items: [(name: String, value: String)]) -> String {
        URLText.query(items.filter { $0.name != name }.map { ($0.name, $0.value) })
    }

    /// Filters are exact; `in:` names several values.
    private static func matches(_ image: CloudImage, _ name: String, _ value: String) -> Bool {
        func equals(_ actual: String?) -> Bool {
            guard value.hasPrefix("in:") else { return actual == value }
            return value.dropFirst(3).split(separator: ",").contains { wanted in
                String(wanted).filter { $0 != "\"" } == actual
            }
        }
        return switch name {
        case "name": equals(image.name)
        case "status": equals(image.status)
        case "id": equals(image.id)
        case "visibility": value == "public" || value == "all"
        case "os_hidden": true
        default: false
        }
    }

    private func glanceImage(_ image: CloudImage) -> JSONObject {
        let path = "/v2/images/" + image.id
        let isThere = image.status == "active"
        return [
            "id": .string(image.id), "name": .text(image.name), "status": .string(image.status),
            "visibility": "public", "disk_format": "raw", "container_format": "bare",
            "size": isThere ? 1_024 : nil, "virtual_size": isThere ? 1_024 : nil,
            "checksum": isThere ? "0f343b0931126a20f133d67c2b018a3b" : nil, "protected": false,
            "min_ram": .integer(image.minimumRAM), "min_disk": .integer(image.minimumDisk),
            "owner": .string(catalogIDs[2]), "os_hidden": .bool(image.isHidden),
            "os_hash_algo": isThere ? "sha512" : nil,
            "os_hash_value": isThere ? .string(String(repeating: "8efb4f73", count: 16)) : nil,
            "created_at": .string(image.created.seconds), "updated_at": .string(image.created.seconds), "tags": [],
            "self": .string(path), "file": .string(path + "/file"), "schema": "/v2/schemas/image", "stores": "file",
            "os_distro": .string(image.distribution), "os_version": .string(image.release),
        ]
    }
}
