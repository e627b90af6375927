import HTTPKit
import OrderedCollections
import World

/// `/servers/ID/os-volume_attachments`.
extension OpenStackCloud {
    mutating func volumeAttachments(
        _ call: CloudCall, _ server: CloudServer, _ rest: [String]
    ) throws(CloudFault) -> HTTPResponse {
        switch (call.method, rest.count) {
        case (.get, 0):
            let list = server.disks.map { attachmentBody($0.key, $0.value, server, call) }
            return call.answer(200, ["volumeAttachments": .array(list)])
        case (.get, 1):
            guard let disk = server.disks[rest[0]] else { throw notAttached(server, rest[0]) }
            return call.answer(200, ["volumeAttachment": attachmentBody(rest[0], disk, server, call)])
        case (.post, 0): return try attachVolume(call, server)
        case (.delete, 1): return try detachVolume(call, server, rest[0])
        default: throw .unknownURL
        }
    }

    private func attachmentBody(
        _ id: String, _ disk: CloudServer.Disk, _ server: CloudServer, _ call: CloudCall
    ) -> JSONValue {
        var body: JSONObject = [
            "volumeId": .string(id), "serverId": .string(server.id), "device": .string(disk.device),
        ]
        if call.isAtLeast(2, 89) {
            body["attachment_id"] = .string(disk.attachment)
            body["bdm_uuid"] = .string(disk.blockDevice)
        } else {
            body["id"] = .string(id)
        }
        if call.isAtLeast(2, 70) { body["tag"] = nil as JSONValue }
        if call.isAtLeast(2, 79) { body["delete_on_termination"] = .bool(disk.deleteOnTermination) }
        return .object(body)
    }

    private mutating func attachVolume(_ call: CloudCall, _ server: CloudServer) throws(CloudFault) -> HTTPResponse {
        let body = try call.json(orElse: "Malformed request body")
        guard let wish = body["volumeAttachment"], wish.object != nil else {
            throw .api(400, "'volumeAttachment' is a required property")
        }
        guard let wanted = wish["volumeId"] else {
            throw ServerWish.invalid("volumeAttachment", wish, said: "'volumeId' is a required property")
        }
        let id = try ServerWish.text("volumeId", wanted, 0...255)
        guard isUUID(id) else { throw ServerWish.invalid("volumeId", wanted, "is not a 'uuid'") }
        guard let volume = volumes[id], volume.project == server.project else {
            throw .api(404, "Volume \(id) could not be found.")
        }
        try check("attach_volume", server, in: [.active, .stopped, .softDeleted])
        try checkAttachable(volume)
        let zone = server.zone ?? zones.first ?? ""
        guard attachesAcrossZones || volume.zone == zone else {
            // nova/volume/cinder.py, check_availability_zone
            throw .api(
                400,
                "Invalid volume: Instance \(server.id) and volume \(volume.id) are not in the same availability_zone. "
                    + "Instance is in \(zone). Volume is in \(volume.zone)")
        }
        let device = server.device(asked: wish["device"]?.string)
        let deletes = call.isAtLeast(2, 79) && wish["delete_on_termination"]?.bool == true
        attach(id, to: server.id, device: device, deleteOnTermination: deletes, at: call.now)
        if call.isAtLeast(2, 101) { return call.empty(202) }
        guard let disk = servers[server.id]?.disks[id] else { throw .api(404, "Volume \(id) could not be found.") }
        return call.answer(200, ["volumeAttachment": attachmentBody(id, disk, server, call)])
    }

    private mutating func checkAttachable(_ volume: CloudVolume) throws(CloudFault) {
        // Nova's own record of the attachment counts, which is there from the first request on.
        if let server = volume.attachment?.server, servers[server]?.isGone == false {
            throw .api(
                400, "Invalid volume: volume \(volume.id) is already attached to instances: \(server)")
        }
        guard volume.status != "available" else { return }
        let said =
            volume.status.hasPrefix("error")
            ? "Volume attachments can not be created if the volume is in an error state. The Volume \(volume.id) "
                + "currently has a status of: \(volume.status) "
            : "Volume \(volume.id) status must be available or downloading to reserve, but the current status is "
                + "\(volume.status)."
        throw .api(400, "Invalid input received: Invalid volume: \(said)" + fromCinder)
    }

    private mutating func detachVolume(
        _ call: CloudCall, _ server: CloudServer, _ id: String
    ) throws(CloudFault) -> HTTPResponse {
        guard volumes[id] != nil else { throw .api(404, "Volume \(id) could not be found.") }
        guard let disk = server.disks[id] else { throw notAttached(server, id) }
        if disk.device == "/dev/sda" { throw .api(400, "Cannot detach a root device volume") }
        try check("detach_volume", server, in: [.active, .stopped, .softDeleted])
        guard volumes[id]?.status == "in-use" else {
            throw .api(
                400,
                "Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status "
                    + "must be 'in-use' and attach_status must be 'attached' to detach." + fromCinder)
        }
        detach(id, at: call.now)
        return call.empty(202)
    }

    /// How Nova ends a refusal of Cinder's that it passes on.
    private var fromCinder: String {
        mutating get { " (HTTP 400) (Request-ID: \(random.requestID()))" }
    }

    private func notAttached(_ server: CloudServer, _ id: String) -> CloudFault {
        .api(404, "Instance \(server.id) is not attached to volume \(id)")
    }
}
