import OrderedCollections
import World

/// What happens to servers by itself, in the order and with the states that were recorded (the `*-timeline.json` files).
extension OpenStackCloud {
    mutating func advanceServer(_ id: String, _ step: CloudEvent.ServerStep, at time: Timestamp) {
        switch step {
        case .scheduled: schedule(id, at: time)
        case .networking:
            servers[id]?.task = "networking"
            touch(id, at: time)
            post(.mapping, server: id, at: time, after: timings.networking)
        case .mapping:
            servers[id]?.task = "block_device_mapping"
            touch(id, at: time)
            post(.spawning, server: id, at: time, after: timings.mapping)
        case .spawning:
            servers[id]?.task = "spawning"
            touch(id, at: time)
            post(.plugged, server: id, at: time, after: timings.spawning / 2)
        case .plugged: allocate(id, at: time)
        case .spawned: finishBuild(id, at: time)
        case .addressed: showAddresses(of: id)
        case .actionDone: finishAction(id, at: time)
        case .unplugged: unplug(id)
        case .deleted: finishDelete(id, at: time)
        case .gone:
            servers[id]?.isGone = true
            post(.forgotten, server: id, at: time, after: timings.deletedKept)
        case .forgotten:
            servers[id] = nil
            rendered.forget(id)
        case .vanish: vanishServer(id, at: time)
        case .broken(let message): breakServer(id, message, at: time)
        case .putAside: putAside(id, at: time)
        case .reclaimed: finishDelete(id, at: time)
        }
    }

    mutating func touch(_ id: String, at time: Timestamp) {
        servers[id]?.updated = time.wholeSeconds
    }

    /// ERROR. A server without a host loses its zone too.
    mutating func breakServer(
        _ id: String, _ message: String, code: Int = 500, keepsHost: Bool = true, at time: Timestamp
    ) {
        servers[id]?.state = .error
        servers[id]?.task = nil
        servers[id]?.fault = CloudServer.Fault(code: code, message: message, created: time.wholeSeconds)
        servers[id]?.generation += 1
        if !keepsHost { servers[id]?.hostID = "" }
        touch(id, at: time)
    }

    private mutating func schedule(_ id: String, at time: Timestamp) {
        guard let server = servers[id] else { return }
        switch server.plannedFault {
        case .noValidHost: breakServer(id, "No valid host was found. ", keepsHost: false, at: time)
        case .quotaRecheck(let message): breakServer(id, message, code: 413, keepsHost: false, at: time)
        case .staysInBuild: break
        default:
            if server.flavor.hasNoHost {
                breakServer(id, "No valid host was found. ", keepsHost: false, at: time)
                return
            }
            servers[id]?.hostID = hostID
            servers[id]?.task = nil
            touch(id, at: time)
            post(.networking, server: id, at: time, after: timings.claiming)
        }
    }

    /// Gives the server its ports in the middle of spawning; without a free address spawning ends in ERROR.
    private mutating func allocate(_ id: String, at time: Timestamp) {
        guard let server = servers[id] else { return }
        for interface in server.interfaces {
            guard let address = takeAddress(interface) else {
                let why = "No fixed IP addresses available for network: \(interface.network), not rescheduling."
                servers[id]?.plannedFault = .spawnFails("Failed to allocate the network(s) with error \(why)")
                break
            }
            let port = CloudPort(
                id: random.uuid(), network: interface.network, address: address, mac: random.macAddress(), server: id,
                project: server.project, created: time.wholeSeconds)
            ports[port.id] = port
            servers[id]?.ports.append(port.id)
        }
        post(.spawned, server: id, at: time, after: timings.spawning / 2)
    }

    private mutating func takeAddress(_ interface: CloudServer.Interface) -> UInt32? {
        guard var network = networks[interface.network] else { return nil }
        let address: UInt32?
        if let fixed = interface.fixedAddress {
            address = network.take(fixed) ? fixed : nil
        } else {
            address = network.take(&random)
        }
        networks[interface.network] = network
        return address
    }

