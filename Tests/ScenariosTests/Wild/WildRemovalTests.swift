import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Failures from the wild: getting rid of servers and what hangs on them.
@Suite struct WildRemovalTests {
    private func deletes(_ lab: WildLab) -> [RequestJournal.Entry] { lab.requests(.compute, .delete, "/v2.1/servers/") }

    @Test("7: a server in ERROR is deleted as it is, its volumes are not detached before")
    func errorServer() throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 2)
            try await lab.bench.settled()
            lab.change { cloud, now in
                for id in cloud.servers(named: WildLab.node) {
                    cloud.failServer(id, "Invalid power_state: ERROR", at: now)
                }
            }
            lab.destroy()
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done, .done])
        #expect(deletes(lab).allSatisfy { !$0.path.contains("os-volume_attachments") })
        #expect(deletes(lab).count == 1)
        #expect(lab.violations(.empty).isEmpty)
    }

    @Test("8: a server that stays 'deleting' is deleted again and again, and is not gone before it is")
    func stuckDeleting() throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            lab.provision(key: "old")
            try await lab.bench.settled()
            lab.change { cloud, _ in cloud.plan(server: .staysDeleting) }
            lab.destroy(key: "away")
            try await world.time.sleep(for: .seconds(1_200))
            // Every two minutes, and by force too: some drivers clean up better then. Nova itself ignores both while the
            // server's compute service is up, and a request that this service lost comes again only with its restart.
            let forced = lab.requests(.compute, .post, "/v2.1/servers/").filter { $0.path.hasSuffix("/action") }
            #expect(!forced.isEmpty && (5...25).contains(deletes(lab).count + forced.count))
            #expect(lab.outcomes == [.done], "destroyed while the server is still there")
            #expect(lab.bench.replies("replies").count == 1)
            // Somebody wants the name again, and has to wait for it.
            lab.provision(key: "new")
            try await world.time.sleep(for: .seconds(120))
            #expect(lab.cloud.serversCreated == 1)
            lab.change { cloud, now in for id in cloud.servers(named: WildLab.node) { cloud.resume(id, at: now) } }
            try await lab.bench.settled()
        }
        #expect(lab.cloud.serversCreated == 2)
        #expect(lab.cloud.servers.map { $0.metadata["cirrata_key"] } == ["new"])
        #expect(lab.violations(.provisioned(volumes: 0)).isEmpty)
        #expect(lab.bench.buried == 0)
    }

    @Test("8: a server that never goes is named in the report", arguments: [JobAction.destroy, .provision])
    func neverGone(action: JobAction) throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            if action == .destroy {
                lab.provision(key: "old", volumes: 1)
                try await lab.bench.settled()
                lab.change { cloud, _ in cloud.plan(server: .staysDeleting) }
                lab.destroy(key: "away")
            } else {
                lab.provision(key: "late", volumes: 1)
                try await world.time.sleep(for: .seconds(22))
                lab.change { cloud, _ in cloud.plan(server: .staysDeleting) }
                lab.bench.sandbox.withState { state in
                    guard var node = state.paddles.node("\(WildLab.node).\(Bench.domain)") else { return }
                    node.locked = false
                    node.lockedBy = nil
                    state.paddles.put(node)
                }
            }
            try await lab.bench.settled(within: .seconds(40_000))
        }
        let server = lab.cloud.servers.first
        let volume = lab.cloud.volumes.first
        #expect(server?.task == "deleting")
        #expect(lab.bench.buried == 1)
        let report = lab.bench.reports.first
        #expect(report?.left.contains { $0.contains(server?.id ?? "?") } == true, "left: \(report?.left ?? [])")
        if action == .destroy {
            #expect(report?.left.contains { $0.contains(volume?.id ?? "?") } == true, "left: \(report?.left ?? [])")
        }
    }

    @Test("9: a 204 to DELETE that did nothing is found out and repeated")
    func emptyPromise() throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 1)
            try await lab.bench.settled()
            _ = lab.fault(.compute, .delete, "/v2.1/servers/", times: 2, is: .answering(204))
            lab.destroy()
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done, .done])
        #expect(lab.violations(.empty).isEmpty)
        // The last look at the server said 404.
        let looks = lab.requests(.compute, .get, "/v2.1/servers/").filter { !$0.path.contains("detail") }
        #expect(looks.last?.status == 404)
    }

    @Test("9: a server that is shown as DELETED for a while is not gone until it is 404")
    func lingers() throws {
        let lab = try WildLab(sandbox: { $0.timings.deletedVisible = .seconds(40) })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision()
            try await lab.bench.settled()
            lab.destroy()
            try await lab.bench.settled()
        }
        let looks = lab.requests(.compute, .get, "/v2.1/servers/").filter { !$0.path.contains("detail") }
        #expect(looks.last?.status == 404)
        if let deleted = deletes(lab).first?.time, let gone = looks.last?.time {
            #expect(gone - deleted >= .seconds(40))
        }
        #expect(deletes(lab).count == 1)
    }

    /// Where Nova puts deleted servers aside for a week, their volumes and addresses stay with them.
    @Test("9: a server that is only put aside (SOFT_DELETED) is deleted by force", arguments: [true, false])
    func softDeleted(mayForce: Bool) throws {
        let lab = try WildLab()
        lab.change { cloud, _ in cloud.reclaimInterval = .seconds(7 * 86_400) }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 2)
            try await lab.bench.settled()
            if !mayForce {
                _ = lab.fault(
                    .compute, .post, "/v2.1/servers/",
                    is: .answering(
                        403,
                        body:
                            #"{"forbidden":{"code":403,"message":"Policy doesn't allow os_compute_api:os-deferred-delete:force to be performed."}}"#
                    ))
            }
            let began = lab.now
            lab.destroy()
            try await lab.bench.settled()
            #expect(lab.now - began < .seconds(300), "took \((lab.now - began).short)")
        }
        #expect(lab.outcomes == [.done, .done])
        #expect(lab.cloud.volumes.isEmpty)
        #expect(lab.cloud.servers.map(\.status) == (mayForce ? [] : ["SOFT_DELETED"]))
        #expect(lab.record?.macAddress == nil)
    }

    @Test(
        "12: a volume that is stuck after its server went is freed through its attachment, never by resetting its state",
        arguments: ["reserved", "attaching", "detaching", "in-use"])
    func strandedVolume(status: String) throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 2)
            try await lab.bench.settled()
            lab.change { cloud, now in
                for id in cloud.volumes(named: "ovh001_1") { cloud.strandVolume(id, as: status, at: now) }
            }
            lab.destroy()
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done, .done], "\(lab.bench.reports.map(\.message))")
        #expect(lab.violations(.empty).isEmpty)
        let server = deletes(lab).first?.number ?? .max
        let stale = lab.requests(.volume, .delete).filter { $0.path.contains("/attachments/") }
        #expect(stale.count == 1)
        #expect(stale.allSatisfy { $0.number > server }, "the server goes first")
        #expect(lab.requests(.volume, .post).allSatisfy { !$0.path.hasSuffix("/action") })
    }

    @Test(
        "12: a volume that cannot be freed is named in the report, and everything else is gone",
        arguments: ["reserved", "in-use"])
    func leakedVolume(status: String) throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        var refusal = FaultRule.answering(
            409,
            body:
                #"{"conflictingRequest":{"code":409,"message":"ConflictNovaUsingAttachment: Detach volume from instance X using the Compute API"}}"#
        )
        refusal.pattern = "/attachments/[0-9a-f-]+"
        let rule = refusal
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 2)
            try await lab.bench.settled()
            lab.change { cloud, now in
                for id in cloud.volumes(named: "ovh001_1") { cloud.strandVolume(id, as: status, at: now) }
            }
            _ = lab.fault(.volume, .delete, is: rule)
            lab.destroy()
            try await lab.bench.settled()
        }
        #expect(lab.bench.reports.map(\.outcome) == [OutcomeKind.removalIncomplete.rawValue])
        #expect(lab.cloud.servers.isEmpty)
        #expect(lab.cloud.volumes.map(\.name) == ["ovh001_1"])
        let left = lab.bench.reports.first?.left ?? []
        #expect(left.count == 1 && left.allSatisfy { $0.contains(lab.cloud.volumes.first?.id ?? "?") }, "left: \(left)")
        #expect(lab.requests(.volume, .post).allSatisfy { !$0.path.hasSuffix("/action") })
    }

    /// Our volume hangs on a server that is not ours, and is taken away by somebody while we detach it.
    @Test("13: 404 to a detach, and to the DELETE that follows, is success", arguments: [true, false])
    func vanishesWhileDetached(isVolumeGone: Bool) throws {
        let lab = try WildLab()
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 1)
            try await lab.bench.settled()
            lab.change { cloud, now in
                guard let metadata = cloud.snapshot(at: now).volumes.first?.metadata else { return }
                guard let other = cloud.addServer(named: "stranger", at: now) else { return }
                cloud.addVolume(named: "ovh001_9", metadata: metadata, attachedTo: other, at: now)
            }
            let url =
                "/v2.1/servers/\(lab.bench.sandbox.withState { $0.cloud.servers(named: "stranger").first } ?? "?")/os-volume_attachments/"
            let missing = FaultRule.answering(
                404, body: #"{"itemNotFound":{"code":404,"message":"Instance X is not attached to volume Y"}}"#,
                takesEffect: true)
            let detach = lab.fault(.compute, .delete, url, times: 1, is: missing)
            if isVolumeGone {
                lab.bench.simulation.http.onAnswer { exchange, _ in
                    guard exchange.request.method == .delete, exchange.request.url.contains(url) else { return }
                    lab.change { cloud, now in
                        for id in cloud.volumes(named: "ovh001_9") { cloud.removeVolume(id, at: now) }
                    }
                }
            }
            lab.destroy()
            try await lab.bench.settled()
            #expect(lab.bench.sandbox.withState { $0.faults.strikes(of: detach) } == 1)
        }
        #expect(lab.outcomes == [.done, .done], "\(lab.bench.reports.map(\.message))")
        #expect(lab.cloud.servers.map(\.name) == ["stranger"])
        #expect(lab.cloud.volumes.isEmpty)
    }
}
