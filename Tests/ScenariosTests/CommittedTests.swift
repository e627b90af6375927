import HTTPKit
import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// A worker dies between its commit and the settling of the job: the job comes back, and whatever has happened meanwhile,
/// nothing of it is removed or built again (I8).
@Suite struct CommittedTests {
    enum Meanwhile: String, CaseIterable, Sendable {
        case nothing, expired, markedDown, unlocked, lockedByAnother
    }

    @Test(arguments: Meanwhile.allCases) func nothingIsRemoved(meanwhile: Meanwhile) throws {
        let bench = try Bench()
        bench.lock("ovh001")
        let first = bench.worker("w1")
        bench.killAfterCommit(first)
        first.start()
        try bench.simulation.run { world in
            let expire = world.time.wallClock + .seconds(600)
            bench.put(
                .provision,
                "{action: provision, node: ovh001, owner: me@lab, lock_description: run/1, uuid: k, expire: '\(expire)', volumes: {count: 1, size: 5}, reply_to: r}"
            )
            try await bench.until { first.process.end.isRaised }
            let before = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock).servers.map(\.id) }
            if meanwhile == .expired { try await world.time.sleep(for: .seconds(700)) }
            bench.sandbox.withState { state in
                guard var node = state.paddles.node("ovh001.\(Bench.domain)") else { return }
                switch meanwhile {
                case .nothing, .expired: break
                case .markedDown: node.up = false
                case .unlocked: (node.locked, node.lockedBy) = (false, nil)
                case .lockedByAnother: (node.lockedBy, node.description) = ("you@lab", "run/2")
                }
                state.paddles.put(node)
            }
            let requests = Requests(of: bench)
            bench.worker("w2").start()
            try await bench.settled()
            let after = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock) }
            #expect(before.count == 1 && after.servers.map(\.id) == before && after.volumes.count == 1)
            #expect(requests.count(.delete, "") == 0 && requests.count(.post, "/compute/v2.1/servers") == 0)
        }
        #expect(bench.events.outcomes.map(\.kind) == [.done])
        #expect(bench.replies("r").map(\.outcome) == ["done"] && bench.buried == 0)
    }

    /// A job that names no node finds the one that it committed, or built on, instead of locking another.
    @Test(arguments: [true, false]) func aJobWithoutANodeFindsItsOwn(isCommitted: Bool) throws {
        let bench = try Bench()
        let first = bench.worker("w1")
        if isCommitted { bench.killAfterCommit(first) }
        first.start()
        try bench.simulation.run { world in
            bench.put(
                .provision, "{action: provision, owner: me@lab, uuid: k, volumes: {count: 1, size: 5}, reply_to: r}")
            if isCommitted {
                try await bench.until { first.process.end.isRaised }
            } else {
                // Unlocked by hand while it is built: that cancels it, wherever it goes on.
                try await bench.until { bench.events.records.contains { $0.isStart(of: "attach-volumes") } }
                first.process.kill()
                bench.sandbox.withState { state in
                    for var node in state.paddles.nodes where node.locked {
                        (node.locked, node.lockedBy, node.description) = (false, nil, nil)
                        state.paddles.put(node)
                    }
                }
            }
            bench.worker("w2").start()
            try await bench.settled()
            let cloud = bench.sandbox.withState { $0.cloud.snapshot(at: world.time.wallClock) }
            let locked = bench.sandbox.withState { $0.paddles.nodes.filter(\.locked).count }
            #expect(cloud.servers.count == (isCommitted ? 1 : 0) && locked == (isCommitted ? 1 : 0))
            #expect(cloud.volumes.count == (isCommitted ? 1 : 0))
        }
        #expect(bench.replies("r").map(\.outcome) == [isCommitted ? "done" : "obsolete"])
    }
}
