import HTTPKit
import OrderedCollections
import World

/// The bodies that Nova writes.
extension OpenStackCloud {
    func novaLinks(_ kind: String, _ id: String) -> JSONValue {
        [["rel": "self", "href": .string("\(endpoints.nova)/v2.1/\(kind)/\(id)")], bookmark(kind, id)]
    }

    private func bookmark(_ kind: String, _ id: String) -> JSONValue {
        ["rel": "bookmark", "href": .string("\(endpoints.nova)/\(kind)/\(id)")]
    }

    /// - Parameter fault: lists leave the fault out (recordings 191, 517), a single server shows it.
    func novaServer(_ server: CloudServer, _ call: CloudCall, fault showsFault: Bool) -> JSONValue {
        var body = novaServerBase(server, call)
        body["config_drive"] = .string(server.configDrive ? "True" : "")
        body["key_name"] = .text(server.keyName)
        body["OS-EXT-AZ:availability_zone"] = .string(server.hostID.isEmpty ? "" : server.zone ?? zones.first ?? "")
        body["OS-EXT-STS:power_state"] = .integer(server.powerState)
        body["OS-EXT-STS:task_state"] = .text(server.task)
        body["OS-EXT-STS:vm_state"] = .string(server.state.rawValue)
        body["OS-SRV-USG:launched_at"] = .text(server.launched?.column)
        body["OS-SRV-USG:terminated_at"] = .text(server.terminated?.column)
        body["os-extended-volumes:volumes_attached"] = .array(
            server.disks.map { id, disk in
                call.isAtLeast(2, 3)
                    ? ["id": .string(id), "delete_on_termination": .bool(disk.deleteOnTermination)]
                    : ["id": .string(id)]
            })
        if !server.ports.isEmpty {
            body["security_groups"] = .array(server.securityGroups.map { ["name": .string($0)] })
        }
        if showsFault, let fault = server.fault, server.state == .error || server.state == .deleted {
            body["fault"] = [
                "code": .integer(fault.code), "created": .string(fault.created.seconds),
                "message": .string(fault.message),
            ]
        }
        if call.isAtLeast(2, 9) { body["locked"] = .bool(server.isLocked) }
        if call.isAtLeast(2, 19) { body["description"] = .string(server.name) }
        if call.isAtLeast(2, 26) { body["tags"] = [] }
        if call.isAtLeast(2, 63) { body["trusted_image_certificates"] = nil as JSONValue }
        if call.isAtLeast(2, 71) { body["server_groups"] = [] }
        if call.isAtLeast(2, 73) { body["locked_reason"] = nil as JSONValue }
        if call.isAtLeast(2, 90) { body["OS-EXT-SRV-ATTR:hostname"] = .string(server.name) }
        return .object(body)
    }

    /// What a PUT and a rebuild answer, and the part of everything else that is the same.
    /// - Parameter isPlain: addresses without the members that extensions add (recordings 130, 143).
    func novaServerBase(_ server: CloudServer, _ call: CloudCall, isPlain: Bool = false) -> JSONObject {
        var body: JSONObject = [
            "id": .string(server.id), "name": .string(server.name), "status": .string(server.status),
            "tenant_id": .string(server.project), "user_id": .string(server.user),
            "metadata": .map(server.metadata), "hostId": .string(server.hostID),
            "created": .string(server.created.seconds), "updated": .string(server.updated.seconds),
            "addresses": .object(novaAddresses(server, isPlain: isPlain)), "accessIPv4": "", "accessIPv6": "",
            "links": novaLinks("servers", server.id), "OS-DCF:diskConfig": "MANUAL",
        ]
        body["image"] =
            if let image = server.image {
                ["id": .string(image), "links": [bookmark("images", image)]]
            } else {
                ""
            }
        body["flavor"] =
            if call.isAtLeast(2, 47) {
                [
                    "vcpus": .integer(server.flavor.cores), "ram": .integer(server.flavor.ram),
                    "disk": .integer(server.flavor.disk), "ephemeral": 0, "swap": 0,
                    "original_name": .string(server.flavor.name), "extra_specs": [:],
                ]
            } else {
                ["id": .string(server.flavor.id), "links": [bookmark("flavors", server.flavor.id)]]
            }
        switch server.status {
        case "BUILD", "ACTIVE", "REBUILD": body["progress"] = 0
        default: break
        }
        return body
    }

    func novaAddresses(_ server: CloudServer, isPlain: Bool) -> JSONObject {
        // In the order of the NICs, as Nova keeps them.
        var addresses: OrderedDictionary<String, [JSONValue]> = [:]
        for port in server.shownPorts {
            guard let network = networks[port.network] else { continue }
            var address: JSONObject = ["version": 4, "addr": .string(CloudNetwork.text(port.address))]
            if !isPlain {
                address["OS-EXT-IPS:type"] = "fixed"
                address["OS-EXT-IPS-MAC:mac_addr"] = .string(port.mac)
            }
            addresses[network.name, default: []].append(.object(address))
        }
        return JSONObject(inOrder: addresses.map { ($0.key, .array($0.value)) })
    }

    func novaFlavor(_ flavor: CloudFlavor, _ call: CloudCall, detail: Bool) -> JSONValue {
        var body: JSONObject = [
            "id": .string(flavor.id), "name": .string(flavor.name), "links": novaLinks("flavors", flavor.id),
        ]
        if detail {
            body["ram"] = .integer(flavor.ram)
            body["disk"] = .integer(flavor.disk)
            body["vcpus"] = .integer(flavor.cores)
            body["swap"] = call.isAtLeast(2, 75) ? 0 : ""
            body["rxtx_factor"] = .number(1)
            body["OS-FLV-EXT-DATA:ephemeral"] = 0
            body["OS-FLV-DISABLED:disabled"] = false
            body["os-flavor-access:is_public"] = true
            if call.isAtLeast(2, 61) { body["extra_specs"] = [:] }
        }
        if call.isAtLeast(2, 55) { body["description"] = nil as JSONValue }
        return .object(body)
    }

    func novaLimits(_ call: CloudCall, _ token: CloudToken) -> HTTPResponse {
        let quotas = quotas[token.project ?? ""] ?? configuration.quotas
        let used = usage(of: token.project ?? "")
        let fixed: JSONObject = [
            "maxImageMeta": 128, "maxPersonality": 5, "maxPersonalitySize": 10_240, "maxTotalKeypairs": 100,
            "maxServerGroups": 10, "maxServerGroupMembers": 10, "maxTotalFloatingIps": -1, "maxSecurityGroups": -1,
            "maxSecurityGroupRules": -1, "totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0,
            "totalServerGroupsUsed": 0,
        ]
        let absolute = fixed.merging([
            "maxTotalInstances": .integer(quotas.instances), "maxTotalCores": .integer(quotas.cores),
            "maxTotalRAMSize": .integer(quotas.ram), "maxServerMeta": .integer(quotas.metadataItems),
            "totalInstancesUsed": .integer(used.instances), "totalCoresUsed": .integer(used.cores),
            "totalRAMUsed": .integer(used.ram),
        ])
        return call.answer(200, ["limits": ["rate": [], "absolute": .object(absolute)]])
    }

    /// Everything that is not deleted counts, ERROR too.
    func usage(of project: String) -> (instances: Int, cores: Int, ram: Int) {
        servers.values.reduce(into: (instances: 0, cores: 0, ram: 0)) { sum, server in
            guard server.project == project, server.state != .deleted else { return }
            sum.instances += 1
            sum.cores += server.flavor.cores
            sum.ram += server.flavor.ram
        }
    }
}
