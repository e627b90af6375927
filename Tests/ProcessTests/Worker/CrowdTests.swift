import Beanstalk
import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// Many slots, many jobs, one worker process.
    @Suite struct CrowdTests {
        @Test func aThousandIdleSlotsCostNothing() async throws {
            try await withLab { lab in
                let worker = try await lab.worker(WorkerFile(slots: 1_000))
                let facts = ProcessFacts(id: worker.id)
                // Our own connection is there, too: 4 wait for jobs, 1 tells that the worker is alive.
                let connections = try await lab.queue.connect { connection in
                    var most = 0
                    try await lab.world.time.sleep(for: .seconds(2))
                    let before = facts.processorTime
                    for _ in 0..<10 {
                        try await lab.world.time.sleep(for: .milliseconds(500))
                        most = max(most, try await connection.statistics().connections - 1)
                    }
                    let used = facts.processorTime - before
                    print(
                        "1,000 idle slots: \(most) connections, \(used) of processor time in 5 s, \(facts.residentKiB) KiB"
                    )
                    // 5 %; what is measured is a tenth of that.
                    #expect(used < .milliseconds(250))
                    return most
                }
                #expect((2...5).contains(connections), "\(connections) connections")
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }

        /// The twin of the Simulation's crowd, with real sockets and a real broker.
        @Test func twoHundredProvisionsAtOnce() async throws {
            let count = 200
            try await withLab(LabOptions(nodes: count, boot: 20)) { lab in
                let nodes = (1...count).map { LabProcesses.node($0) }
                try await lab.sandbox.lock(nodes)
                let worker = try await lab.worker(
                    WorkerFile(slots: count + 2, pollInterval: "1s", more: "destroy_slots: 2"))
                let began = lab.world.time.now
                try await lab.put(nodes.map { .provision($0) })
                let replies = try await lab.replies(count, within: .seconds(100))
                let took = lab.world.time.now - began
                #expect(replies.filter { $0.outcome != "done" } == [])
                #expect(Set(replies.map(\.node)) == Set(nodes.map { "\($0).\(LabProcesses.domain)" }))
                try await lab.settled()
                let state = try await lab.sandbox.state()
                let violations = nodes.flatMap { state.violations(provisioned: $0, volumes: 0) }
                #expect(violations == [])
                #expect(state.servers.count == count && state.serversCreated == count && state.volumes.isEmpty)
                #expect(Set(nodes.flatMap { state.addresses(of: $0) }).count == count)
                #expect(
                    state.cloudRequests <= 2 * count, "\(state.cloudRequests) OpenStack requests for \(count) nodes")
                let facts = ProcessFacts(id: worker.id)
                print(
                    "\(count) provisions at once: \(took), \(state.cloudRequests) OpenStack requests, "
                        + "\(facts.processorTime) of processor time, \(facts.residentKiB) KiB")
            }
        }
    }
}
