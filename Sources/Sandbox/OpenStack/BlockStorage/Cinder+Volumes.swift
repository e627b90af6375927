import HTTPKit
import OrderedCollections
import World

extension OpenStackCloud {
    func cinderLinks(_ volume: CloudVolume) -> JSONValue {
        [
            ["rel": "self", "href": .string("\(endpoints.cinder)/v3/\(volume.project)/volumes/\(volume.id)")],
            ["rel": "bookmark", "href": .string("\(endpoints.cinder)/\(volume.project)/volumes/\(volume.id)")],
        ]
    }

    /// - Parameter isNew: the answer to the create has the moment itself and no tenant (recordings 217, 218).
    func cinderVolume(_ volume: CloudVolume, _ call: CloudCall, isNew: Bool = false) -> JSONValue {
        var body: JSONObject = [
            "id": .string(volume.id), "status": .string(volume.status), "size": .integer(volume.size),
            "availability_zone": .string(volume.zone),
            "created_at": .string(isNew ? volume.created.exact : volume.created.column),
            "updated_at": .text(volume.updated?.column), "name": .text(volume.name),
            "description": .text(volume.details), "volume_type": "__DEFAULT__", "snapshot_id": nil,
            "source_volid": nil, "metadata": .map(volume.metadata), "links": cinderLinks(volume),
            "user_id": .string(volume.user), "bootable": volume.image == nil ? "false" : "true", "encrypted": false,
            "replication_status": nil, "consistencygroup_id": nil, "multiattach": false,
        ]
        if let attachment = volume.attachment, let attached = attachment.attached {
            body["attachments"] = [
                [
                    "id": .string(volume.id), "attachment_id": .string(attachment.id),
                    "volume_id": .string(volume.id), "server_id": .string(attachment.server), "host_name": nil,
                    "device": .string(attachment.device), "attached_at": .string(attached.column),
                ]
            ]
        } else {
            body["attachments"] = []
        }
        if !isNew { body["os-vol-tenant-attr:tenant_id"] = .string(volume.project) }
        if let image = volume.image, !isNew { body["volume_image_metadata"] = imageMetadata(image) }
        if call.isAtLeast(3, 13) { body["group_id"] = nil as JSONValue }
        if call.isAtLeast(3, 48) {
            body["shared_targets"] = false
            body["service_uuid"] = .string(catalogIDs[3])
        }
        if call.isAtLeast(3, 63) { body["volume_type_id"] = .string(catalogIDs[4]) }
        if call.isAtLeast(3, 65) { body["consumes_quota"] = true }
        return .object(body)
    }

    private func imageMetadata(_ id: String) -> JSONValue {
        let image = images[id]
        return [
            "image_id": .string(id), "image_name": .text(image?.name), "container_format": "bare",
            "disk_format": "raw", "min_disk": .string(String(image?.minimumDisk ?? 0)),
            "min_ram": .string(String(image?.minimumRAM ?? 0)), "size": "1024",
            "checksum": "0f343b0931126a20f133d67c2b018a3b", "os_distro": .string(image?.distribution ?? ""),
            "os_version": .string(image?.release ?? ""),
        ]
    }

    func listVolumes(_ call: CloudCall, _ token: CloudToken, detail: Bool) throws(CloudFault) -> HTTPResponse {
        var found = volumes.values.filter { $0.project == token.project }
        for (name, value) in call.query {
            switch name {
            case "name": found.removeAll { $0.name != value }
            case "status": found.removeAll { $0.status != value }
            case "availability_zone": found.removeAll { $0.zone != value }
            case "size": found.removeAll { String($0.size) != value }
            case "metadata":
                let wanted = Self.pythonDictionary(value)
                found.removeAll { volume in wanted.contains { volume.metadata[$0.key] != $0.value } }
            case "limit", "marker", "sort", "sort_key", "sort_dir", "offset", "with_count", "all_tenants": break
            case "bootable", "migration_status", "group_id", "created_at", "updated_at", "consumes_quota": break
            default:
                if call.isAtLeast(3, 31) { throw .api(400, "Invalid filters \(name) are found in query options.") }
            }
        }
        found.sort { a, b in
            a.created.wholeSeconds == b.created.wholeSeconds
                ? a.id > b.id : a.created.wholeSeconds > b.created.wholeSeconds
        }
        let page = try CloudPage(
            found, call, maximum: configuration.maximumPage, id: \.id, badLimit: CloudPage<Never>.commonLimit
        ) { marker in
            .api(404, "Volume \(marker) could not be found.")
        }
        var body: JSONObject = [
            "volumes": .array(
                page.items.map { volume in
                    detail
                        ? cinderVolume(volume, call)
                        : ["id": .string(volume.id), "name": .text(volume.name), "links": cinderLinks(volume)]
                })
        ]
        body["volumes_links"] = page.links(call, root: endpoints.cinder)
        return call.answer(200, .object(body))
    }

