import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// Jobs that cannot work, or not now: how each is settled, what is said about it, and that the cloud is as it was.
@Suite struct OutcomeTests {
    struct BadBody: Sendable, CustomTestStringConvertible {
        var name: String
        var body: String
        var action = JobAction.provision
        /// The outcome of a delivery; nil: the job is not ours and goes back.
        var kind: OutcomeKind?
        var cause = ""
        /// Words that the report or the reply must contain.
        var says: [String] = []

        var testDescription: String { name }
    }

    static let bad: [BadBody] = [
        BadBody(name: "not YAML", body: "{action: [", kind: .rejected, cause: "malformed", says: ["not YAML"]),
        BadBody(name: "not a mapping", body: "- a\n- b", kind: .rejected, cause: "malformed", says: ["mapping"]),
        BadBody(name: "empty", body: "", kind: .rejected, cause: "malformed", says: ["empty"]),
        BadBody(name: "64 KiB", body: String(repeating: "[", count: 65_535), kind: .rejected, cause: "malformed"),
        BadBody(name: "control characters", body: "\u{1}\u{2}\u{3}", kind: .rejected, cause: "malformed"),
        BadBody(name: "foreign test job", body: "{name: run, priority: 50, owner: me, description: rados}"),
        BadBody(name: "unknown action", body: "{action: explode, owner: me@lab}", kind: .rejected, cause: "malformed"),
        BadBody(
            name: "no node in a destroy", body: "{action: destroy, owner: me@lab}", action: .destroy, kind: .rejected,
            cause: "malformed", says: ["node"]),
        BadBody(
            name: "a space in the node", body: "{action: provision, owner: me@lab, node: 'ovh 001'}", kind: .rejected,
            cause: "malformed", says: ["space"]),
        BadBody(
            name: "a newline in the node", body: #"{action: provision, owner: me@lab, node: "ovh001\nupdate"}"#,
            kind: .rejected, cause: "malformed", says: ["line break"]),
        BadBody(
            name: "a semicolon in the node", body: "{action: provision, owner: me@lab, node: 'ovh001;quit'}",
            kind: .rejected, cause: "malformed", says: ["semicolon"]),
        BadBody(
            name: "upper case", body: "{action: provision, owner: me@lab, node: OVH001}", kind: .rejected,
            cause: "malformed", says: ["lower case"]),
        BadBody(
            name: "64 bytes", body: "{action: provision, owner: me@lab, node: \(String(repeating: "x", count: 64))}",
            kind: .rejected, cause: "malformed", says: ["64 bytes"]),
        BadBody(
            name: "other domain", body: "{action: provision, owner: me@lab, node: ovh001.else.where}", kind: .rejected,
            cause: "malformed", says: ["else.where"]),
        BadBody(
            name: "unknown provider", body: "{action: provision, owner: me@lab, machine_type: smithi}",
            kind: .rejected, cause: "malformed", says: ["configured: ovh"]),
        BadBody(
            name: "negative count",
            body: "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001, volumes: {count: -1}}",
            kind: .rejected, cause: "bad-size", says: ["volumes.count"]),
        BadBody(
            name: "size as text",
            body: "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001, machine: {ram: '9000'}}",
            kind: .rejected, cause: "bad-size", says: ["machine.ram"]),
        BadBody(
            name: "no such image, unquoted version",
            body: "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001, os_version: 22.10}",
            kind: .rejected, cause: "no-image", says: ["22.10"]),
        BadBody(
            name: "no flavor big enough",
            body: "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001, machine: {cpus: 999}}",
            kind: .rejected, cause: "no-flavor", says: ["999"]),
        BadBody(
            name: "node unknown to paddles", body: "{action: provision, owner: me@lab, node: nosuch}", kind: .rejected,
            cause: "node-unknown", says: ["paddles"]),
        BadBody(
            name: "not a VM", body: "{action: provision, owner: me@lab, node: metal001}", kind: .rejected,
            cause: "not-a-vm", says: ["is_vm"]),
        BadBody(
            name: "locked by someone else", body: "{action: provision, owner: you@lab, node: ovh001}", kind: .obsolete,
            cause: "node-taken", says: ["me@lab"]),
        BadBody(
            name: "other description",
            body: "{action: provision, owner: me@lab, lock_description: run/2, node: ovh001}", kind: .obsolete,
            cause: "node-taken", says: ["run/1"]),
        BadBody(
            name: "locked by nobody", body: "{action: provision, owner: me@lab, node: ovh002}", kind: .obsolete,
            cause: "node-free"),
        BadBody(
            name: "expired",
            body: "{action: provision, owner: me@lab, node: ovh001, expire: 2001-01-01}", kind: .expired,
            cause: "expired"),
        BadBody(
            name: "destroy of an unknown node", body: "{action: destroy, owner: me@lab, node: nosuch}",
            action: .destroy, kind: .done, cause: "not-ours"),
        BadBody(
            name: "destroy in the wrong tube", body: "{action: destroy, owner: me@lab, node: ovh001}",
            kind: .rejected, cause: "malformed", says: ["tube for provision"]),
    ]

