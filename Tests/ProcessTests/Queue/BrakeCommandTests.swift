import HTTPKit
import Jobs
import Testing
import World

extension ProcessSuites {
    /// The burial brake as operators and users meet it, with a real broker.
    @Suite struct BrakeCommandTests {
        private static func jobs(_ count: Int, more: String) -> [LabJob] {
            (1...count).map { LabJob(node: LabProcesses.node($0), uuid: "bad-\($0)", more: more) }
        }

        /// One person's typing errors are answered at once, all of them, and the next good job is done.
        @Test func aUsersTypingErrorsStopNobody() async throws {
            try await withLab { lab in
                try await lab.sandbox.lock((1...4).map(LabProcesses.node))
                let worker = try await lab.worker()
                let wrong = (1...12).map {
                    LabJob(node: LabProcesses.node($0 % 3 + 1), uuid: "bad-\($0)", more: ", os_version: '99.99'")
                }
                try await lab.put(wrong)
                #expect(Set(try await lab.replies(12).map(\.outcome)) == ["rejected"])
                try await lab.put(.provision(LabProcesses.node(4)))
                #expect(try await lab.reply(within: .seconds(20)).outcome == "done")
                try await worker.kill()
            }
        }

        @Test func everyCommandSaysThatAProviderRestsAndResumeEndsIt() async throws {
            try await withLab { lab in
                let nodes = (1...4).map(LabProcesses.node)
                try await lab.sandbox.lock(nodes)
                _ = try await lab.sandbox.fault([
                    "service": "compute", "method": "POST", "match": "/servers$", "status": 403,
                    "body": .string(
                        #"{"forbidden": {"code": 403, "message": "Not allowed on external network 1f1f"}}"#),
                ])
                let worker = try await lab.worker(WorkerFile(slots: 1, more: "burial_brake: {count: 2, within: 10m}"))
                try await lab.put(Self.jobs(3, more: ""))
                try await worker.says("the site is at fault, no provisions of ovh are taken until 2")
                let good = LabJob.provision(nodes[3])
                try await lab.put(good)

                let why = "after 2 burials of nova-403, the last one: nova: create server"
                try await lab.world.time.withTimeout(.seconds(5), doing: "wait until the rest is shown") {
                    while try await !lab.run("workers").output.contains(why) {}
                }
                for arguments in [["workers"], ["tubes"], ["jobs"], ["job", good.uuid], ["doctor"]] {
                    let told = try await lab.run(arguments).output
                    #expect(told.contains("rests since 2") && told.contains("until 2"), "\(arguments): \(told)")
                    #expect(told.contains(why) && told.contains("`cirrata resume ovh`"), "\(arguments): \(told)")
                }
                let worth = try await lab.run("workers", "--json").json.first?["rests"]?.array?.first
                #expect(worth?["provider"] == "ovh" && worth?["burials"] == 2)

                try await lab.sandbox.removeFaults()
                let resumed = try await lab.run("resume", "ovh")
                #expect(resumed.end == .exited(0) && resumed.output.contains("cirrata.provision.ovh again in a moment"))
                try await worker.says("provisions of ovh are taken again: resumed by an operator")
                // Two replies tell of the burials.
                #expect(try await lab.replies(3, within: .seconds(20)).last?.outcome == "done")
                #expect(try await lab.run("resume", "ovh").output.hasPrefix("ovh is not paused"))
                #expect(try await !lab.run("tubes").output.contains("rests"))
                try await worker.kill()
            }
        }

        @Test func aPauseIsSaidAndResumeSaysWhatItEnded() async throws {
            try await withLab { lab in
                try await lab.put(.provision())
                #expect(try await lab.run("job", "ovh001").output.contains("no worker takes jobs of it"))
                let waited = try await lab.run("enqueue", "provision", "ovh002", "--wait", "--timeout", "7s")
                #expect(waited.end == .exited(5))
                #expect(waited.errors.contains("no worker takes jobs of it; start a worker"))
                _ = try await lab.run("pause", "ovh", "--for", "10m")
                for arguments in [["job", "ovh001"], ["jobs"], ["tubes"], ["doctor"]] {
                    let told = try await lab.run(arguments).output
                    #expect(told.contains("paused for another") && told.contains("resume ovh"), "\(arguments): \(told)")
                }
                #expect(try await lab.run("resume", "ovh").output == "resumed cirrata.provision.ovh\n")
                #expect(try await lab.run("resume", "ovh").output.hasPrefix("ovh is not paused"))
                #expect(try await lab.run("resume", "nobody").errors.contains("no tube of 'nobody'"))
            }
        }
    }
}
