import HTTPKit
import OrderedCollections
import World

/// What lies below `/servers/ID`.
extension OpenStackCloud {
    mutating func serverResource(_ call: CloudCall, _ token: CloudToken, _ rest: [String]) throws(CloudFault)
        -> HTTPResponse
    {
        if rest[1] == "action", rest.count == 2, call.method == .post { return try serverAction(call, token, rest[0]) }
        let server = try server(rest[0], token)
        switch (call.method, rest[1], rest.count) {
        case (.get, "metadata", 2): return call.answer(200, ["metadata": .map(server.metadata)])
        case (.put, "metadata", 2), (.post, "metadata", 2): return try setMetadata(call, server)
        case (.get, "metadata", 3):
            guard let value = server.metadata[rest[2]] else { throw .api(404, "Metadata item was not found") }
            return call.answer(200, ["meta": [rest[2]: .string(value)]])
        case (.delete, "metadata", 3):
            guard server.metadata[rest[2]] != nil else { throw .api(404, "Metadata item was not found") }
            servers[server.id]?.metadata[rest[2]] = nil
            touch(server.id, at: call.now)
            return call.empty(204)
        case (.get, "ips", 2):
            return call.answer(200, ["addresses": .object(novaAddresses(server, isPlain: true))])
        case (.get, "os-interface", 2): return call.answer(200, ["interfaceAttachments": interfaces(of: server)])
        case (_, "os-volume_attachments", _): return try volumeAttachments(call, server, Array(rest.dropFirst(2)))
        case (.get, "os-instance-actions", 2):
            return call.answer(200, ["instanceActions": .array([createAction(server)])])
        default: throw .unknownURL
        }
    }

    mutating func updateServer(_ call: CloudCall, _ server: CloudServer) throws(CloudFault) -> HTTPResponse {
        let body = try call.json(orElse: "Malformed request body")
        if let name = body["server"]?["name"] { servers[server.id]?.name = try ServerWish.text("name", name, 1...255) }
        touch(server.id, at: call.now)
        let members = novaServerBase(servers[server.id] ?? server, call, isPlain: true)
        return call.answer(200, ["server": .object(members)])
    }

    mutating func deleteServer(_ call: CloudCall, _ server: CloudServer) throws(CloudFault) -> HTTPResponse {
        if server.state == .deleted { throw .api(404, "Instance \(server.id) could not be found.") }
        if server.isLocked { throw .api(409, "Instance \(server.id) is locked") }
        deleteServer(server.id, at: call.now)
        return call.empty(204)
    }

    /// PUT replaces all, POST adds.
    private mutating func setMetadata(_ call: CloudCall, _ server: CloudServer) throws(CloudFault) -> HTTPResponse {
        let body = try call.json(orElse: "Malformed request body")
        guard let wanted = body["metadata"]?.object else { throw .api(400, "'metadata' is a required property") }
        var metadata = call.method == .put ? [:] : server.metadata
        for (key, value) in wanted.sorted(by: { $0.key < $1.key }) {
            guard ServerWish.isMetadataKey(key) else {
                throw ServerWish.invalid(
                    "metadata", .object(wanted),
                    said: "'\(key)' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'")
            }
            metadata[key] = try ServerWish.text(key, value, 0...255)
        }
        let limit = (quotas[server.project] ?? configuration.quotas).metadataItems
        if limit >= 0, metadata.count > limit { throw .api(403, "Maximum number of metadata items exceeds \(limit)") }
        servers[server.id]?.metadata = metadata
        touch(server.id, at: call.now)
        return call.answer(200, ["metadata": .map(metadata)])
    }

    private func interfaces(of server: CloudServer) -> JSONValue {
        .array(
            server.ports.compactMap { ports[$0] }.map { port in
                [
                    "net_id": .string(port.network), "port_id": .string(port.id), "mac_addr": .string(port.mac),
                    "port_state": "ACTIVE",
                    "fixed_ips": [
                        [
                            "subnet_id": .text(networks[port.network]?.subnet),
                            "ip_address": .string(CloudNetwork.text(port.address)),
                        ]
                    ],
                ]
            })
    }

    private func createAction(_ server: CloudServer) -> JSONValue {
        [
            "action": "create", "instance_uuid": .string(server.id), "request_id": .string("req-" + server.id),
            "user_id": .string(server.user), "project_id": .string(server.project),
            "start_time": .string(server.created.column),
            "message": server.state == .error ? "Error" : nil,
        ]
    }
}