    private func bench() throws -> Bench {
        let bench = try Bench()
        bench.lock("ovh001")
        bench.sandbox.withState { state in
            state.paddles.put(
                PaddlesNode(name: "metal001.\(Bench.domain)", machineType: Bench.provider, isVM: false, up: true))
        }
        return bench
    }

    @Test(arguments: bad)
    func badInput(_ bad: BadBody) throws {
        let bench = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { world in
            let id = bench.put(bad.action, bad.body)
            #expect(id != nil)
            try await world.time.sleep(for: .seconds(30))
            guard let kind = bad.kind else {
                #expect(bench.broker.jobs.filter { $0.id == id }.map(\.state) == ["delayed"])
                #expect(bench.events.outcomes.isEmpty)
                return
            }
            #expect(bench.events.outcomes.map(\.kind) == [kind])
            #expect(bench.events.outcomes.map(\.cause) == [bad.cause])
            let message = bench.events.outcomes.map { "\($0.message) \($0.next)" }.joined()
            for word in bad.says { #expect(message.contains(word), "\(message)") }
            if kind.isBuried {
                #expect(bench.buried == 1)
                let report = bench.reports.first
                #expect(report?.jobID == id && report?.cause == bad.cause && report?.message.isEmpty == false)
            } else {
                #expect(bench.openJobs == 0 && bench.buried == 0)
            }
            #expect(Invariants(bench).violations(of: "ovh001", .empty).isEmpty)
            bench.sandbox.withState { state in
                let node = state.paddles.node("ovh001.\(Bench.domain)")
                #expect(node?.locked == true && node?.lockedBy == "me@lab" && node?.description == "run/1")
            }
        }
    }

    @Test func aTTRTooShortForALeaseIsRejected() throws {
        let bench = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(
                .provision, "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001}", timeToRun: 5)
            try await world.time.sleep(for: .seconds(10))
            #expect(bench.reports.map(\.cause) == ["ttr-too-short"])
            #expect(bench.buried == 1)
        }
    }

