import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// A broker that drains, whose disk is full, that forgets, or that cannot be reached: no job is lost or left in limbo,
/// nothing is buried without a report, no good server is removed.
@Suite struct BrokerFaultTests {
    private static func provision(_ number: Int, _ more: String = "") -> String {
        "{action: provision, node: ovh00\(number), owner: me@lab, lock_description: run/1, uuid: job-\(number), "
            + "reply_to: replies\(more)}"
    }

    /// Two jobs that will be done, one that never can be, one that waits for its node, and a body that is not ours.
    private static func put(into bench: Bench) {
        for node in 1...4 { bench.lock("ovh00\(node)") }
        setUp(false, "ovh004", bench)
        bench.put(.provision, provision(1))
        bench.put(.provision, provision(2, ", volumes: {count: 2, size: 10}"))
        bench.put(.provision, provision(3, ", os_version: 1.2.3"))
        bench.put(.provision, provision(4))
        bench.put(.destroy, "{name: run, priority: 50, owner: me}")
    }

    private static func setUp(_ up: Bool, _ node: String, _ bench: Bench) {
        bench.sandbox.withState { state in
            guard var record = state.paddles.node("\(node).\(Bench.domain)") else { return }
            record.up = up
            state.paddles.put(record)
        }
    }

    /// The states of all jobs that are ours to settle, in the order of their ids.
    private static func states(_ bench: Bench) -> [String] {
        bench.broker.jobs.filter { $0.tube.hasPrefix("cirrata.provision") || $0.tube.hasPrefix("cirrata.destroy") }
            .map(\.state)
    }

