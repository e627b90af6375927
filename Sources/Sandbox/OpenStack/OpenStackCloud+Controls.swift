import OrderedCollections
package import World

/// What tests, the fault layer and the demo do to a cloud behind its users' back.
extension OpenStackCloud {
    /// Plans a fault for the next servers that match; plans for the same servers are drawn in the order made.
    package mutating func plan(server fault: ServerFault, for match: NameMatch = .any, times: Int = 1) {
        serverFaults.add(fault, for: match, times: times)
    }

    /// Plans a fault for the next volumes that match.
    package mutating func plan(volume fault: VolumeFault, for match: NameMatch = .any, times: Int = 1) {
        volumeFaults.add(fault, for: match, times: times)
    }

    /// Nothing that was planned and not drawn yet will happen.
    package mutating func forgetPlans() {
        serverFaults = FaultPlan()
        volumeFaults = FaultPlan()
    }

    /// The id of the project of that name.
    package func project(named name: String) -> String? { projects.values.first { $0.name == name }?.id }

    /// Ids of the servers of that name that are not deleted, in the order of their creation.
    package func servers(named name: String) -> [String] {
        servers.values.filter { $0.name == name && $0.state != .deleted && !$0.isGone }.map(\.id)
    }

    package func volumes(named name: String) -> [String] { volumes.values.filter { $0.name == name }.map(\.id) }

    /// The server is gone as if somebody else had deleted it.
    package mutating func removeServer(_ id: String, at now: Timestamp) {
        advance(to: now)
        vanishServer(id, at: now)
    }

    package mutating func removeVolume(_ id: String, at now: Timestamp) {
        advance(to: now)
        volumes[id] = nil
    }

    /// The server is in ERROR from now on.
    package mutating func failServer(_ id: String, _ message: String, at now: Timestamp) {
        advance(to: now)
        breakServer(id, message, at: now)
    }

    /// A migration is over, or an operator did something: a server that was in ERROR or SHUTOFF is ACTIVE again.
    package mutating func recoverServer(_ id: String, at now: Timestamp) {
        advance(to: now)
        servers[id]?.state = .active
        servers[id]?.task = nil
        touch(id, at: now)
    }

    /// Somebody shut it down.
    package mutating func stopServer(_ id: String, at now: Timestamp) {
        advance(to: now)
        servers[id]?.state = .stopped
        touch(id, at: now)
    }

    /// Ports of servers that exist; no port outlives its server here.
    package var portCount: Int { ports.count }

    package mutating func failVolume(_ id: String, at now: Timestamp) {
        advance(to: now)
        volumes[id]?.generation += 1
        set(id, "error", at: now)
    }

    /// Ends what a fault keeps from ending: a build, a deletion, an attach or detach.
    package mutating func resume(_ id: String, at now: Timestamp) {
        advance(to: now)
        if let server = servers[id] {
            servers[id]?.plannedFault = nil
            if server.task == "deleting" {
                servers[id]?.generation += 1
                post(.deleted, server: id, at: now, after: timings.deleting)
            } else if server.state == .building {
                servers[id]?.generation += 1
                post(.scheduled, server: id, at: now, after: .zero)
            }
        } else if let volume = volumes[id] {
            volumes[id]?.plannedFault = nil
            volumes[id]?.generation += 1
            switch volume.status {
            case "creating": post(.created, volume: id, at: now, after: .zero)
            case "reserved": post(.attaching, volume: id, at: now, after: .zero)
            case "detaching": post(.detached, volume: id, at: now, after: .zero)
            case "deleting": post(.deleted, volume: id, at: now, after: .zero)
            default: break
            }
        }
    }

    /// Every server and volume was made so much earlier.
    package mutating func age(by duration: Duration) {
        for (id, server) in servers { servers[id]?.created = server.created - duration }
        for (id, volume) in volumes { volumes[id]?.created = volume.created - duration }
    }

    package mutating func setLock(_ isLocked: Bool, ofServer id: String) { servers[id]?.isLocked = isLocked }

    /// Every token is unknown from now on: the next request of every client is a 401.
    package mutating func revokeTokens() { tokens = [:] }

    package mutating func setPassword(_ password: String, ofUser name: String) {
        for id in users.keys where users[id]?.name == name { users[id]?.password = password }
    }

    /// - Parameter project: nil: of every project.
    package mutating func setQuotas(_ new: CloudQuotas, ofProject project: String? = nil) {
        for id in quotas.keys where project == nil || project == id { quotas[id] = new }
    }