    @Test func aRefusedNameIsRemovedToTheLastVolume() throws {
        let bench = try Bench(sandbox: { $0.allowHosts = "^ovh002" })
        bench.lock("ovh001")
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.put(
                .provision,
                "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001, volumes: {count: 2, size: 5}, reply_to: r}"
            )
            try await bench.settled()
            #expect(Invariants(bench).violations(of: "ovh001", .empty).isEmpty)
            let report = bench.reports.first
            #expect(report?.step == "push-dns")
            #expect(report?.status == 403)
            #expect(report?.removed.filter { $0.hasPrefix("volume") }.count == 2)
            #expect(report?.removed.contains { $0.hasPrefix("server ovh001") } == true)
            #expect(report?.left == [])
            #expect(bench.replies("r").map(\.outcome) == ["rejected"])
        }
    }

    @Test func aServerThatNeverBuildsFailsAfterThreeTries() throws {
        let bench = try bench()
        bench.sandbox.withState { $0.cloud.plan(server: .spawnFails("disk full"), for: .any, times: 3) }
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001}")
            try await bench.settled()
            #expect(bench.reports.map(\.cause) == ["build-failed"])
            #expect(bench.reports.first?.message.contains("disk full") == true)
            #expect(Invariants(bench).violations(of: "ovh001", .empty).isEmpty)
        }
    }

    @Test func oneFailedBuildIsReplaced() throws {
        let bench = try bench()
        bench.sandbox.withState { $0.cloud.plan(server: .spawnFails("disk full"), for: .any, times: 1) }
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001}")
            try await bench.settled()
            #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)).isEmpty)
        }
    }

    @Test func noValidHostWaitsAndThenWorks() throws {
        let bench = try bench()
        bench.sandbox.withState { $0.cloud.plan(server: .noValidHost, for: .any, times: 2) }
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001}")
            try await bench.settled()
            #expect(bench.events.outcomes.first?.kind == .wait)
            #expect(bench.events.outcomes.last?.kind == .done)
            #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)).isEmpty)
        }
    }

    @Test func anUnlockedNodeCancelsItsProvision() throws {
        let bench = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(
                .provision,
                "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001, volumes: {count: 1, size: 5}}"
            )
            try await world.time.sleep(for: .seconds(15))
            bench.sandbox.withState { state in
                guard var node = state.paddles.node("ovh001.\(Bench.domain)") else { return }
                node.locked = false
                node.lockedBy = nil
                state.paddles.put(node)
            }
            try await bench.settled()
            #expect(bench.events.outcomes.map(\.kind) == [.obsolete])
            #expect(Invariants(bench).violations(of: "ovh001", .empty).isEmpty)
        }
    }

    @Test func aJobWithoutANodeLocksOneAndGivesItBackWhenItFails() throws {
        let bench = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { _ in
            bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/9, uuid: k1}")
            try await bench.settled()
            #expect(bench.events.outcomes.map(\.kind) == [.done])
            bench.sandbox.withState { state in
                let mine = state.paddles.nodes.filter { $0.description == "run/9" }
                #expect(mine.count == 1 && mine.first?.lockedBy == "me@lab")
            }
            bench.put(.provision, "{action: provision, owner: me@lab, os_version: 1.2.3, uuid: k2}")
            try await bench.settled()
            #expect(bench.reports.map(\.cause) == ["no-image"])
            bench.sandbox.withState { state in
                #expect(!state.paddles.nodes.contains { $0.locked && $0.description?.hasPrefix("cirrata:") == true })
            }
        }
    }

    @Test func aNewerProvisionTakesOver() throws {
        let bench = try bench()
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001, uuid: a}")
            try await world.time.sleep(for: .seconds(10))
            bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001, uuid: b}")
            try await bench.settled()
            #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)).isEmpty)
            bench.sandbox.withState { state in
                let server = state.cloud.snapshot(at: world.time.wallClock).servers.first
                #expect(server?.metadata["cirrata_key"] == "b")
            }
            #expect(Set(bench.events.outcomes.map(\.kind)) == [.superseded, .done])
        }
    }

    @Test func aDrainGivesJobsBackAndAnotherWorkerGoesOn() throws {
        let bench = try bench()
        let first = bench.worker("w1")
        first.start()
        try bench.simulation.run { world in
            bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/1, node: ovh001}")
            try await world.time.sleep(for: .seconds(10))
            first.drain()
            _ = try await first.process.end.wait()
            #expect(bench.events.outcomes.map(\.kind) == [.drain])
            bench.worker("w2").start()
            try await bench.settled()
            #expect(bench.events.outcomes.map(\.kind) == [.drain, .done])
            #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)).isEmpty)
        }
    }
}
