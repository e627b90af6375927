import World

/// A volume as Cinder's database knows it.
struct CloudVolume: Sendable {
    struct Attachment: Sendable {
        var id: String
        var server: String
        var device: String
        var attached: Timestamp?
    }

    let id: String
    var name: String?
    var details: String?
    let project: String
    let user: String
    var size: Int
    var created: Timestamp
    var updated: Timestamp?
    /// Cinder's words: creating, available, reserved, attaching, in-use, detaching, deleting, error, error_deleting.
    var status = "creating"
    var metadata: [String: String]
    var zone: String
    var image: String?
    /// There from `reserved` on; shown to users only once attached.
    var attachment: Attachment?
    var plannedFault: VolumeFault?
    var generation = 0

    /// Whether its `attachments` shows something, and a DELETE is refused.
    var isAttached: Bool { attachment?.attached != nil }
}
