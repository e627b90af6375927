import HTTPKit

/// What `POST /volumes` needs.
package struct NewVolume: Sendable, Hashable {
    package var name: String
    /// GiB
    package var size: Int
    /// Values of at most 255 bytes.
    package var metadata: [String: String]
    package var description: String?
    package var type: String?
    package var zone: String?

    package init(
        name: String, size: Int, metadata: [String: String] = [:], description: String? = nil, type: String? = nil,
        zone: String? = nil
    ) {
        self.name = name
        self.size = size
        self.metadata = metadata
        self.description = description
        self.type = type
        self.zone = zone
    }

    var body: JSONValue {
        var volume: JSONObject = ["name": .string(name), "size": .integer(size)]
        if !metadata.isEmpty { volume["metadata"] = .object(JSONObject(metadata.mapValues { .string($0) })) }
        if let description { volume["description"] = .string(description) }
        if let type { volume["volume_type"] = .string(type) }
        if let zone { volume["availability_zone"] = .string(zone) }
        return ["volume": .object(volume)]
    }
}
