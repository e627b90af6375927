import Configuration
import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// A newer job takes a node over from one that is still at work and does not know. All found by ops/chaos.
@Suite struct HandoverTests {
    private static func body(_ key: String, volumes: Int = 0) -> String {
        "{action: provision, node: ovh001, owner: me@lab, lock_description: run/1, uuid: \(key), reply_to: \(key), volumes: {count: \(volumes), size: 5}}"
    }

    /// Seed 2: the older job attached its volume to a server that was gone, again and again, for a quarter of an hour.
    @Test func whoseServerWasTakenAwayNoticesItWhileAttaching() throws {
        let bench = try Bench(
            sandbox: { $0.timings.volumeCreating = .seconds(30) }, site: { $0.capacityDelay = .seconds(5) })
        bench.lock("ovh001")
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, Self.body("older", volumes: 1))
            try await world.time.sleep(for: .seconds(25))
            let began = world.time.now
            bench.put(.provision, Self.body("newer"))
            try await bench.settled()
            #expect(world.time.now - began < .seconds(120))
        }
        #expect(bench.replies("older").map(\.outcome) == ["superseded"])
        #expect(bench.replies("newer").map(\.outcome) == ["done"])
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)) == [])
    }

    /// Seed 2: the older job's update of DNS got through when the newer job was finished, and nobody mended it.
    @Test(arguments: [false, true])
    func aLatePushIsTakenBack(whereDNSIsAsked asks: Bool) throws {
        let bench = try Bench(site: { site in
            site.slots = 1
            if !asks { site.dns.server = nil }
        })
        bench.lock("ovh001")
        let isThrough = Locked(false)
        bench.simulation.http.onRequest { exchange in
            let isHeldBack =
                exchange.process == "w1" && exchange.request.url.contains("/nsupdate/update?")
                && !isThrough.withLock { $0 }
            return isHeldBack ? .instead(.failure(.reset, of: exchange.request, mayHaveArrived: false)) : .deliver
        }
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, Self.body("older"))
            try await world.time.sleep(for: .seconds(22))
            bench.worker("w2").start()
            bench.put(.provision, Self.body("newer"))
            while bench.replies("newer").isEmpty { try await world.time.sleep(for: .seconds(1)) }
            isThrough.withLock { $0 = true }
            try await bench.settled()
        }
        #expect(bench.replies("older").map(\.outcome) == ["superseded"])
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)) == [])
    }

    /// Seed 3: the newer job had looked, then waited for room; meanwhile the older one built and committed.
    @Test func whatAnOlderJobBuiltInTheMeantimeGoes() throws {
        let bench = try Bench(site: { $0.slots = 1 })
        bench.lock("ovh001")
        let held = Locked(true)
        bench.simulation.http.onRequest { exchange in
            let isHeldBack =
                exchange.process == "w2" && exchange.request.method == .post
                && exchange.request.url.hasSuffix("/servers") && held.withLock { $0 }
            let busy = HTTPResponse(status: 503, headers: ["Retry-After": "1"])
            return isHeldBack ? .instead(.response(busy)) : .deliver
        }
        try bench.simulation.run { world in
            let older = bench.worker("w1")
            bench.put(.provision, Self.body("older", volumes: 1), delay: 30)
            bench.put(.provision, Self.body("newer"))
            bench.worker("w2").start()
            try await world.time.sleep(for: .seconds(31))
            older.start()
            while bench.replies("older").isEmpty { try await world.time.sleep(for: .seconds(1)) }
            held.withLock { $0 = false }
            try await bench.settled()
        }
        #expect(bench.replies("older").map(\.outcome) == ["done"])
        #expect(bench.replies("newer").map(\.outcome) == ["done"])
        #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 0)) == [])
    }

    /// What Cinder will not delete again must not keep a job going in circles.
    @Test func aVolumeThatCannotBeDeletedIsNamed() throws {
        let bench = try Bench()
        bench.lock("ovh001")
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, Self.body("first", volumes: 1))
            try await bench.settled()
            bench.sandbox.withState { $0.cloud.plan(volume: .deleteFails) }
            // The newer provision goes on without it ...
            bench.put(.provision, Self.body("second"))
            try await bench.settled(within: .seconds(300))
            #expect(bench.replies("second").map(\.outcome) == ["done"])
            // ... and the destroy says what it leaves.
            bench.put(
                .destroy,
                "{action: destroy, node: ovh001, owner: me@lab, lock_description: run/1, uuid: d, reply_to: d}")
            try await bench.settled(within: .seconds(300))
        }
        #expect(bench.replies("d").map(\.outcome) == ["removal-incomplete"])
        let left = bench.reports.flatMap(\.left)
        #expect(left.count == 1 && left.allSatisfy { $0.hasPrefix("volume ovh001_0 ") }, "\(left)")
    }

    /// Seed 6: a destroy was taken over when its server was gone, and DNS was left alone for the stranger's sake.
    @Test(arguments: [false, true])
    func aNameIsParkedUnlessItIsAStrangers(pointsToStranger: Bool) throws {
        let bench = try Bench()
        bench.lock("ovh001")
        let first = bench.worker("w1")
        first.start()
        try bench.simulation.run { world in
            bench.put(.provision, Self.body("p"))
            try await bench.settled()
            bench.sandbox.withState { state in
                _ = state.cloud.addServer(named: "ovh001", at: world.time.wallClock)
                let servers = state.cloud.snapshot(at: world.time.wallClock).servers
                guard pointsToStranger, let name = DNSName("ovh001.\(Bench.domain)"),
                    let text = servers.first(where: { $0.metadata.isEmpty })?.addresses.first?.address,
                    let address = NetworkAddress(parsing: text)
                else { return }
                state.nsupdate.zone.replace(name, with: [.address(address, ttl: 60)])
            }
            bench.put(
                .destroy,
                "{action: destroy, node: ovh001, owner: me@lab, lock_description: run/1, uuid: d, reply_to: d}")
            func servers() -> Int {
                bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock).servers.count }
            }
            while servers() == 2 { try await world.time.sleep(for: .milliseconds(100)) }
            first.process.kill()
            bench.worker("w2").start()
            try await bench.settled()
            let left = bench.sandbox.withState { state in
                (
                    state.cloud.snapshot(at: world.time.wallClock).servers.flatMap(\.addresses).map(\.address),
                    state.nsupdate.zone.addresses(of: "ovh001.\(Bench.domain)")
                )
            }
            #expect(left.1 == (pointsToStranger ? left.0 : ["192.0.2.1"]))
        }
        #expect(bench.replies("d").map(\.outcome) == ["done"])
    }

    /// A stranger's server of the node's name keeps us from clearing the node, not from giving our own lock back.
    @Test func aLockOfOursIsGivenBackBesideAStrangersServer() throws {
        let bench = try Bench()
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.sandbox.withState { _ = $0.cloud.addServer(named: "ovh001", at: world.time.wallClock) }
            bench.put(
                .provision, "{action: provision, node: ovh001, owner: me@lab, lock: true, os_version: '99.99', uuid: u}"
            )
            try await bench.settled()
        }
        #expect(bench.reports.map(\.cause) == ["no-image"])
        let locked = bench.sandbox.withState { $0.paddles.node("ovh001.\(Bench.domain)")?.locked }
        #expect(locked == false)
    }
}
