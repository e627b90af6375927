package import HTTPKit
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

extension Volume: JSONReadable {
    package init(json: JSONValue) throws(JSONError) {
        id = try json.read("id")
        name = try json.readIfPresent("name") ?? ""
        status = VolumeStatus(try json.readIfPresent("status") ?? "unknown")
        size = try json.readIfPresent("size") ?? 0
        metadata = try json.readMetadata()
        created = json.readTime("created_at")
        attachments = []
        for attachment in try json.readIfPresent("attachments") ?? [] as [JSONValue] {
            // One to a host without a server has none.
            guard let serverID: String = try attachment.readIfPresent("server_id") else { continue }
            attachments.append(
                Attachment(serverID: serverID, attachmentID: try attachment.readIfPresent("attachment_id")))
        }
        zone = json["availability_zone"]?.string
    }
}

/// How much of the project's quota is used; nil where there is no limit.
package struct VolumeLimits: Sendable, Hashable, JSONReadable {
    package var volumes: Int?
    package var volumesUsed: Int
    package var gigabytes: Int?
    package var gigabytesUsed: Int

    package init(json: JSONValue) throws(JSONError) {
        volumes = json.readLimit("maxTotalVolumes")
        volumesUsed = json["totalVolumesUsed"]?.integer ?? 0
        gigabytes = json.readLimit("maxTotalVolumeGigabytes")
        gigabytesUsed = json["totalGigabytesUsed"]?.integer ?? 0
    }
}