    private static func expectAllDone(_ bench: Bench) async throws {
        setUp(true, "ovh004", bench)
        // Nobody else takes the job that is not ours away; a worker may look at it this moment.
        while bench.broker.ask(Array("delete 5\r\n".utf8)) != "DELETED\r\n" {
            try await bench.simulation.world.time.sleep(for: .seconds(1))
        }
        try await bench.settled()
        var outcomes: [String: Set<String>] = [:]
        for reply in bench.replies("replies") { outcomes[reply.uuid, default: []].insert(reply.outcome) }
        #expect(outcomes == ["job-1": ["done"], "job-2": ["done"], "job-3": ["rejected"], "job-4": ["done"]])
        #expect(bench.buried == 1)
        #expect(Set(bench.reports.map(\.jobID)) == [3])
        let invariants = Invariants(bench)
        #expect(invariants.violations(of: "ovh001", .provisioned(volumes: 0)) == [])
        #expect(invariants.violations(of: "ovh002", .provisioned(volumes: 2)) == [])
        #expect(invariants.violations(of: "ovh003", .empty) == [])
        #expect(invariants.violations(of: "ovh004", .provisioned(volumes: 0)) == [])
        #expect(
            bench.sandbox.withState { $0.cloud.snapshot(at: bench.simulation.world.time.wallClock) }.servers.count == 3)
    }

    @Test(arguments: [0, 7, 27])
    func inDrainModeNothingIsBuriedAndNoReplyIsLost(second: Int) throws {
        let bench = try Bench()
        bench.worker("w1").start()
        bench.worker("w2").start()
        try bench.simulation.run { world in
            Self.put(into: bench)
            try await world.time.sleep(for: .seconds(second) + .milliseconds(300))
            let said = bench.reports.count
            bench.broker.drain()
            try await world.time.sleep(for: .seconds(900))
            #expect(bench.reports.count == said && bench.buried == said)
            #expect(Self.states(bench).count + bench.replies("replies").count >= 5)
            #expect(bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock) }.servers.count == 2)
            bench.broker.restart()
            try await Self.expectAllDone(bench)
        }
    }

    @Test(arguments: [0, 7, 27])
    func aFullDiskLeavesNoJobInLimbo(second: Int) throws {
        let bench = try Bench()
        let workers = [bench.worker("w1"), bench.worker("w2")]
        for worker in workers { worker.start() }
        try bench.simulation.run { world in
            Self.put(into: bench)
            try await world.time.sleep(for: .seconds(second) + .milliseconds(300))
            let said = bench.reports.count
            bench.broker.setDiskFull(true)
            try await world.time.sleep(for: .seconds(900))
            #expect(bench.reports.count == said && bench.buried == said)
            for worker in workers { worker.drain() }
            try await world.time.sleep(for: .seconds(60))
            // Nobody holds a job now: one that is still reserved is in limbo.
            #expect(!Self.states(bench).contains("reserved"), "\(Self.states(bench))")
            bench.worker("w3").start()
            try await world.time.sleep(for: .seconds(60))
            bench.broker.setDiskFull(false)
            try await Self.expectAllDone(bench)
        }
    }

    /// A broker that stands with its jobs forgotten gives their ids to others. Whoever worked on an old one must not
    /// settle the new one, whatever it was doing at that moment.
    @Test func aForgettingBrokersNewJobsAreNotTakenForOldOnes() throws {
        for step in 1...60 {
            let bench = try Bench(seed: UInt64(step), order: .shuffled)
            bench.worker("w1").start()
            try bench.simulation.run { world in
                for node in 1...3 { bench.lock("ovh00\(node)") }
                bench.put(.provision, Self.provision(1))
                bench.put(.provision, Self.provision(3, ", os_version: 1.2.3"))
                try await world.time.sleep(for: .milliseconds(500 * step))
                bench.broker.restart(isPersistent: false)
                #expect(bench.put(.provision, Self.provision(3, ", os_version: 1.2.3")) == 1)
                #expect(bench.put(.provision, Self.provision(2)) == 2)
                try await bench.settled()
                let outcomes = bench.replies("replies").map { "\($0.uuid) \($0.outcome)" }
                #expect(outcomes.sorted() == ["job-2 done", "job-3 rejected"], "step \(step)")
                #expect(bench.broker.jobs.filter { $0.state == "buried" }.map(\.id) == [1])
                #expect(bench.reports.map(\.jobID) == [1])
                // The lost job is put again by whoever waited for it in vain: what it had built is found.
                bench.put(.provision, Self.provision(1))
                try await bench.settled()
                let invariants = Invariants(bench)
                #expect(invariants.violations(of: "ovh001", .provisioned(volumes: 0)) == [], "step \(step)")
                #expect(invariants.violations(of: "ovh002", .provisioned(volumes: 0)) == [], "step \(step)")
                #expect(invariants.violations(of: "ovh003", .empty) == [], "step \(step)")
            }
        }
    }

    /// The broker's host vanishes without a word, for less than a lease, about one, and for long.
    @Test(arguments: [20, 50, 70, 400, 2_000], [1, 2])
    func aVanishedBrokerEndsTheLease(seconds: Int, workers: Int) throws {
        let bench = try Bench(sandbox: { $0.timings.boot = .seconds(300) })
        bench.lock("ovh001")
        let names = (1...workers).map { "w\($0)" }
        for name in names { bench.worker(name).start() }
        // The lease is a minute, from the sending of the last touch that was answered.
        let changes = Locked<[(process: String, at: Moment)]>([])
        let world = bench.simulation.world
        bench.simulation.http.onRequest { exchange in
            if exchange.request.method != .get, !exchange.request.url.contains("/identity/") {
                changes.withLock { $0.append((exchange.process, world.time.now)) }
            }
            return .deliver
        }
        try bench.simulation.run { world in
            bench.put(.provision, Self.provision(1, ", volumes: {count: 1, size: 10}"))
            try await world.time.sleep(for: .seconds(12))
            for name in names { bench.simulation.network.partition(from: name, to: bench.broker.endpoint) }
            let began = world.time.now
            try await world.time.sleep(for: .seconds(seconds))
            let healed = world.time.now
            for name in names { bench.simulation.network.heal(from: name, to: bench.broker.endpoint) }
            try await bench.settled()
            let late = changes.withLock { $0 }.filter { $0.at > began + .seconds(60) && $0.at < healed }
            #expect(late.isEmpty, "\(late)")
            #expect(bench.replies("replies").map(\.outcome) == ["done"])
            #expect(bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock) }.servers.count == 1)
            #expect(Invariants(bench).violations(of: "ovh001", .provisioned(volumes: 1)) == [])
            #expect(bench.buried == 0)
        }
    }
}
