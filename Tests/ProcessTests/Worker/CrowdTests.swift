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
                // Four that wait for jobs, one for signs of life, one for the sweep token.
                #expect((2...6).contains(connections), "\(connections) connections")
                // A broker that comes back is not run over, either.
                try await lab.beanstalkd.stop(SIGKILL)
                try await worker.says("beanstalkd at \(lab.beanstalkd.endpoint)")
                try await lab.beanstalkd.start()
                try await lab.sandbox.lock([LabProcesses.node()])
                try await lab.put(.provision())
                #expect(try await lab.reply().outcome == "done")
                let statistics = try await lab.queue.connect { try await $0.statistics() }
                #expect(statistics.totalConnections <= 20, "\(statistics.totalConnections) connections were made")
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }

        /// Workers die one after the other, at any moment, and others come.
        @Test func workersComeAndGo() async throws {
            let nodes = (1...12).map { LabProcesses.node($0) }
            try await withLab(LabOptions(nodes: nodes.count, boot: 1.5)) { lab in
                try await lab.sandbox.lock(nodes)
                var workers = [try await lab.worker(), try await lab.worker()]
                try await lab.put(nodes.map { .provision($0, volumes: 1) })
                for pause in [700, 450, 1_100, 850] {
                    try await lab.world.time.sleep(for: .milliseconds(pause))
                    try await workers.removeFirst().kill()
                    workers.append(try await lab.worker())
                }
                // At least one each: whoever dies between reply and settlement leaves a second one to be told.
                var missing = Set(nodes.map { "\($0).\(LabProcesses.domain)" })
                while !missing.isEmpty {
                    let reply = try await lab.reply()
                    #expect(reply.outcome == "done", "\(reply)")
                    missing.remove(reply.node)
                }
                try await lab.settled()
                let state = try await lab.sandbox.state()
                #expect(nodes.flatMap { state.violations(provisioned: $0, volumes: 1) } == [])
                #expect(state.servers.count == nodes.count && state.serversCreated == nodes.count)
                #expect(state.volumes.count == nodes.count && state.volumesCreated == nodes.count)
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
