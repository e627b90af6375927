import HTTPKit
import OrderedCollections
import World

extension OpenStackCloud {
    mutating func serverAction(_ call: CloudCall, _ token: CloudToken, _ id: String) throws(CloudFault) -> HTTPResponse
    {
        let body = try call.json(orElse: "Malformed request body")
        guard let members = body.object, members.count == 1, let action = members.first else {
            throw .api(400, "Malformed request body")
        }
        guard let server = servers[id], server.project == token.project else {
            throw .api(404, "Instance \(id) has no mapping to a cell.")
        }
        // The mapping of one that was there stays.
        if server.isGone { throw .api(404, "Instance \(id) could not be found.") }
        switch action.key {
        case "os-getConsoleOutput":
            if server.hostID.isEmpty { throw .api(409, "Instance \(id) is not ready") }
            let lines = consoleLines(server)
            let length = action.value["length"]?.integer ?? lines.count
            return call.answer(
                200, ["output": .string(lines.suffix(length < 0 ? lines.count : length).joined(separator: "\n"))])
        case "lock", "unlock": servers[id]?.isLocked = action.key == "lock"
        case "forceDelete": return try forceDelete(call, server)
        case "os-stop": try start("stop", "powering-off", from: [.active], server, at: call.now)
        case "os-start": try start("start", "powering-on", from: [.stopped], server, at: call.now)
        case "reboot": try start("reboot", "rebooting", from: [.active, .stopped], server, at: call.now)
        case "rebuild": return try rebuild(call, server, action.value)
        case "os-resetState":
            throw .api(403, "Policy doesn't allow os_compute_api:os-admin-actions:reset_state to be performed.")
        default: throw .api(400, "There is no such action: \(action.key)")
        }
        return call.empty(202)
    }

    /// Refuses as Nova's `check_instance_state` does: locked first, then the state, then the task.
    func check(
        _ action: String, _ server: CloudServer, in states: [CloudServer.VMState]
    ) throws(CloudFault) {
        if server.isLocked { throw .api(409, "Instance \(server.id) is locked") }
        let start = "Cannot '\(action)' instance \(server.id) while it is in "
        if !states.contains(server.state) { throw .api(409, start + "vm_state \(server.state.rawValue)") }
        if let task = server.task { throw .api(409, start + "task_state \(task)") }
    }

    private mutating func start(
        _ action: String, _ task: String, from states: [CloudServer.VMState], _ server: CloudServer, at now: Timestamp
    ) throws(CloudFault) {
        try check(action, server, in: states)
        servers[server.id]?.task = task
        touch(server.id, at: now)
        post(.actionDone, server: server.id, at: now, after: timings.action)
    }

    private mutating func rebuild(
        _ call: CloudCall, _ server: CloudServer, _ wish: JSONValue
    ) throws(CloudFault) -> HTTPResponse {
        guard let image = wish["imageRef"]?.string, images[image] != nil else {
            throw .api(400, "Cannot find image for rebuild")
        }
        try start("rebuild", "rebuilding", from: [.active, .stopped, .error], server, at: call.now)
        servers[server.id]?.image = image
        if let name = wish["name"] { servers[server.id]?.name = try ServerWish.text("name", name, 1...255) }
        var members = novaServerBase(servers[server.id] ?? server, call, isPlain: true)
        members["adminPass"] = .string(server.adminPassword)
        var response = call.answer(202, ["server": .object(members)])
        response.headers.add("Location", "\(endpoints.nova)/v2.1/servers/\(server.id)")
        return response
    }

    private mutating func forceDelete(_ call: CloudCall, _ server: CloudServer) throws(CloudFault) -> HTTPResponse {
        if server.isLocked { throw .api(409, "Instance \(server.id) is locked") }
        deleteServer(server.id, isForced: true, at: call.now)
        return call.empty(202)
    }

    private func consoleLines(_ server: CloudServer) -> [String] {
        let image = server.image.flatMap { images[$0]?.name } ?? "linux"
        var lines = [
            "[    0.000000] Linux version 6.1.0 (\(image))",
            "[    1.204118] virtio_net virtio0 eth0: renamed from ens3",
            "[    2.881305] EXT4-fs (sda1): mounted filesystem with ordered data mode",
        ]
        if server.state == .active {
            lines += [
                "[    9.410277] cloud-init[612]: Cloud-init v. 22.4.2 running 'modules:config'",
                "[   12.733310] cloud-init[655]: Cloud-init v. 22.4.2 finished. Datasource DataSourceOpenStackLocal",
                "\(server.name) login: ",
            ]
        } else {
            lines.append("[    3.000000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009")
        }
        return lines
    }
}