    private mutating func finishBuild(_ id: String, at time: Timestamp) {
        guard let server = servers[id] else { return }
        switch server.plannedFault {
        case .spawnFails(let reason) where !server.deletesAfterBuild:
            releasePorts(of: id)
            breakServer(id, "Build of instance \(id) aborted: \(reason)", keepsHost: false, at: time)
            return
        case .hostsExhausted where !server.deletesAfterBuild:
            // The ports are gone, and still shown (recording 203).
            showAddresses(of: id)
            releasePorts(of: id)
            breakServer(
                id,
                "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for "
                    + "instance \(id).", keepsHost: false, at: time)
            return
        default: break
        }
        servers[id]?.state = .active
        servers[id]?.task = nil
        servers[id]?.launched = time.wholeSeconds
        touch(id, at: time)
        if let root = server.rootVolume { attachRootVolume(root, to: server, at: time) }
        if server.deletesAfterBuild {
            post(.deleted, server: id, at: time, after: timings.deleting)
            return
        }
        if server.plannedFault != .withoutAddress {
            if timings.addresses == .zero {
                showAddresses(of: id)
            } else {
                post(.addressed, server: id, at: time, after: timings.addresses)
            }
        }
        switch server.plannedFault {
        case .vanishes(let delay): post(.vanish, server: id, at: time, after: delay)
        case .breaks(let delay, let message): post(.broken(message), server: id, at: time, after: delay)
        default: break
        }
    }

    private mutating func finishAction(_ id: String, at time: Timestamp) {
        guard let task = servers[id]?.task else { return }
        servers[id]?.task = nil
        servers[id]?.state = task == "powering-off" ? .stopped : .active
        touch(id, at: time)
    }

    /// Starts deleting. What was never given to a host is gone at once (recordings 344, 498); what is being built is
    /// built first (209).
    /// - Parameter isForced: not put aside, wherever servers are.
    mutating func deleteServer(_ id: String, isForced: Bool = false, at time: Timestamp) {
        guard let server = servers[id], server.task != "deleting" else { return }
        if !isForced, reclaimInterval != nil, !server.hostID.isEmpty, server.state != .building {
            guard server.state != .softDeleted, server.task != "soft-deleting" else { return }
            servers[id]?.task = "soft-deleting"
            servers[id]?.generation += 1
            touch(id, at: time)
            post(.putAside, server: id, at: time, after: timings.deleting)
            return
        }
        let fault = serverFaults.draw(for: server.name) { $0.isForDelete }
        servers[id]?.task = "deleting"
        touch(id, at: time)
        if fault == .staysDeleting {
            servers[id]?.generation += 1
        } else if server.hostID.isEmpty {
            finishDelete(id, at: time)
            servers[id]?.isGone = true
        } else if server.state == .building {
            servers[id]?.deletesAfterBuild = true
        } else {
            servers[id]?.generation += 1
            // The network goes first: a server that could not be destroyed has no address any more (recording 311).
            post(.unplugged, server: id, at: time, after: timings.deleting / 2)
            if fault == .destroyFails {
                post(.broken("Fault"), server: id, at: time, after: timings.deleting)
            } else {
                post(.deleted, server: id, at: time, after: timings.deleting)
            }
        }
    }

    private mutating func putAside(_ id: String, at time: Timestamp) {
        servers[id]?.state = .softDeleted
        servers[id]?.task = nil
        touch(id, at: time)
        if let reclaimInterval { post(.reclaimed, server: id, at: time, after: reclaimInterval) }
    }

    private mutating func finishDelete(_ id: String, at time: Timestamp) {
        for (volume, disk) in servers[id]?.disks ?? [:] { release(volume, disk, at: time) }
        unplug(id)
        servers[id]?.disks = [:]
        servers[id]?.state = .deleted
        servers[id]?.task = nil
        servers[id]?.terminated = time.wholeSeconds
        servers[id]?.generation += 1
        touch(id, at: time)
        post(.gone, server: id, at: time, after: timings.deletedVisible)
    }

    /// Somebody else deleted it: 404 from now on, its volumes are available.
    mutating func vanishServer(_ id: String, at time: Timestamp) {
        guard let server = servers[id], !server.isGone else { return }
        finishDelete(id, at: time)
        servers[id]?.isGone = true
    }

    mutating func showAddresses(of id: String) {
        let shown = (servers[id]?.ports ?? []).compactMap { ports[$0] }
        servers[id]?.shownPorts = shown
    }

    private mutating func unplug(_ id: String) {
        releasePorts(of: id)
        servers[id]?.shownPorts = []
    }

    private mutating func releasePorts(of id: String) {
        for portID in servers[id]?.ports ?? [] {
            if let port = ports.removeValue(forKey: portID) { networks[port.network]?.release(port.address) }
        }
        servers[id]?.ports = []
    }
}
