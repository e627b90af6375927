package import World

/// The states of a volume that we act on (facts/openstack.md 1.7).
package enum VolumeStatus: Sendable, Hashable {
    case creating, available, reserved, attaching, detaching, inUse, deleting, error, errorDeleting
    case other(String)

    private static let names: [(VolumeStatus, String)] = [
        (.creating, "creating"), (.available, "available"), (.reserved, "reserved"), (.attaching, "attaching"),
        (.detaching, "detaching"), (.inUse, "in-use"), (.deleting, "deleting"), (.error, "error"),
        (.errorDeleting, "error_deleting"),
    ]

    init(_ text: String) {
        self = Self.names.first { $0.1 == text }?.0 ?? .other(text)
    }

    /// As Cinder writes it.
    package var name: String {
        if case .other(let text) = self { return text }
        return Self.names.first { $0.0 == self }?.1 ?? ""
    }
}

package struct Volume: Sendable, Hashable, Identifiable {
    package struct Attachment: Sendable, Hashable {
        package var serverID: String
        /// Cinder's own id, which `deleteAttachment` takes.
        package var attachmentID: String?
        package var device: String?
    }

    package var id: String
    package var name: String
    package var status: VolumeStatus
    /// GiB
    package var size: Int
    package var metadata: [String: String]
    package var created: Timestamp?
    /// Empty until an attach has come through.
    package var attachments: [Attachment]
    package var zone: String?

    package func isAttached(to serverID: String) -> Bool {
        status == .inUse && attachments.contains { $0.serverID == serverID }
    }
}

extension Volume: Decodable {
    private enum Key: String, CodingKey {
        case id, name, status, size, metadata, attachments
        case created = "created_at"
        case zone = "availability_zone"
    }

    private struct Raw: Decodable {
        var server_id: String?
        var attachment_id: String?
        var device: String?
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        id = try values.decode(String.self, forKey: .id)
        name = try values.decodeIfPresent(String.self, forKey: .name) ?? ""
        status = VolumeStatus(try values.decodeIfPresent(String.self, forKey: .status) ?? "unknown")
        size = try values.decodeIfPresent(Int.self, forKey: .size) ?? 0
        metadata = try values.decodeIfPresent([String: String].self, forKey: .metadata) ?? [:]
        created = try values.decodeIfPresent(String.self, forKey: .created).flatMap { Timestamp(parsing: $0) }
        attachments = (try values.decodeIfPresent([Raw].self, forKey: .attachments) ?? []).compactMap { raw in
            raw.server_id.map { Attachment(serverID: $0, attachmentID: raw.attachment_id, device: raw.device) }
        }
        zone = try values.decodeIfPresent(String.self, forKey: .zone)
    }
}

struct VolumeAnswer: Decodable, Sendable {
    var volume: Volume
}

struct VolumePage: ListPage {
    var volumes: [Volume]
    var volumes_links: [PageLink]?

    var items: [Volume] { volumes }
    var next: String? { volumes_links.next }
}

/// How much of the project's quota is used; nil where there is no limit.
package struct VolumeLimits: Sendable, Hashable, Decodable {
    package var volumes: Int?
    package var volumesUsed: Int
    package var gigabytes: Int?
    package var gigabytesUsed: Int

    private enum Key: String, CodingKey {
        case maxTotalVolumes, totalVolumesUsed, maxTotalVolumeGigabytes, totalGigabytesUsed
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        func limit(_ key: Key) throws -> Int? {
            try values.decodeIfPresent(Int.self, forKey: key).flatMap { $0 < 0 ? nil : $0 }
        }
        volumes = try limit(.maxTotalVolumes)
        volumesUsed = try values.decodeIfPresent(Int.self, forKey: .totalVolumesUsed) ?? 0
        gigabytes = try limit(.maxTotalVolumeGigabytes)
        gigabytesUsed = try values.decodeIfPresent(Int.self, forKey: .totalGigabytesUsed) ?? 0
    }
}
