import HTTPKit
import OrderedCollections
import World

extension OpenStackCloud {
    mutating func createServer(_ call: CloudCall, _ token: CloudToken) throws(CloudFault) -> HTTPResponse {
        let wish = try ServerWish(call)
        guard let project = token.project else { throw .api(400, "Malformed request url") }
        let limits = quotas[project] ?? configuration.quotas
        if limits.metadataItems >= 0, wish.metadata.count > limits.metadataItems {
            throw .api(403, "Maximum number of metadata items exceeds \(limits.metadataItems)")
        }
        if let zone = wish.zone, !zones.contains(zone) {
            throw .api(400, "The requested availability zone is not available")
        }
        guard let flavor = flavors[wish.flavor] else { throw .api(400, "Flavor \(wish.flavor) could not be found.") }
        if let key = wish.keyName, keyPairs[key] == nil { throw .api(400, "Invalid key_name provided.") }
        try checkImage(wish.image ?? wish.rootVolume?.image, flavor, hasLocalDisk: wish.rootVolume == nil)
        let interfaces = try interfaces(wish, project)
        let groups = try groups(wish.securityGroups ?? [], project)
        try checkQuota(wish.count, flavor, interfaces.count, project, limits)
        var server: CloudServer?
        for index in 1...wish.count {
            let name = wish.count == 1 ? wish.name : "\(wish.name)-\(index)"
            server = startServer(
                name: name, wish: wish, flavor: flavor, interfaces: interfaces, groups: groups, user: token.user,
                project: project, at: call.now)
        }
        guard let server else { throw .api(400, "Malformed request body") }
        if wish.returnsReservation {
            return call.answer(202, ["reservation_id": .string("r-" + random.letters(8).lowercased())])
        }
        var response = call.answer(
            202,
            [
                "server": [
                    "id": .string(server.id), "links": novaLinks("servers", server.id),
                    "OS-DCF:diskConfig": "MANUAL",
                    // Here the wish is repeated; the server itself then shows what it has.
                    "security_groups": .array((wish.securityGroups ?? ["default"]).map { ["name": .string($0)] }),
                    "adminPass": .string(server.adminPassword),
                ]
            ])
        response.headers.add("Location", "\(endpoints.nova)/v2.1/servers/\(server.id)")
        return response
    }

    private func checkImage(_ id: String?, _ flavor: CloudFlavor, hasLocalDisk: Bool) throws(CloudFault) {
        guard let id else { return }
        guard let image = images[id] else { throw .api(400, "Can not find requested image") }
        if image.status != "active" { throw .api(400, "Image \(id) is not active.") }
        if image.minimumRAM > flavor.ram {
            throw .api(400, "Flavor's memory is too small for requested image.")
        }
        if hasLocalDisk, image.minimumDisk > flavor.disk {
            throw .api(
                400,
                "Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is "
                    + "\(flavor.disk << 30) bytes, minimum size is \(image.minimumDisk << 30) bytes.")
        }
    }

    private func interfaces(_ wish: ServerWish, _ project: String) throws(CloudFault) -> [CloudServer.Interface] {
        let visible = networks.values.filter { $0.project == nil || $0.project == project }
        guard let wanted = wish.networks else {
            if visible.count > 1 {
                throw .api(
                    409, "Multiple possible networks found, use a Network ID to be more specific.")
            }
            return visible.map { CloudServer.Interface(network: $0.id) }
        }
        var interfaces: [CloudServer.Interface] = []
        for entry in wanted {
            if let port = entry.port { throw .api(400, "Port id \(port) could not be found.") }
            guard let id = entry.id, visible.contains(where: { $0.id == id }) else {
                throw .api(400, "Network \(entry.id ?? "") could not be found.")
            }
            var interface = CloudServer.Interface(network: id)
            if let text = entry.fixedAddress {
                guard let address = CloudNetwork.address(text) else {
                    throw ServerWish.invalid("fixed_ip", .string(text), "is not a 'ipv4'")
                }
                if let port = ports.values.first(where: { $0.network == id && $0.address == address }) {
                    throw .api(400, "Fixed IP address \(text) is already in use on instance \(port.server).")
                }
                interface.fixedAddress = address
            }
            interfaces.append(interface)
        }
        return interfaces
    }

    /// The names that the answer shows; asked for by name or id.
    private func groups(_ wanted: [String], _ project: String) throws(CloudFault) -> [String] {
        if wanted.isEmpty { return ["default"] }
        var names: [String] = []
        for text in wanted {
            let mine = securityGroups.values.filter { $0.project == project && ($0.id == text || $0.name == text) }
            guard let group = mine.first else {
                if text == "default" {
                    names.append(text)
                    continue
                }
                throw .api(400, "Unable to find security_group with name or id '\(text)'")
            }
            if mine.count > 1 {
                throw .api(
                    409, "Multiple security_groups matches found for name '\(text)', use an ID to be more specific.")
            }
            names.append(group.name)
        }
        return names
    }

    /// Names everything that is over its limit, in the alphabet's order (recording 185).
    private func checkQuota(
        _ count: Int, _ flavor: CloudFlavor, _ interfaces: Int, _ project: String, _ limits: CloudQuotas
    ) throws(CloudFault) {
        let used = usage(of: project)
        let rows: [(name: String, wanted: Int, used: Int, limit: Int)] = [
            ("cores", flavor.cores * count, used.cores, limits.cores),
            ("instances", count, used.instances, limits.instances),
            ("ram", flavor.ram * count, used.ram, limits.ram),
        ]
        let over = rows.filter { $0.limit >= 0 && $0.wanted + $0.used > $0.limit }
        if !over.isEmpty, limits.areUnified {
            let names = ["cores": "class:VCPU", "instances": "servers", "ram": "class:MEMORY_MB"]
            let resources = over.map { row in
                "Resource \(names[row.name] ?? row.name) is over limit of \(row.limit) due to current usage "
                    + "\(row.used) and delta \(row.wanted)"
            }
            throw .api(403, "Project \(project) is over a limit for [\(resources.joined(separator: ", "))]")
        }
        if !over.isEmpty {
            func list(_ value: ((name: String, wanted: Int, used: Int, limit: Int)) -> String) -> String {
                over.map(value).joined(separator: ", ")
            }
            let names = list(\.name)
            throw .api(
                403,
                "Quota exceeded for \(names): Requested \(list { "\($0.wanted)" }), but already used "
                    + "\(list { "\($0.used)" }) of \(list { "\($0.limit)" }) \(names)")
        }
        let mine = ports.values.count { $0.project == project }
        if limits.ports >= 0, mine + interfaces * count > limits.ports {
            throw .api(403, "Maximum number of ports exceeded")
        }
    }

    private mutating func startServer(
        name: String, wish: ServerWish, flavor: CloudFlavor, interfaces: [CloudServer.Interface], groups: [String],
        user: String, project: String, at now: Timestamp
    ) -> CloudServer {
        var server = CloudServer(
            id: random.uuid(), name: name, project: project, user: user, created: now.wholeSeconds,
            updated: now.wholeSeconds, metadata: wish.metadata, flavor: flavor, image: wish.image,
            interfaces: interfaces, securityGroups: groups, userData: wish.userData, keyName: wish.keyName,
            configDrive: wish.configDrive, zone: wish.zone, adminPassword: random.letters(12))
        server.plannedFault = serverFaults.draw(for: name) { !$0.isForDelete }
        server.rootVolume = wish.rootVolume
        if wish.rootVolume != nil { server.image = nil }
        servers[server.id] = server
        serversCreated += 1
        post(.scheduled, server: server.id, at: now, after: timings.scheduling)
        return server
    }
}
