import Beanstalk
import Configuration
import HTTPKit
import Jobs
import Pipelines
import Provisioning
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// Sweeps in a whole lab: what goes, and that nothing else does.
@Suite struct SweepTests {
    private static func body(_ node: String, _ key: String, _ more: String = "") -> String {
        "{action: provision, node: \(node), owner: me@lab, lock_description: run/1, uuid: \(key)\(more)}"
    }

    /// A job in limbo counts in no tube (facts/beanstalkd.md E4): it must not make up for one that was not found.
    @Test func aJobInLimboStandsForNoOther() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            bench.put(.provision, Self.body("ovh001", "alive"))
            for _ in 0..<1_200 {
                let id = try #require(bench.broker.put([], tube: "smithi"))
                bench.broker.ask(Array("delete \(id)\r\n".utf8))
            }
            bench.broker.put(Array(Self.body("ovh002", "first").utf8), tube: "cirrata.provision.ovh", priority: 1)
            let limbo = try #require(bench.put(.provision, Self.body("ovh003", "limbo")))
            bench.broker.setDiskFull(true)
            #expect(bench.broker.ask(Array("reserve-job \(limbo)\r\nbury \(limbo) 0\r\n".utf8)).contains("INTERNAL"))
            bench.broker.setDiskFull(false)
            bench.leak("ovh001", key: "alive")
            #expect(try await bench.sweep(world).kept == [.jobInQueue])
            #expect(bench.names() == ["ovh001"])