    /// `{'key': 'value', …}`, as clients write the metadata filter.
    private static func pythonDictionary(_ text: String) -> [String: String] {
        var pairs: [String: String] = [:]
        let inside = text.drop(while: { $0 != "{" }).dropFirst().prefix(while: { $0 != "}" })
        for item in inside.split(separator: ",") {
            let parts = item.split(separator: ":", maxSplits: 1).map { part in
                String(part).filter { $0 != "'" && $0 != "\"" && $0 != " " }
            }
            if parts.count == 2 { pairs[parts[0]] = parts[1] }
        }
        return pairs
    }

    mutating func createVolume(_ call: CloudCall, _ token: CloudToken) throws(CloudFault) -> HTTPResponse {
        let body = try call.json(orElse: "Malformed request body")
        guard let wish = body["volume"], wish.object != nil else {
            throw .api(400, "'volume' is a required property")
        }
        let project = token.project ?? ""
        let size = try volumeSize(wish)
        if let name = wish["name"]?.string, name.unicodeScalars.count > 255 {
            throw .api(
                400, "Invalid input received: name has \(name.unicodeScalars.count) characters, more than 255.")
        }
        let metadata = try volumeMetadata(wish)
        if let type = wish["volume_type"]?.string, type != "__DEFAULT__" {
            throw .api(404, "Volume type with name \(type) could not be found.")
        }
        let image = wish["imageRef"]?.string
        if let image, images[image] == nil {
            throw .api(400, "Invalid image identifier or unable to access requested image.")
        }
        let zone = wish["availability_zone"]?.string
        if let zone, !volumeZones.contains(zone) { throw .api(400, "Availability zone '\(zone)' is invalid.") }
        try checkVolumeQuota(size, project)
        var volume = CloudVolume(
            id: random.uuid(), name: wish["name"]?.string, details: wish["description"]?.string, project: project,
            user: token.user, size: size, created: call.now, metadata: metadata,
            zone: zone ?? volumeZones.first ?? "nova", image: image)
        volume.plannedFault = volumeFaults.draw(for: volume.name ?? "") { $0.occasion == .create }
        volumes[volume.id] = volume
        volumesCreated += 1
        post(.scheduled, volume: volume.id, at: call.now, after: timings.volumeCreating / 4)
        post(.created, volume: volume.id, at: call.now, after: timings.volumeCreating)
        return call.answer(202, ["volume": cinderVolume(volume, call, isNew: true)])
    }

    private func volumeSize(_ wish: JSONValue) throws(CloudFault) -> Int {
        guard let value = wish["size"], !value.isNull else {
            // Of a null it says so; without the member, that it must be a number.
            throw .api(
                400,
                wish["size"] == nil
                    ? "Invalid input received: Invalid volume size provided for create request: None (size argument "
                        + "must be an integer (or string representation of an integer) and greater than zero)."
                    : "The server could not comply with the request since it is either malformed or otherwise "
                        + "incorrect.")
        }
        guard let size = value.integer ?? value.string.flatMap({ Int($0) }) else {
            throw ServerWish.invalid(
                "size", value, value.string == nil ? "is not of type 'integer'" : "does not match '^[0-9]+$'")
        }
        if size < 1 { throw ServerWish.invalid("size", value, "is less than the minimum of 1") }
        return size
    }

