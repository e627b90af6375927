import EventLoop
import Glibc
import HTTPKit
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// `cirrata run`: one job in the foreground.
    @Suite struct RunTests {
        private static let provision =
            "{action: provision, node: ovh001, owner: me@lab, lock: true, uuid: run-1, volumes: {count: 1, size: 10}}"
        private static let destroy = "{action: destroy, node: ovh001, owner: me@lab, unlock: true, uuid: run-2}"

        @Test func aDryRunChangesNothing() async throws {
            try await withLab { lab in
                let job = try await lab.file("job.yaml", Self.provision)
                let end = try await lab.run("run", "--dry-run", job)
                #expect(end.end == .exited(0), "\(end.errors)")
                for line in [
                    "image    Ubuntu 22.04", "flavor ", "- lock ovh001", "- create server ovh001", "volume ovh001_0",
                ] {
                    #expect(end.output.contains(line), "\(end.output)")
                }
                #expect(!end.output.contains("user data"))
                let json = try await lab.run("run", "--dry-run", "--json", "--verbose", job)
                #expect(try json.json.first?["user_data"]?.string?.hasPrefix("#cloud-config") == true)
                #expect(try json.json.first?["outcome"] == "done")

                let state = try await lab.sandbox.state()
                #expect(state.serversCreated == 0 && state.volumesCreated == 0)
                #expect(state.node("ovh001")?["locked"] == false)
            }
        }

        @Test func aDryRunSaysHowTheJobWouldEnd() async throws {
            try await withLab { lab in
                let unlocked = "{action: provision, node: ovh001, owner: me@lab}"
                let end = try await lab.run("run", "--dry-run", try await lab.file("job.yaml", unlocked))
                #expect(end.end == .exited(1))
                #expect(end.output.contains("it would end obsolete: ovh001.front.lab.test is not locked for anybody"))
            }
        }

        @Test func aJobRunsAndItsDestroyToo() async throws {
            try await withLab { lab in
                let job = try await lab.file("job.yaml", Self.provision)
                let made = try await lab.run("run", job)
                #expect(made.end == .exited(0), "\(made.output)\(made.errors)")
                #expect(made.output.contains("+       server ovh001 "))
                #expect(made.output.contains("ok      commit"))
                #expect(!made.output.contains("\u{1B}"))
                #expect(try await lab.sandbox.state().volumes.compactMap { $0["name"]?.string } == ["ovh001_0"])

                let again = try await lab.run("run", "--json", job)
                #expect(again.end == .exited(0))
                #expect(try again.json.compactMap { $0["outcome"]?.string } == ["done"])
                let preview = try await lab.run("run", "--dry-run", job)
                #expect(preview.output.contains("- nothing: server "))
                #expect(try await lab.sandbox.state().serversCreated == 1)

                let destroy = try await lab.file("destroy.yaml", Self.destroy)
                let end = try await lab.run("run", "--dry-run", destroy)
                #expect(end.output.contains("- remove server ovh001 ("), "\(end.output)")
                #expect(try await lab.sandbox.state().servers.count == 1)
                #expect(try await lab.run("run", destroy).end == .exited(0))
                #expect(try await lab.sandbox.state().violations(destroyed: "ovh001") == [])
            }
        }

        @Test func whatAFailedProvisionBuiltIsRemoved() async throws {
            try await withLab { lab in
                _ = try await lab.sandbox.fault([
                    "service": "nsupdate", "method": "GET", "status": 403, "body": "not \u{1B}[31mallowed",
                ])
                let end = try await lab.run("run", try await lab.file("job.yaml", Self.provision))
                #expect(end.end == .exited(1))
                #expect(end.output.contains("-       server ovh001 "))
                #expect(end.output.contains("rejected, at push-dns"))
                // What a service says must not reach the terminal as a command.
                #expect(!end.output.contains("\u{1B}"))
                let state = try await lab.sandbox.state()
                #expect(state.servers.isEmpty && state.volumes.isEmpty)
                #expect(state.node("ovh001")?["locked"] == false)
            }
        }

        @Test func aStoppedJobGoesOnWhenItIsRunAgain() async throws {
            // Longer than the slack within which a server may seem older than its job.
            try await withLab(LabOptions(boot: 5)) { lab in
                let job = try await lab.file("job.yaml", Self.provision)
                let first = try await lab.start("run", job)
                _ = try await first.waitForLine(containing: "ok      create-server")
                first.signal(SIGINT)
                let end = try await first.result().end
                #expect(end == .exited(1))
                #expect(await first.transcript.contains("run the same file again to go on"))
                while try await lab.sandbox.state().servers.first?["status"] != "ACTIVE" {
                    try await lab.world.time.sleep(for: .milliseconds(100))
                }
                let preview = try await lab.run("run", "--dry-run", job)
                #expect(preview.output.contains("use server "), "\(preview.output)")
                let second = try await lab.run("run", job)
                #expect(second.end == .exited(0), "\(second.output)")
                #expect(second.output.contains("=       server ovh001 "))
                #expect(try await lab.sandbox.state().serversCreated == 1)
            }
        }

        /// What stands of it is gone, so it is a new job, and newer than whoever removed that.
        @Test func aFileIsANewJobAfterADestroy() async throws {
            try await withLab(LabOptions(boot: 5)) { lab in
                let job = try await lab.file("job.yaml", Self.provision)
                let first = try await lab.start("run", job)
                _ = try await first.waitForLine(containing: "ok      create-server")
                first.signal(SIGINT)
                _ = try await first.result()
                let destroy = try await lab.file("destroy.yaml", Self.destroy)
                #expect(try await lab.run("run", destroy).end == .exited(0))
                let second = try await lab.run("run", job)
                #expect(second.end == .exited(0), "\(second.output)")
                let state = try await lab.sandbox.state()
                #expect(state.serversCreated == 2 && state.servers.count == 1)
            }
        }

        /// The first signal waits for the request in flight, which is never answered here; the second does not.
        @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
        func aSecondSignalEndsAtOnce(_ signal: Int32, _ status: Int32) async throws {
            try await withLab { lab in
                let fault = try await lab.sandbox.fault(["service": "compute", "method": "POST", "wire": "stall"])
                let run = try await lab.start("run", try await lab.file("job.yaml", Self.provision))
                try await lab.sandbox.struck(fault)
                run.signal(signal)
                _ = try await run.waitForLine(containing: "once more ends at once")
                let asked = lab.world.time.now
                run.signal(signal)
                let end = try await run.result().end
                #expect(end == .exited(status))
                #expect(lab.world.time.now - asked < .seconds(1))
            }
        }

        @Test func aWrongJobFileIsToldWithItsPlaces() async throws {
            try await withLab { lab in
                let job = try await lab.file("job.yaml", "action: provision\nnode: UPPER\n")
                let end = try await lab.run("run", job)
                #expect(end.end == .exited(1))
                #expect(end.errors.contains("job.yaml:2:1: node:"))
                #expect(end.errors.contains("owner: missing"))
                let missing = try await lab.run("run", "\(lab.folder)/nothing.yaml")
                #expect(missing.end == .exited(1))
                #expect(missing.errors.contains("cirrata: \(lab.folder)/nothing.yaml: No such file or directory\n"))
            }
        }
    }
}
