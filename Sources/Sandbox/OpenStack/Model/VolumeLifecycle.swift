import OrderedCollections
import World

/// What happens to volumes by itself.
extension OpenStackCloud {
    mutating func advanceVolume(_ id: String, _ step: CloudEvent.VolumeStep, at time: Timestamp) {
        guard let volume = volumes[id] else { return }
        switch step {
        case .scheduled: volumes[id]?.updated = time.wholeSeconds
        case .created:
            if volume.plannedFault == .createFails {
                set(id, "error", at: time)
            } else if volume.plannedFault != .staysCreating {
                set(id, "available", at: time)
                if case .vanishes(let delay) = volume.plannedFault { post(.vanish, volume: id, at: time, after: delay) }
            }
        case .attaching:
            set(id, "attaching", at: time)
            post(.attached, volume: id, at: time, after: timings.volumeAttaching)
        case .attached:
            volumes[id]?.attachment?.attached = time.wholeSeconds
            set(id, "in-use", at: time)
        case .attachUndone:
            if let server = volume.attachment?.server {
                servers[server]?.disks[id] = nil
                // The compute host notes the failure; users see it only if the server ends in ERROR (recording 340).
                servers[server]?.fault = CloudServer.Fault(code: 500, message: "Fault", created: time.wholeSeconds)
            }
            volumes[id]?.attachment = nil
            set(id, "available", at: time)
        case .detached:
            if let server = volume.attachment?.server { servers[server]?.disks[id] = nil }
            volumes[id]?.attachment = nil
            set(id, "available", at: time)
        case .deleted:
            if volume.plannedFault == .deleteFails {
                volumes[id]?.plannedFault = nil
                set(id, "error_deleting", at: time)
            } else {
                volumes[id] = nil
            }
        case .vanish: volumes[id] = nil
        }
    }

    mutating func set(_ id: String, _ status: String, at time: Timestamp) {
        volumes[id]?.status = status
        volumes[id]?.updated = time.wholeSeconds
    }

    /// Reserves the volume for the server and starts attaching; the answer to the request is the same whatever follows.
    mutating func attach(_ id: String, to server: String, device: String, deleteOnTermination: Bool, at time: Timestamp)
    {
        let attachment = random.uuid()
        servers[server]?.disks[id] = CloudServer.Disk(
            device: device, attachment: attachment, blockDevice: random.uuid(),
            deleteOnTermination: deleteOnTermination)
        volumes[id]?.attachment = CloudVolume.Attachment(id: attachment, server: server, device: device)
        volumes[id]?.generation += 1
        set(id, "reserved", at: time)
        switch volumeFaults.draw(for: volumes[id]?.name ?? "", where: { $0.occasion == .attach }) {
        case .staysReserved: break
        case .attachFails: post(.attachUndone, volume: id, at: time, after: timings.volumeReserved)
        default: post(.attaching, volume: id, at: time, after: timings.volumeReserved)
        }
    }

    mutating func detach(_ id: String, at time: Timestamp) {
        volumes[id]?.generation += 1
        set(id, "detaching", at: time)
        if volumeFaults.draw(for: volumes[id]?.name ?? "", where: { $0.occasion == .detach }) == nil {
            post(.detached, volume: id, at: time, after: timings.volumeDetaching)
        }
    }

    mutating func deleteVolume(_ id: String, at time: Timestamp) {
        volumes[id]?.generation += 1
        set(id, "deleting", at: time)
        switch volumeFaults.draw(for: volumes[id]?.name ?? "", where: { $0.occasion == .delete }) {
        case .staysDeleting: return
        case .deleteFails: volumes[id]?.plannedFault = .deleteFails
        default: break
        }
        post(.deleted, volume: id, at: time, after: timings.volumeDeleting)
    }

    /// The server is gone: its volume is free again, or gone with it.
    mutating func release(_ id: String, _ disk: CloudServer.Disk, at time: Timestamp) {
        guard volumes[id]?.attachment?.id == disk.attachment else { return }
        volumes[id]?.generation += 1
        volumes[id]?.attachment = nil
        if disk.deleteOnTermination {
            volumes[id] = nil
        } else {
            set(id, "available", at: time)
        }
    }

    /// Makes the root volume of a server that boots from one, or takes the one that it named.
    mutating func attachRootVolume(_ root: ServerWish.RootVolume, to server: CloudServer, at time: Timestamp) {
        var volume: CloudVolume
        if let existing = root.volume.flatMap({ volumes[$0] }) {
            volume = existing
        } else {
            volume = CloudVolume(
                id: random.uuid(), name: "", details: "", project: server.project, user: server.user, size: root.size,
                created: time, metadata: [:], zone: server.zone ?? zones.first ?? "nova", image: root.image)
            volumesCreated += 1
        }
        let disk = CloudServer.Disk(
            device: "/dev/sda", attachment: random.uuid(), blockDevice: random.uuid(),
            deleteOnTermination: root.deleteOnTermination)
        volume.attachment = CloudVolume.Attachment(
            id: disk.attachment, server: server.id, device: disk.device, attached: time.wholeSeconds)
        volume.generation += 1
        volumes[volume.id] = volume
        servers[server.id]?.disks[volume.id] = disk
        set(volume.id, "in-use", at: time)
    }
}