    private func volumeMetadata(_ wish: JSONValue) throws(CloudFault) -> [String: String] {
        guard let value = wish["metadata"], !value.isNull else { return [:] }
        guard let entries = value.object else { throw ServerWish.invalid("metadata", value, "is not of type 'object'") }
        var metadata: [String: String] = [:]
        for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
            guard ServerWish.isMetadataKey(key, orSlash: true) else {
                throw ServerWish.invalid(
                    "metadata", wish["metadata"] ?? nil,
                    said: "'\(key)' does not match any of the regexes: '^[a-zA-Z0-9-_:. /]{1,255}$'")
            }
            metadata[key] = try ServerWish.text(key, value, 0...255)
        }
        return metadata
    }

    private func checkVolumeQuota(_ size: Int, _ project: String) throws(CloudFault) {
        let limits = quotas[project] ?? configuration.quotas
        let used = volumeUsage(of: project)
        if limits.gigabytes >= 0, used.gigabytes + size > limits.gigabytes {
            throw .overQuota(
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
                    + "Requested \(size)G, quota is \(limits.gigabytes)G and \(used.gigabytes)G has been consumed.")
        }
        if limits.volumes >= 0, used.count + 1 > limits.volumes {
            throw .overQuota(
                "VolumeLimitExceeded: Maximum number of volumes allowed (\(limits.volumes)) exceeded for quota "
                    + "'volumes'.")
        }
    }

    mutating func updateVolume(_ call: CloudCall, _ volume: CloudVolume) throws(CloudFault) -> HTTPResponse {
        let wish = try call.json(orElse: "Malformed request body")["volume"]
        if let name = wish?["name"]?.string { volumes[volume.id]?.name = name }
        if let text = wish?["description"]?.string { volumes[volume.id]?.details = text }
        if let wish, wish["metadata"] != nil {
            let metadata = try volumeMetadata(wish)
            volumes[volume.id]?.metadata = metadata
        }
        volumes[volume.id]?.updated = call.now.wholeSeconds
        return call.answer(200, ["volume": cinderVolume(volumes[volume.id] ?? volume, call)])
    }

    mutating func deleteVolume(_ call: CloudCall, _ volume: CloudVolume) throws(CloudFault) -> HTTPResponse {
        let deletable = ["available", "error", "error_restoring", "error_extending", "error_managing"]
        guard deletable.contains(volume.status), !volume.isAttached else {
            throw .api(
                400,
                "Invalid volume: Volume status must be available or error or error_restoring or error_extending "
                    + "or error_managing and must not be migrating, attached, belong to a group, have snapshots, "
                    + "awaiting a transfer, or be disassociated from snapshots after volume transfer.")
        }
        deleteVolume(volume.id, at: call.now)
        var response = call.empty(202, contentType: "text/html; charset=UTF-8")
        response.headers["X-Compute-Request-Id"] = nil
        return response
    }

    mutating func volumeAction(_ call: CloudCall, _ volume: CloudVolume) throws(CloudFault) -> HTTPResponse {
        let body = try call.json(orElse: "Malformed request body")
        guard let members = body.object, members.count == 1, let action = members.first else {
            throw .api(400, "Malformed request body")
        }
        func forbidden(_ rule: String) -> CloudFault {
            .api(403, "Policy doesn't allow volume_extension:volume_admin_actions:\(rule) to be performed.")
        }
        switch action.key {
        case "os-detach":
            if let attachment = volume.attachment, servers[attachment.server]?.disks[volume.id] != nil {
                throw Self.novaHolds(attachment.server)
            }
            guard volume.attachment != nil || volume.status == "in-use" else {
                throw .api(
                    400,
                    "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status "
                        + "must be 'attached' to detach.")
            }
            volumes[volume.id]?.attachment = nil
            set(volume.id, "available", at: call.now)
        case "os-extend":
            guard volume.status == "available" else {
                throw .api(
                    400,
                    "Invalid volume: Volume \(volume.id) status must be available to extend, currently "
                        + "\(volume.status).")
            }
            let size = action.value["new_size"]?.integer ?? 0
            guard size > volume.size else {
                throw .api(
                    400,
                    "Invalid input received: New size for extend must be greater than current size. "
                        + "(current: \(volume.size), extended: \(size)).")
            }
            volumes[volume.id]?.size = size
            volumes[volume.id]?.updated = call.now.wholeSeconds
        case "os-force_delete": throw forbidden("force_delete")
        case "os-reset_status": throw forbidden("reset_status")
        case "os-force_detach": throw forbidden("force_detach")
        default: throw .api(400, "There is no such action: \(action.key)")
        }
        return call.empty(202)
    }

    static func novaHolds(_ server: String) -> CloudFault {
        .api(
            409, "ConflictNovaUsingAttachment: Detach volume from instance \(server) using the Compute API")
    }

    /// `/attachments[/ID]`, from 3.27 on: how a user frees a volume that a dead attach left `reserved`.
    mutating func cinderAttachments(
        _ call: CloudCall, _ token: CloudToken, _ rest: [String]
    ) throws(CloudFault) -> HTTPResponse {
        let mine = volumes.values.filter { $0.project == token.project }
        if call.method == .get, rest.isEmpty || rest == ["detail"] {
            let wanted = call.query.first { $0.name == "volume_id" }?.value
            let server = call.query.first { $0.name == "instance_id" }?.value
            let list = mine.filter { volume in
                (wanted ?? volume.id) == volume.id && (server ?? volume.attachment?.server) == volume.attachment?.server
            }
            return call.answer(200, ["attachments": .array(list.compactMap { Self.attachmentBody($0, detail: false) })])
        }
        guard rest.count == 1, let volume = mine.first(where: { $0.attachment?.id == rest[0] }),
            let attachment = volume.attachment
        else {
            throw .api(404, "Volume attachment could not be found with filter: attachment_id = \(rest.first ?? "").")
        }
        switch call.method {
        case .get: return call.answer(200, ["attachment": Self.attachmentBody(volume, detail: true) ?? nil])
        case .delete:
            if servers[attachment.server]?.disks[volume.id] != nil { throw Self.novaHolds(attachment.server) }
            volumes[volume.id]?.attachment = nil
            volumes[volume.id]?.generation += 1
            set(volume.id, "available", at: call.now)
            return call.answer(200, ["attachments": []])
        default: throw .unknownURL
        }
    }

    private static func attachmentBody(_ volume: CloudVolume, detail: Bool) -> JSONValue? {
        guard let attachment = volume.attachment else { return nil }
        var body: JSONObject = [
            "id": .string(attachment.id), "volume_id": .string(volume.id), "instance": .string(attachment.server),
            "status": .string(attachment.attached == nil ? "reserved" : "attached"),
        ]
        if detail {
            body["attach_mode"] = "rw"
            body["attached_at"] = .string(attachment.attached?.column ?? "")
            body["detached_at"] = ""
            body["connection_info"] = [:]
        }
        return .object(body)
    }
}