    package mutating func add(_ flavor: CloudFlavor) { flavors[flavor.id] = flavor }
    package mutating func removeFlavor(_ id: String) { flavors[id] = nil }
    package mutating func add(_ image: CloudImage) { images[image.id] = image }
    package mutating func removeImage(_ id: String) { images[id] = nil }
    package mutating func add(_ network: CloudNetwork) {
        networks[network.id] = network
        rendered.forget()
    }
    package mutating func removeNetwork(_ id: String) {
        networks[id] = nil
        rendered.forget()
    }
    package mutating func add(_ group: CloudSecurityGroup) { securityGroups[group.id] = group }
    package mutating func removeSecurityGroup(_ id: String) { securityGroups[id] = nil }
    /// - Parameter volumes: Cinder's; nil: the same.
    package mutating func setZones(_ names: [String], volumes: [String]? = nil, attachesAcross: Bool = true) {
        zones = names
        otherVolumeZones = volumes
        attachesAcrossZones = attachesAcross
    }
    package mutating func addKeyPair(_ name: String, at now: Timestamp) {
        addKeyPair(name, publicKey: "ssh-ed25519 \(random.letters(68)) \(name)", at: now)
    }
    /// A new id that the seed decides.
    package mutating func newID() -> String { random.uuid() }

    /// A server that somebody else made, ACTIVE: resources without our metadata, or with another site's.
    /// - Returns: its id; nil when there is no network, flavor, image or address left for it.
    @discardableResult
    package mutating func addServer(
        named name: String, metadata: [String: String] = [:], project: String? = nil, at now: Timestamp
    ) -> String? {
        advance(to: now)
        guard let owner = project ?? projects.keys.first, let flavor = flavors.values.first,
            let image = images.keys.first, var network = networks.values.first, let address = network.take(&random)
        else { return nil }
        networks[network.id] = network
        let user = users.values.first { $0.projects.contains(owner) }?.id ?? random.hex32()
        var server = CloudServer(
            id: random.uuid(), name: name, project: owner, user: user, created: now.wholeSeconds,
            updated: now.wholeSeconds, metadata: metadata, flavor: flavor, image: image,
            interfaces: [CloudServer.Interface(network: network.id)], securityGroups: ["default"], configDrive: false,
            adminPassword: random.letters(12))
        let port = CloudPort(
            id: random.uuid(), network: network.id, address: address, mac: random.macAddress(), server: server.id,
            project: owner, created: now.wholeSeconds)
        server.state = .active
        server.task = nil
        server.hostID = hostID
        server.launched = now.wholeSeconds
        server.ports = [port.id]
        server.shownPorts = [port]
        ports[port.id] = port
        servers[server.id] = server
        serversCreated += 1
        return server.id
    }

    /// A volume that somebody else made, available or, with a server, attached.
    @discardableResult
    package mutating func addVolume(
        named name: String, metadata: [String: String] = [:], attachedTo server: String? = nil,
        project: String? = nil, at now: Timestamp
    ) -> String? {
        advance(to: now)
        guard let owner = project ?? server.flatMap({ servers[$0]?.project }) ?? projects.keys.first else { return nil }
        let user = users.values.first { $0.projects.contains(owner) }?.id ?? random.hex32()
        var volume = CloudVolume(
            id: random.uuid(), name: name, details: nil, project: owner, user: user, size: 1, created: now,
            metadata: metadata, zone: volumeZones.first ?? "nova")
        volume.status = "available"
        if let server, let device = servers[server]?.device() {
            let disk = CloudServer.Disk(
                device: device, attachment: random.uuid(), blockDevice: random.uuid(), deleteOnTermination: false)
            servers[server]?.disks[volume.id] = disk
            volume.attachment = CloudVolume.Attachment(
                id: disk.attachment, server: server, device: device, attached: now.wholeSeconds)
            volume.status = "in-use"
        }
        volumes[volume.id] = volume
        volumesCreated += 1
        return volume.id
    }

    /// Leaves a volume behind as if for a server that knows nothing of it: only deleting the attachment in Cinder frees
    /// it.
    /// - Parameter status: `reserved` or `attaching`, as a dead attach leaves it, which shows no attachment; `in-use` or
    ///   `detaching`, as a lost detach does.
    package mutating func strandVolume(_ id: String, as status: String = "reserved", at now: Timestamp) {
        advance(to: now)
        guard let volume = volumes[id] else { return }
        let attachment =
            volume.attachment ?? CloudVolume.Attachment(id: random.uuid(), server: random.uuid(), device: "")
        servers[attachment.server]?.disks[id] = nil
        volumes[id]?.attachment = attachment
        volumes[id]?.attachment?.attached = status == "in-use" || status == "detaching" ? now.wholeSeconds : nil
        volumes[id]?.generation += 1
        set(id, status, at: now)
    }
}
