import Beanstalk
import EventLoop
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// `cirrata sweep` as an operator runs it, on what a worker that was killed left behind.
    @Suite struct SweepTests {
        /// Builds the first node, and begins with the second: its worker is killed while the server boots, and its job is
        /// deleted. Everything is two hours old then.
        private static func leak(_ lab: LabProcesses) async throws {
            let nodes = [LabProcesses.node(1), LabProcesses.node(2)]
            try await lab.sandbox.lock(nodes)
            let worker = try await lab.worker()
            try await lab.put(.provision(nodes[0], volumes: 1))
            #expect(try await lab.reply().outcome == "done")
            try await lab.settled()
            try await lab.sandbox.control(["do": "server-fault", "fault": "stays-in-build", "name": .string(nodes[1])])
            try await lab.put(.provision(nodes[1]))
            try await worker.starts("wait-active")
            try await lab.world.time.withTimeout(.seconds(20), doing: "wait for the second server") {
                while try await lab.sandbox.state().serversCreated < 2 {
                    try await lab.world.time.sleep(for: .milliseconds(20))
                }
            }
            try await worker.kill()
            try await deleteJobs(lab)
            try await lab.sandbox.control(["do": "age", "by": 7_200])
        }

        private static func deleteJobs(_ lab: LabProcesses) async throws {
            let tube = try TubeName(LabJob.provision().tube)
            try await lab.queue.connect(Tubes(watching: [tube])) { connection in
                guard case .job(let job) = try await connection.reserve(timeout: .seconds(10)) else {
                    throw LabFailure(description: "the killed worker's job did not come back")
                }
                _ = try await connection.delete(job.id)
            }
        }

        private static func unlock(_ node: String, _ lab: LabProcesses) async throws {
            try await lab.sandbox.control([
                "do": "set-node", "name": .string("\(node).\(LabProcesses.domain)"),
                "fields": ["locked": false, "locked_by": .null, "description": .null],
            ])
        }

        @Test func whatAKilledWorkerLeft() async throws {
            try await withLab { lab in
                try await Self.leak(lab)
                let (used, lost) = (LabProcesses.node(1), LabProcesses.node(2))
                // Still locked for its run: it goes when that ends.
                let locked = try await lab.run("sweep", "--gap", "1s", "--json")
                #expect(locked.end == .exited(0), "\(locked.errors)")
                let reasons = try locked.json.compactMap { $0["reason"]?.string }
                #expect(reasons == ["in-use", "node-locked"])

                try await Self.unlock(lost, lab)
                let dry = try await lab.run("sweep", "--gap", "1s", "--dry-run")
                #expect(dry.end == .exited(0))
                #expect(
                    dry.output.contains("would go   \(lost): its job is gone, and the node is free"), "\(dry.output)")
                #expect(try await lab.sandbox.state().servers.count == 2)

                let swept = try await lab.run("sweep", "--gap", "1s", "--json")
                #expect(swept.end == .exited(0), "\(swept.errors)")
                let lines = try swept.json
                #expect(lines.map { $0["event"]?.string } == ["remains", "remains", "summary"])
                #expect(lines.map { $0["fate"]?.string } == ["kept", "removed", nil])
                #expect(lines[1]["node"]?.string == lost && lines[1]["removed"]?.array?.count == 1)
                #expect(lines[2]["removed"] == 1 && lines[2]["needs_person"] == false)
                let state = try await lab.sandbox.state()
                #expect(state.servers.compactMap { $0["name"]?.string } == [used])
                #expect(state.violations(provisioned: used, volumes: 1) == [])
                // Nothing of the sweep stays in the broker, and nothing of a worker that is dead for a while.
                let clean = try await lab.run("sweep", "--gap", "1s")
                #expect(clean.end == .exited(0))
                #expect(clean.output.contains("kept       1: in use") && clean.output.contains("0 removed"))
            }
        }

        /// Unlocked without being destroyed: paddles still describes the server, so a person has to decide.
        @Test func whatNeedsAPerson() async throws {
            try await withLab { lab in
                let node = LabProcesses.node(1)
                try await lab.sandbox.lock([node])
                let worker = try await lab.worker()
                try await lab.put(.provision(node))
                #expect(try await lab.reply().outcome == "done")
                try await lab.settled()
                try await worker.kill()
                try await lab.sandbox.control(["do": "age", "by": 7_200])
                try await Self.unlock(node, lab)
                let swept = try await lab.run("sweep", "--gap", "1s")
                #expect(swept.end == .exited(1))
                #expect(swept.output.contains("→ lock the node for yourself and enqueue a destroy"), "\(swept.output)")
                #expect(try await lab.sandbox.state().servers.count == 1)
            }
        }

        @Test func aBrokerThatIsGone() async throws {
            try await withLab { lab in
                try await lab.beanstalkd.stop()
                #expect(try await lab.run("sweep").end == .exited(4))
                #expect(try await lab.run("sweep", "--gap", "0").end == .exited(64))
                try await lab.beanstalkd.start()
            }
        }
    }
}
