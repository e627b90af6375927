import OpenStack
import Pipelines
import Resilience
import World

extension NodeWork {
    /// A delete that was accepted is asked for again after this while (facts/openstack.md section 3, 8).
    private static let again = Duration.seconds(120)

    /// Whether something may still be destroyed: throws if not. Asked right before each destructive call.
    typealias StillMay = @Sendable () async throws -> Void

    func removeServer(_ server: Server, _ run: StepRun, _ stillMay: StillMay = {}) async throws {
        addAddresses(server.parsedAddresses)
        try await removeServer(id: server.id, name: server.name, run, stillMay)
        provider.capacityFreed()
    }

    /// Deletes a server and returns when it is gone: a 204 alone proves nothing. Tells nobody that there is room now.
    func removeServer(id: String, name: String, _ run: StepRun, _ stillMay: StillMay = {}) async throws {
        remaining("server \(name) \(id)")
        let time = world.time
        let watcher = cloud.watcher
        var isForced = false
        while true {
            if !isForced {
                try await destroying(stillMay) { try await cloud.compute.deleteServer(id, for: run.call) }
            }
            let mayBeAside = !isForced
            do {
                let aside = try await waiting(run) {
                    try await time.withTimeout(Self.again, doing: "wait until server \(id) is gone") {
                        try await watcher.server(id, for: run.call) { mayBeAside && $0.status == .softDeleted }
                    }
                }
                guard aside != nil else { break }
                // It keeps its volumes, addresses and quota for as long as the cloud likes.
                isForced = try await force(id, run, stillMay)
                guard isForced else {
                    run.warning("server \(id) is put aside (SOFT_DELETED), and this account may not delete it for good")
                    break
                }
            } catch is TimeoutError {
                run.warning(
                    "server \(id) is not gone after \(Self.again.short): deleted again, by force. If it stays, its compute "
                        + "service has lost the request, and only a restart of that service helps")
                isForced = try await force(id, run, stillMay)
            }
        }
        update { memory in
            memory.lookAfter = time.now
            if memory.serverID == id { memory.serverID = nil }
        }
        gone("server \(name) \(id)")
        run.removed("server", name: name, id: id)
    }

    /// - Returns: whether the cloud took it.
    private func force(_ id: String, _ run: StepRun, _ stillMay: StillMay) async throws -> Bool {
        try await stillMay()
        return try await changing { try await cloud.compute.forceDeleteServer(id, for: run.call) } != nil
    }

    /// A destructive call: few at once, each only while it may be made.
    @discardableResult
    private func destroying<Value: Sendable>(
        _ stillMay: StillMay, _ body: () async throws -> Value
    ) async throws -> Value {
        try await removalPermits.withPermit {
            try await stillMay()
            return try await changing(body)
        }
    }

    /// Among what a report has to list, until it is gone.
    func remaining(_ label: String) {
        update { memory in
            if memory.remains?.contains(label) != true { memory.remains = (memory.remains ?? []) + [label] }
        }
    }

    /// No longer among what a report would have to list.
    func gone(_ label: String) {
        update { $0.remains?.removeAll { $0 == label } }
    }

    /// Deletes a volume and returns when it is gone. Nearly always nothing holds it any more, so it is not looked at
    /// before; where something does, Cinder refuses, and it is freed first.
    func removeVolume(_ volume: Volume, _ run: StepRun, _ stillMay: StillMay = {}) async throws {
        let label = "volume \(volume.name) \(volume.id)"
        remaining(label)
        do {
            try await deleteUntilGone(volume, run, stillMay)
        } catch let refusal as ServiceError where refusal.status == 400 && refusal.provider == provider.name {
            if let held = try await cloud.blockStorage.volume(volume.id, for: run.call) {
                try await free(held, run, stillMay)
                try await deleteUntilGone(volume, run, stillMay)
            }
        }
        let now = world.time.now
        update { memory in
            memory.lookAfter = now
            memory.volumes.removeAll { $0.id == volume.id }
        }
        gone(label)
        run.removed("volume", name: volume.name, id: volume.id)
    }

