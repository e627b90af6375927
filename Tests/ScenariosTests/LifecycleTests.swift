import Jobs
import Pipelines
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// One worker, one simulated broker, the Sandbox: jobs from put to reply.
@Suite struct LifecycleTests {
    private func body(_ action: String, _ node: String, _ more: String = "") -> String {
        "{action: \(action), node: \(node), owner: me@lab, lock_description: run/1, uuid: \(action)-\(node), reply_to: replies\(more)}"
    }

    @Test func provisionThenDestroy() throws {
        let bench = try Bench()
        bench.lock("ovh001")
        bench.worker("w1").start()
        try bench.simulation.run { world in
            bench.put(.provision, body("provision", "ovh001", ", volumes: {count: 3, size: 10}"))
            try await bench.settled()
            let now = world.time.wallClock
            bench.sandbox.withState { state in
                let cloud = state.cloud.snapshot(at: now)
                let node = state.paddles.node("ovh001.front.lab.test")
                #expect(cloud.servers.map(\.name) == ["ovh001"])
                #expect(cloud.volumes.map(\.name).sorted() == ["ovh001_0", "ovh001_1", "ovh001_2"])
                #expect(cloud.volumes.allSatisfy { $0.status == "in-use" })
                #expect(node?.osType == "ubuntu" && node?.osVersion == "22.04" && node?.up == true)
                #expect(node?.macAddress?.isEmpty == false)
            }
            #expect(bench.replies("replies").map(\.outcome) == ["done"])
            #expect(bench.events.outcomes.map(\.kind) == [.done])

            bench.put(.destroy, body("destroy", "ovh001", ", unlock: true"))
            try await bench.settled()
            let later = world.time.wallClock
            bench.sandbox.withState { state in
                let cloud = state.cloud.snapshot(at: later)
                let node = state.paddles.node("ovh001.front.lab.test")
                #expect(cloud.servers.isEmpty)
                #expect(cloud.volumes.isEmpty)
                #expect(node?.locked == false && node?.macAddress == nil && node?.osType == nil)
            }
            #expect(bench.events.outcomes.map(\.kind) == [.done, .done])
        }
    }
}
