import OpenStack
import Pipelines
import Resilience

extension NodeWork {
    private static let tries = 3

    /// Creates what volumes are missing, several at once, and attaches them in order of their names.
    func attachVolumes(_ run: StepRun) async throws -> String {
        guard let plan = known.plan, let server = known.server else {
            throw Trouble("no-server", "there is no server to attach volumes to")
        }
        let serverID = server.id
        let found = try await run.attempt == 1 ? lookAtVolumes(run) : lookOnceMore(at: serverID, run)
        let zone = try await plan.volumeNames.isEmpty ? nil : provider.volumeZone(beside: server, for: run.call)
        var byName: [String: Volume] = [:]
        var surplus: [Volume] = []
        for volume in found.own.volumes.sorted(by: { $0.id < $1.id }) {
            let isWanted =
                plan.volumeNames.contains(volume.name) && volume.size == plan.volumeSize
                && (volume.attachments.isEmpty
                    ? zone == nil || volume.zone == zone : volume.attachments.contains { $0.serverID == serverID })
            if isWanted, volume.status.isUsable, byName[volume.name] == nil {
                byName[volume.name] = volume
                run.adopted("volume", name: volume.name, id: volume.id)
            } else {
                surplus.append(volume)
            }
        }
        if !surplus.isEmpty {
            // They may be of an equal job that was faster and has left the queue.
            try await unlessFinishedElsewhere(serverID, run)
            try await clearAway(surplus, run)
        }
        guard !plan.volumeNames.isEmpty else { return "no volumes wanted" }

        let existing = byName
        remember(\.volumes, existing.values.sorted { $0.name < $1.name })
        let ready = try await withThrowingTaskGroup(of: Volume.self) { group in
            for name in plan.volumeNames {
                let new = NewVolume(
                    name: name, size: plan.volumeSize, metadata: try ownership(spec: plan.spec).metadata,
                    type: provider.volumeType, zone: zone)
                group.addTask { try await self.availableVolume(new, existing[name], run) }
            }
            var volumes: [Volume] = []
            for try await volume in group { volumes.append(volume) }
            return volumes.sorted { $0.name < $1.name }
        }
        for volume in ready { try await attach(volume, to: server, run) }
        let attached = try await withThrowingTaskGroup(of: Volume.self) { group in
            for volume in ready {
                group.addTask { try await self.attached(volume, to: server, run) }
            }
            var volumes: [Volume] = []
            for try await volume in group { volumes.append(volume) }
            return volumes.sorted { $0.name < $1.name }
        }
        remember(\.volumes, attached)
        return "\(attached.count) of \(plan.volumeSize) GB: \(attached.map(\.name).joined(separator: ", "))"
    }

    /// - Throws: `Ending(.done)` when paddles describes another server of this key: the work was done meanwhile;
    ///   `Ending(.retry)` when another one is kept.
    private func unlessFinishedElsewhere(_ serverID: String, _ run: StepRun) async throws {
        let found = try await look(run)
        let record = try await stillClaimed(run)
        if let finished = committed(record, found), finished.id != serverID {
            try await end(finishedAs: finished, record, found, run)
        }
        try keeps(serverID, found, record)
    }

    /// After a failed attempt: perhaps the server is not there any more, or not ours to finish.
    private func lookOnceMore(at serverID: String, _ run: StepRun) async throws -> Belongings {
        let found = try await look(run)
        try superseded(by: found)
        try standBack(found)
        try standing(serverID, in: found)
        return found
    }

    /// A volume of the new one's name that is `available`, or on its way to our server already.
    private func availableVolume(_ new: NewVolume, _ existing: Volume?, _ run: StepRun) async throws -> Volume {
        let name = new.name
        var volume = existing
        for attempt in 1...Self.tries {
            let current: Volume
            if let volume {
                current = volume
            } else {
                current = try await provider.volumePermits.withPermit { try await create(new, run) }
            }
            let settled = try await settle(current, run) { volume in
                volume.status != .creating && volume.status != .detaching
            }
            guard let settled else {
                throw Trouble("volume-vanished", "volume \(name) (\(current.id)) was removed by somebody else")
            }
            if settled.status != .error, settled.status != .errorDeleting { return settled }
            run.warning("volume \(name) (\(settled.id)) went to \(settled.status.name)")
            try await removeVolume(settled, run)
            volume = nil
            if attempt == Self.tries {
                throw Ending(
                    .failed, "volume-failed", "\(Self.tries) volumes \(name) ended in an error state",
                    next: "look at the block storage of \(provider.name), then retry")
            }
        }
        throw Trouble("volume-failed", "volume \(name) is not available")
    }

    private func create(_ new: NewVolume, _ run: StepRun) async throws -> Volume {
        try await stillClaimedLately(run)
        do {
            let volume = try await changing { try await cloud.blockStorage.createVolume(new, for: run.call) }
            run.created("volume", name: new.name, id: volume.id)
            update { $0.volumes.append(volume) }
            return volume
        } catch let error as ServiceError {
            throw provider.judge(refusal: error)
        }
    }

    /// Asks for the attachment; whether it worked shows in the volume only.
    private func attach(_ volume: Volume, to server: Server, _ run: StepRun) async throws {
        guard volume.status == .available else { return }
        try await stillClaimedLately(run)
        do {
            _ = try await changing {
                try await cloud.compute.attach(volume: volume.id, to: server.id, for: run.call)
            }
        } catch var error as ServiceError where error.isOfAnotherZone {
            error.kind = .site
            error.next =
                "the server is in zone \(server.zone ?? "?"), the volume in \(volume.zone ?? "?"): set volume_zone of "
                + "provider \(provider.name) to the zone of Cinder's that belongs to the server's (and availability_zones "
                + "to zones that have one)"
            throw error
        }
    }

    /// Waits until a volume is `in-use` on our server; one that silently went back to `available` is attached again.
    private func attached(_ volume: Volume, to server: Server, _ run: StepRun) async throws -> Volume {
        for attempt in 1...Self.tries {
            let settled = try await settle(volume, run) { volume in
                switch volume.status {
                case .inUse, .available, .error, .errorDeleting: true
                default: false
                }
            }
            guard let settled else {
                throw Trouble("volume-vanished", "volume \(volume.name) (\(volume.id)) was removed by somebody else")
            }
            if settled.isAttached(to: server.id) {
                run.created("attachment", name: settled.name, id: settled.id)
                return settled
            }
            guard settled.status == .available else {
                throw Trouble(
                    "attach-failed", "volume \(settled.name) is \(settled.status.name), not in use on \(server.id)")
            }
            guard attempt < Self.tries else { break }
            run.warning("volume \(settled.name) went back to available: attached again")
            try await attach(settled, to: server, run)
        }
        throw Trouble(
            "attach-failed", "volume \(volume.name) was attached \(Self.tries) times and is still available",
            next: "look at the compute host of server \(server.id)")
    }

    private func settle(
        _ volume: Volume, _ run: StepRun, until: @escaping @Sendable (Volume) -> Bool
    ) async throws -> Volume? {
        let watcher = cloud.watcher
        return try await waiting(run) {
            try await watcher.volume(volume.id, for: run.call, until: until)
        }
    }
}

extension VolumeStatus {
    /// Worth going on with, rather than removing and making it anew.
    var isUsable: Bool {
        switch self {
        case .creating, .available, .reserved, .attaching, .inUse, .detaching: true
        case .deleting, .error, .errorDeleting, .other: false
        }
    }
}