            let reader = try QueueReader(
                broker: Broker(bench.configuration.broker, world: world), tubes: bench.configuration.tubes, world: world
            )
            #expect(try await reader.jobs(QueueFilter(), limit: 9).jobs.map(\.key) == ["limbo", "first", "alive"])
        }
    }

    /// The worker dies just before the commit, somebody deletes the job, and the node is unlocked: nobody will ever come
    /// back for the server, its three volumes and the name in DNS.
    @Test func whatADeadWorkerLeft() throws {
        let bench = try Bench()
        let worker = bench.worker("w1")
        bench.simulation.http.onRequest { exchange in
            let request = exchange.request
            if request.method == .put, request.url.contains("/nodes/ovh001"),
                String(decoding: request.body, as: UTF8.self).contains("ssh_pub_key")
                    || String(decoding: request.body, as: UTF8.self).contains("\"up\"")
                    || String(decoding: request.body, as: UTF8.self).contains("mac_address\":\"")
            {
                worker.process.kill()
                return .instead(.never)
            }
            return .deliver
        }
        worker.start()
        try bench.simulation.run { world in
            bench.lock("ovh001")
            bench.lock("ovh002")
            let id = try #require(bench.put(.provision, Self.body("ovh001", "lost", ", volumes: {count: 3, size: 1}")))
            _ = try await worker.process.end.wait()
            try await world.time.sleep(for: .seconds(2))
            bench.broker.ask(Array("delete \(id)\r\n".utf8))
            bench.unlock("ovh001")
            #expect(bench.names() == ["ovh001", "ovh001_0", "ovh001_1", "ovh001_2"])
            let server = try #require(bench.cloud().servers.first)

            // Beside it: a node in use, somebody else's things, and another site's.
            bench.worker("w2").start()
            bench.put(.provision, Self.body("ovh002", "used", ", volumes: {count: 1, size: 1}"))
            try await bench.settled()
            bench.leak("ovh003", key: "theirs", site: "another", volumes: 1)
            bench.sandbox.withState { state in
                _ = state.cloud.addServer(named: "ovh004", at: world.time.wallClock)
                _ = state.cloud.addVolume(named: "ovh004_0", at: world.time.wallClock)
            }
            let others = bench.names().filter { !$0.hasPrefix("ovh001") }

            let early = try await bench.sweep(world)
            #expect(early.kept == [.young, .inUse] && early.refusals.isEmpty)
            try await world.time.sleep(for: .seconds(4_000))
            let preview = try await bench.sweep(world, isDryRun: true)
            #expect(preview.entries.map(\.fate) == [.condemned, .kept(.inUse)])
            #expect(bench.names().count == others.count + 4)

            let log = EventLog()
            let report = try await bench.sweep(world, sinks: [log])
            #expect(report.removed.map(\.remains.node) == ["ovh001"])
            #expect(report.kept == [.inUse] && !report.needsPerson)
            #expect(bench.names() == others)
            #expect(Invariants(bench).violations(of: "ovh001", .empty).isEmpty)
            #expect(Invariants(bench).violations(of: "ovh002", .provisioned(volumes: 1)).isEmpty)
            // Each deletion is told with node, id, key and why.
            let removed = log.records.compactMap { record -> String? in
                guard case .removed(_, let resource, _, let id) = record.event else { return nil }
                #expect(record.job.node == "ovh001" && record.job.key == "lost" && !id.isEmpty)
                return resource
            }
            #expect(removed == ["dns", "server", "volume", "volume", "volume"])
            #expect(
                log.records.contains { record in
                    if case .note(_, let text) = record.event {
                        text == "swept: its job is gone, and the node is free"
                    } else {
                        false
                    }
                })
            #expect(report.removed.first?.remains.serverIDs == [server.id])
            // Nothing is left to say, and that costs a login and three lists: nobody asks the queue.
            let requests = bench.simulation.http.requests
            let puts = bench.broker.jobs.map(\.id)
            #expect(try await bench.sweep(world).kept == [.inUse])
            #expect(bench.simulation.http.requests - requests == 4)
            #expect(bench.broker.jobs.map(\.id) == puts)
        }
    }

    /// A job that locks its node itself dies after the lock, or after the server.
    @Test(arguments: [false, true]) func itsOwnLock(hasServer: Bool) throws {
        let bench = try Bench()
        let worker = bench.worker("w1")
        bench.simulation.http.onRequest { exchange in
            let request = exchange.request
            if request.method == .post, request.url.hasSuffix("/servers") {
                worker.process.kill()
                return hasServer ? .deliver : .instead(.never)
            }
            return .deliver
        }
        worker.start()
        try bench.simulation.run { world in
            let id = try #require(
                bench.put(.provision, "{action: provision, owner: me@lab, lock_description: run/1, uuid: lost}"))
            _ = try await worker.process.end.wait()
            try await world.time.sleep(for: .seconds(30))
            bench.broker.ask(Array("delete \(id)\r\n".utf8))
            // Locks that look alike and are not ours.
            bench.lock("ovh003", description: "cirrata")
            bench.lock("ovh004", description: "run/cirrata:lost")
            try await world.time.sleep(for: .seconds(1_800))
            #expect(try await bench.sweep(world).kept == [.young])
            try await world.time.sleep(for: .seconds(1_800))
            let report = try await bench.sweep(world)
            #expect(report.removed.count == 1)
            #expect(bench.names().isEmpty)
            let locked = bench.sandbox.withState { $0.paddles.nodes.filter(\.locked).map(\.name).sorted() }
            #expect(locked == ["ovh003.front.lab.test", "ovh004.front.lab.test"])
        }
    }

    /// Somebody cleared a free node's record by hand, and left the host key.
    @Test(arguments: [false, true]) func theHostKeyOfAServerThatGoes(hasMAC: Bool) throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "gone")
            bench.change("ovh001") { record in
                record.sshPublicKey = "ssh-ed25519 AAAA"
                // Of a server that this site does not know.
                if hasMAC { record.macAddress = "fa:16:3e:00:00:99" }
            }
            let report = try await bench.sweep(world)
            #expect(report.entries.count == 1 && bench.names() == [])
            let record = bench.sandbox.withState { $0.paddles.node("ovh001.\(Bench.domain)") }
            #expect(record?.sshPublicKey == (hasMAC ? "ssh-ed25519 AAAA" : nil))
        }
    }

    @Test func itsJobIsDelayedUnderAnotherNumber() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "again", job: 17)
            let id = try #require(
                bench.broker.put(
                    Array(Self.body("ovh001", "again").utf8), tube: "cirrata.provision.gone-provider", delay: 80_000))
            // The tube shows only the one that wakes up first. Three thousand numbers later nothing leads to the other
            // but counting.
            bench.broker.put(
                Array(Self.body("ovh002", "first").utf8), tube: "cirrata.provision.gone-provider", delay: 70_000)
            for _ in 0..<3_000 {
                bench.broker.ask(Array("use other\r\nput 1 0 1 0\r\n\r\n".utf8))
            }
            let before = bench.broker.jobs.first { $0.id == id }
            let report = try await bench.sweep(world)
            #expect(report.kept == [.jobInQueue])
            #expect(report.only?.why == "its job \(id) is in the queue")
            #expect(bench.broker.jobs.first { $0.id == id } == before)
            bench.broker.ask(Array("delete \(id)\r\n".utf8))
            #expect(try await bench.sweep(world).removed.count == 1)
        }
    }

    @Test func itsJobIsBuried() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "bad")
            let id = try #require(bench.put(.provision, Self.body("ovh001", "bad")))
            bench.broker.ask(Array("reserve-job \(id)\r\nbury \(id) 0\r\n".utf8))
            let report = try await bench.sweep(world)
            #expect(report.kept == [.jobBuried] && report.needsPerson)
        }
    }

    @Test func onlySoManyAtOnce() throws {
        let bench = try Bench(sandbox: { $0.nodes = [.init(machineType: Bench.provider, count: 8)] })
        try bench.simulation.run { world in
            for number in 1...6 { bench.leak("ovh00\(number)", key: "k\(number)", volumes: 1) }
            let changes = bench.watchChanges()
            let report = try await bench.sweep(world)
            #expect(report.causes == ["too-many"] && report.needsPerson && report.removed.isEmpty)
            #expect(report.refusals.first?.next.contains("--limit 6") == true)
            #expect(report.entries.allSatisfy { $0.fate == .condemned })
            #expect(bench.names().count == 12)
            #expect(changes.all.isEmpty)
            let allowed = try await bench.sweep(world, most: 6)
            #expect(allowed.removed.count == 6 && bench.names().isEmpty)
        }
    }

    @Test func anotherProjectThanLastTime() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            bench.leak("ovh001", key: "k")
            let before = SweepToken(at: world.time.wallClock, worker: "w", projects: ["ovh": "another", "gone": "x"])
            let report = try await bench.sweep(world, after: before)
            #expect(report.causes == ["project-changed"] && report.entries.isEmpty)
            #expect(bench.names() == ["ovh001"])
            // Said once: the next one takes the new project.
            let after = SweepToken(at: world.time.wallClock, worker: "w", projects: report.projects)
            #expect(try await bench.sweep(world, after: after).removed.count == 1)
        }
    }

    /// Every list that a sweep relies on, failing on its first or a later page, at the first or the second look.
    @Test(
        arguments: [
            ("/compute", "/v2.1/servers/detail", "detail$"), ("/compute", "/v2.1/servers/detail", "marker="),
            ("/volume", "/", "volumes/detail"), ("/volume", "/", "marker="), ("/paddles", "/nodes/?", "machine_type"),
        ], [0, 1])
    func aListThatFails(_ place: (service: String, path: String, pattern: String), skip: Int) throws {
        let bench = try Bench(sandbox: { $0.maximumPage = 1 })
        try bench.simulation.run { world in
            for node in ["ovh001", "ovh002"] { bench.leak(node, key: "k-\(node)", volumes: 1) }
            var rule = FaultRule.answering(500, body: "no")
            rule.service = SandboxService(rawValue: String(place.service.dropFirst()))
            rule.path = place.path
            rule.pattern = place.pattern
            rule.skip = skip * (place.pattern == "marker=" ? place.service == "/compute" ? 2 : 2 : 1)
            bench.sandbox.withState { _ = $0.faults.add(rule) }
            let changes = bench.watchChanges()
            let report = try await bench.sweep(world)
            #expect(report.causes == ["listing-failed"], "\(report.refusals)")
            #expect(report.removed.isEmpty && report.needsPerson)
            #expect(changes.all.isEmpty)
            #expect(bench.names().count == 4)
        }
    }

    @Test func aServiceThatRefusesToDelete() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let id = try #require(bench.leak("ovh001", key: "k"))
            var rule = FaultRule.answering(403, body: #"{"forbidden": {"message": "locked", "code": 403}}"#)
            rule.method = .delete
            bench.sandbox.withState { _ = $0.faults.add(rule) }
            let report = try await bench.sweep(world)
            #expect(report.only?.fate == .refused(["server ovh001 \(id)"]))
            #expect(report.needsPerson)
            bench.sandbox.withState { $0.faults.removeAll() }
            #expect(try await bench.sweep(world).removed.count == 1)
        }
    }
}
