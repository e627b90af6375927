import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Failures from the wild: volumes of a node that is being built.
@Suite struct WildVolumeTests {
    private func attaches(_ lab: WildLab) -> [RequestJournal.Entry] {
        lab.requests(.compute, .post, "/v2.1/servers/").filter { $0.path.hasSuffix("/os-volume_attachments") }
    }

    @Test("10: volumes that take two minutes to be made are waited for, and attached once")
    func slowVolumes() throws {
        let lab = try WildLab(sandbox: { $0.timings.volumeCreating = .seconds(120) })
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 3)
            try await lab.bench.settled()
        }
        #expect(attaches(lab).map(\.status) == [200, 200, 200])
        #expect(lab.cloud.volumesCreated == 3)
        #expect(lab.violations(.provisioned(volumes: 3)).isEmpty)
    }

    @Test("10: an attach that is refused because 'the status is creating' makes no other volume")
    func attachRefused() throws {
        let lab = try WildLab()
        let id = "3b7c5f0e-0000-4000-8000-000000000001"
        _ = lab.fault(
            .compute, .post, "/v2.1/servers/", times: 5,
            is: .answering(
                400,
                body:
                    #"{"badRequest":{"code":400,"message":"Invalid input received: Invalid volume: Volume \#(id) status must be available to reserve, but the status is creating. (HTTP 400)"}}"#
            ))
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 2)
            try await lab.bench.settled()
        }
        #expect(attaches(lab).filter { $0.status == 400 }.count == 5)
        #expect(lab.cloud.volumesCreated == 2 && lab.requests(.volume, .post).count == 2)
        #expect(lab.outcomes == [.done])
        #expect(lab.violations(.provisioned(volumes: 2)).isEmpty)
    }

    @Test(
        "11: an attach is done when the volume is in-use on our server, not when it was answered",
        arguments: ["slow", "undone", "undone twice", "error"])
    func attachNotDone(how: String) throws {
        let lab = try WildLab(sandbox: { if how == "slow" { $0.timings.volumeReserved = .seconds(90) } })
        lab.change { cloud, _ in
            switch how {
            case "undone": cloud.plan(volume: .attachFails, for: .name("ovh001_0"))
            case "undone twice": cloud.plan(volume: .attachFails, for: .any, times: 2)
            case "error": cloud.plan(volume: .staysReserved, for: .name("ovh001_0"))
            default: break
            }
        }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { world in
            lab.provision(volumes: 2)
            if how == "error" {
                try await world.time.sleep(for: .seconds(40))
                lab.change { cloud, now in
                    for id in cloud.volumes(named: "ovh001_0") { cloud.failVolume(id, at: now) }
                }
            }
            try await lab.bench.settled()
        }
        #expect(lab.outcomes == [.done], "\(lab.bench.events.outcomes)")
        #expect(lab.violations(.provisioned(volumes: 2)).isEmpty)
        // A volume is only made anew when the first is beyond help.
        #expect(lab.cloud.volumesCreated == (how == "error" ? 3 : 2))
        // Written into paddles after the last attachment was seen.
        let attached = lab.bench.events.records.last { record in
            if case .created(_, "attachment", _, _) = record.event { true } else { false }
        }
        let committed = lab.requests(.paddles, .put).last
        if let attached, let committed { #expect(committed.time >= attached.at) }
        if how == "slow", let first = attaches(lab).first, let committed {
            #expect(committed.time - first.time >= .seconds(90))
        }
    }

    @Test(
        "14: a volume that was made although its POST failed is found again, or removed with the rest",
        arguments: [500, 502, 504, 0], [true, false])
    func volumeMadeAndNotSaid(status: Int, works: Bool) throws {
        let lab = try WildLab(sandbox: { if !works { $0.allowHosts = "^other" } })
        let rule: FaultRule =
            status == 0 ? .breaking(.reset, takesEffect: true) : .answering(status, takesEffect: true)
        _ = lab.fault(.volume, .post, times: 2, is: rule)
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 3)
            try await lab.bench.settled()
        }
        #expect(lab.cloud.volumesCreated == 3)
        #expect(lab.violations(works ? .provisioned(volumes: 3) : .empty).isEmpty)
        #expect(lab.outcomes == [works ? .done : .rejected])
    }

    /// One request to attach a volume.
    private struct Asked: Sendable {
        var name: String
        var body: String
        /// All before it are reserved for the server already.
        var isInTurn: Bool
    }

    private static func attach(_ request: HTTPRequest, _ lab: WildLab) -> Asked? {
        guard request.method == .post, request.url.hasSuffix("/os-volume_attachments") else { return nil }
        let body = String(decoding: request.body, as: UTF8.self)
        let volumes = lab.cloud.volumes
        let name = volumes.first { body.contains($0.id) }?.name ?? "?"
        let before = volumes.filter { $0.name < name }
        return Asked(name: name, body: body, isInTurn: before.allSatisfy { $0.server != nil })
    }

    @Test(
        "18: volumes are attached one after another in the order of their names, and no device name is asked for or promised"
    )
    func deviceNames() throws {
        let lab = try WildLab()
        let asked = Locked<[Asked]>([])
        lab.bench.simulation.http.setLatency(.milliseconds(200))
        lab.bench.simulation.http.onRequest { exchange in
            if let attach = Self.attach(exchange.request, lab) { asked.withLock { $0.append(attach) } }
            return .deliver
        }
        lab.bench.worker("w1").start()
        try lab.bench.simulation.run { _ in
            lab.provision(volumes: 12)
            try await lab.bench.settled()
        }
        let expected = (0..<12).map { number in number < 10 ? "ovh001_0\(number)" : "ovh001_\(number)" }
        let attaches = asked.withLock { $0 }
        #expect(attaches.map(\.name) == expected)
        #expect(attaches.allSatisfy { $0.isInTurn })
        #expect(attaches.allSatisfy { !$0.body.contains("device") })
        let reply = lab.bench.replies("replies").first
        // What a guest finds under /dev/disk/by-id: name and id of each.
        #expect(reply?.volumes == lab.cloud.volumes.map { "\($0.name) \($0.id)" })
        #expect(lab.bench.broker.jobs.allSatisfy { !String(decoding: $0.body, as: UTF8.self).contains("/dev/") })
        #expect(lab.violations(.provisioned(volumes: 12)).isEmpty)
    }
}