    private func deleteUntilGone(_ volume: Volume, _ run: StepRun, _ stillMay: StillMay) async throws {
        let watcher = cloud.watcher
        let time = world.time
        while true {
            guard try await delete(volume, run, stillMay) != .alreadyGone else { return }
            do {
                let left = try await waiting(run) {
                    try await time.withTimeout(Self.again, doing: "wait until volume \(volume.id) is gone") {
                        try await watcher.volume(volume.id, for: run.call) {
                            $0.status == .errorDeleting || $0.status == .error || $0.status == .available
                        }
                    }
                }
                guard let left else { return }
                guard left.status != .errorDeleting else { throw stuck(left) }
                throw Trouble(
                    "volume-not-deleted", "volume \(volume.name) (\(volume.id)) is \(left.status.name) instead of gone",
                    next: "look at the block storage of \(provider.name)")
            } catch is TimeoutError {
                run.warning("volume \(volume.id) is not gone after \(Self.again.short): deleted again")
            }
        }
    }

    /// Somebody else may delete it in the same moment, and Cinder refuses a second time.
    private func delete(_ volume: Volume, _ run: StepRun, _ stillMay: StillMay) async throws -> Deletion {
        do {
            return try await destroying(stillMay) {
                try await cloud.blockStorage.deleteVolume(volume.id, for: run.call)
            }
        } catch let error as ServiceError where error.status == 400 && error.provider == provider.name {
            guard let left = try await cloud.blockStorage.volume(volume.id, for: run.call) else { return .alreadyGone }
            if left.status == .errorDeleting { throw stuck(left) }
            guard left.status == .deleting else { throw error }
            return .accepted(requestID: nil)
        }
    }

    /// Asking again is refused for as long as it is so (facts/openstack.md 1.7).
    private func stuck(_ volume: Volume) -> ServiceError {
        ServiceError(
            service: "cinder", provider: provider.name, operation: "delete volume",
            message:
                "volume \(volume.name) (\(volume.id)) is error_deleting, and then only an administrator may delete it",
            kind: .permanent, next: "ask the administrators of \(provider.name) to delete it")
    }

    /// Removes volumes that are in the way of something new. What the cloud will not delete is left behind: it is no
    /// reason not to go on, and the node's destroy will name it.
    func clearAway(_ volumes: [Volume], _ run: StepRun) async throws {
        try await removeTogether(volumes) { volume in
            do {
                try await self.removeVolume(volume, run)
            } catch let error as ServiceError where error.kind == .permanent && error.provider == self.provider.name {
                run.left("volume", name: volume.name, id: volume.id, why: error.description)
                self.update { _ = $0.stuckVolumes.insert(volume.id) }
            }
        }
    }

    private func free(_ volume: Volume, _ run: StepRun, _ stillMay: StillMay) async throws {
        switch volume.status {
        case .available, .error, .errorDeleting, .deleting: return
        case .creating, .reserved, .attaching, .detaching, .inUse, .other: break
        }
        for attachment in volume.attachments {
            // The server is there and keeps it: given back properly. Gone: the attachment is stale.
            if try await cloud.compute.server(attachment.serverID, for: run.call) != nil {
                try await destroying(stillMay) {
                    try await cloud.compute.detach(volume: volume.id, from: attachment.serverID, for: run.call)
                }
            }
        }
        let watcher = cloud.watcher
        let time = world.time
        do {
            try await waiting(run) {
                try await time.withTimeout(.seconds(60), doing: "wait until volume \(volume.id) is free") {
                    _ = try await watcher.volume(volume.id, for: run.call) {
                        switch $0.status {
                        case .available, .error, .errorDeleting, .deleting: true
                        default: false
                        }
                    }
                }
            }
        } catch is TimeoutError {
            run.warning("volume \(volume.id) stays \(volume.status.name): its stale attachments are removed")
            for id in try await cloud.blockStorage.attachmentIDs(ofVolume: volume.id, for: run.call) {
                try await destroying(stillMay) { try await cloud.blockStorage.deleteAttachment(id, for: run.call) }
            }
        }
    }
}
