import Beanstalk
import EventLoop
import Glibc
import HTTPKit
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// `cirrata enqueue`, and what its jobs come to.
    @Suite struct EnqueueTests {
        @Test func provisionsAndDestroysThroughAWorker() async throws {
            // Longer than the slack within which two jobs of one node have no certain order.
            try await withLab(LabOptions(boot: 4)) { lab in
                _ = try await lab.worker()
                let made = try await lab.run(
                    "enqueue", "provision", "ovh001", "ovh002", "--lock", "--volumes", "1", "--wait", "--timeout", "60")
                #expect(made.end == .exited(0), "\(made.output)\(made.errors)")
                #expect(made.output.contains("provision ovh001.front.lab.test: done after"))
                let full = try await lab.sandbox.state()
                #expect(full.servers.compactMap { $0["name"]?.string } == ["ovh001", "ovh002"])
                #expect(full.volumes.compactMap { $0["name"]?.string } == ["ovh001_0", "ovh002_0"])
                #expect(full.node("ovh001")?["os_type"] == "ubuntu")

                let gone = try await lab.run(
                    "enqueue", "destroy", "ovh001", "ovh002", "--unlock", "--wait", "--timeout", "60", "--json")
                #expect(gone.end == .exited(0), "\(gone.output)\(gone.errors)")
                let events = try gone.json
                #expect(events.compactMap { $0["event"]?.string } == ["put", "put", "ended", "ended"])
                #expect(events.suffix(2).allSatisfy { $0["outcome"] == "done" && $0["action"] == "destroy" })
                let empty = try await lab.sandbox.state()
                for node in ["ovh001", "ovh002"] { #expect(empty.violations(destroyed: node) == []) }
            }
        }

        @Test func aJobWithoutANodeGetsAFreeOne() async throws {
            try await withLab { lab in
                _ = try await lab.worker()
                let made = try await lab.run(
                    "enqueue", "provision", "--count", "2", "--owner", "me@lab", "--wait", "--timeout", "60", "--json")
                #expect(made.end == .exited(0), "\(made.output)\(made.errors)")
                let nodes = try made.json.filter { $0["event"] == "ended" }.compactMap { $0["node"]?.string }
                #expect(Set(nodes).count == 2)
                let state = try await lab.sandbox.state()
                #expect(state.servers.count == 2)
                #expect((state.json["nodes"]?.array ?? []).filter { $0["locked_by"] == "me@lab" }.count == 2)
            }
        }

        /// Scripts go on, and a person is asked.
        @Test func aServerThatWouldBeReplacedIsNamedFirst() async throws {
            try await withLab { lab in
                let worker = try await lab.worker()
                let made = try await lab.run(
                    "enqueue", "provision", "ovh001", "--lock", "--owner", LabProcesses.owner, "--wait", "--timeout",
                    "60")
                #expect(made.end == .exited(0) && made.errors.isEmpty, "\(made.errors)")
                try await worker.kill()

                let again = ["enqueue", "provision", "ovh001", "ovh002", "--owner", LabProcesses.owner]
                let script = try await lab.run(again)
                #expect(script.end == .exited(0))
                #expect(script.errors.split(separator: "\n").count == 1)
                #expect(script.errors.contains("ovh001.front.lab.test has a server (ubuntu 22.04, locked by me@lab"))
                #expect(try await lab.openJobs() == (0, 2))

                let site = try await lab.file("terminal.yaml", WorkerFile().text(for: lab))
                for (answer, more, jobs) in [("n", "", 2), ("y", "", 4), ("", " --yes", 6)] {
                    let words = "'\(lab.programs.path)' \(again.joined(separator: " "))\(more) --config '\(site)'"
                    let person = try await lab.world.children.run(
                        ChildCommand("script", ["-qec", words, "/dev/null"], input: Array("\(answer)\n".utf8)))
                    let text = String(decoding: person.output, as: UTF8.self)
                    #expect(text.contains("has a server") && text.contains("replace it?") == more.isEmpty, "\(text)")
                    #expect(try await lab.openJobs() == (0, jobs), "\(answer)\(more)")
                }

                // Somebody else's node is safe, and paddles need not answer.
                let other = try await lab.run("enqueue", "provision", "ovh001", "--owner", "other@lab")
                #expect(other.end == .exited(0) && other.errors.isEmpty)
                try await lab.sandbox.control(["do": "paddles", "database_down": true])
                let deaf = try await lab.run(again)
                #expect(deaf.end == .exited(0) && deaf.errors.isEmpty)
            }
        }

        @Test func waitTellsWhyAJobWasRefused() async throws {
            try await withLab { lab in
                _ = try await lab.worker()
                let end = try await lab.run(
                    "enqueue", "provision", "ovh001", "--lock", "--os-type", "beos", "--os-version", "5", "--wait",
                    "--timeout", "60")
                #expect(end.end == .exited(1))
                #expect(end.output.contains("rejected"))
                #expect(end.output.contains("no image for beos 5"))
                #expect(try await lab.sandbox.state().serversCreated == 0)
            }
        }

        /// Whoever sees a job in the queue knows its uuid and its tube, and can put jobs that end otherwise.
        @Test(arguments: [["ovh001"], ["--count", "1"]])
        func aReplyAboutAnotherJobIsNotBelieved(node: [String]) async throws {
            try await withLab { lab in
                let waiting = try await lab.start(["enqueue", "provision", "--lock", "--wait"] + node)
                _ = try await waiting.waitForLine(containing: "job ")
                let tube = try TubeName("cirrata.provision.\(LabProcesses.provider)")
                let bodies = try await lab.bodies(in: tube.text)
                let body = try #require(bodies.first)
                let lines = String(decoding: body, as: UTF8.self).split(separator: "\n")
                let others = lines.filter { !$0.hasPrefix("node: ") }.joined(separator: "\n")
                try await lab.queue.connect { connection in
                    for node in ["ovh001", "ovh002"] {
                        let forged = "\(others)\nnode: \(node)\nexpire: 1\n"
                        // They come first.
                        _ = try await connection.put(Array(forged.utf8), into: tube, priority: 0, ttr: .seconds(300))
                    }
                }
                _ = try await lab.worker()
                #expect(try await waiting.result().end == .exited(0))
                let said = await waiting.transcript
                #expect(said.contains("done after") && !said.contains("expired"), "\(said)")
            }
        }

        @Test func waitEndsAfterItsTimeout() async throws {
            try await withLab { lab in
                let end = try await lab.run("enqueue", "provision", "ovh001", "--wait", "--timeout", "200ms")
                #expect(end.end == .exited(5))
                #expect(end.errors.contains("provision ovh001.front.lab.test"))
            }
        }

        @Test func waitOutlivesARestartOfTheBroker() async throws {
            try await withLab { lab in
                let waiting = try await lab.start("enqueue", "provision", "ovh001", "--lock", "--wait")
                _ = try await waiting.waitForLine(containing: "job ")
                try await lab.beanstalkd.stop()
                try await lab.beanstalkd.start()
                _ = try await lab.worker()
                let end = try await waiting.result().end
                #expect(end == .exited(0))
                #expect(await waiting.transcript.contains("done after"))
            }
        }

        @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143)), (SIGHUP, Int32(143))])
        func waitingCanBeGivenUp(_ signal: Int32, _ status: Int32) async throws {
            try await withLab { lab in
                let waiting = try await lab.start("enqueue", "provision", "ovh001", "--wait")
                _ = try await waiting.waitForLine(containing: "job ")
                waiting.signal(signal)
                let end = try await waiting.result().end
                #expect(end == .exited(status))
                #expect(await waiting.transcript.contains("the jobs go on"))
            }
        }

        @Test func nothingIsPutUnlessEverythingIsRight() async throws {
            try await withLab { lab in
                for (arguments, complaint) in [
                    (["ovh001", "bad_name"], "contains '_'"), (["ovh001", "ovh001"], "named twice"),
                    (["ovh001.elsewhere.test"], "is in the domain 'elsewhere.test'"),
                    (["ovh001", "--machine-type", "mars"], "provider 'mars' is not configured; there is ovh"),
                    (["ovh001", "ovh002", "--uuid", "x"], "--uuid identifies one job"),
                    (["ovh001", "--ttr", "1"], "--ttr takes 10s or more"),
                    (["ovh001", "--expire", "tomorrow"], "neither a duration"),
                    (["ovh001", "--uuid", "no blanks"], "uuid"), (["--count", "0"], "--count takes 1 to 10000"),
                    ([], "name nodes, or say --any for a free one"),
                    (["ovh001", "--any"], "nodes by name, --any and --count exclude each other"),
                    (["--any", "--count", "2"], "nodes by name, --any and --count exclude each other"),
                    (["ovh001", "--reply-to", "cirrata.sweep"], "a tube of cirrata's own"),
                    (["ovh001", "--reply-to", "ovh"], "teuthology's dispatcher"),
                    (["ovh001", "--name", String(repeating: "x", count: 256)], "at most 255 bytes"),
                ] as [([String], String)] {
                    let end = try await lab.run(["enqueue", "provision"] + arguments)
                    #expect(end.end == .exited(64), "\(arguments)")
                    #expect(end.errors.contains(complaint), "\(end.errors)")
                    #expect(end.output.isEmpty)
                }
                #expect(try await lab.openJobs() == (0, 0))
            }
        }

        @Test func aBrokerThatRefusesIsSaid() async throws {
            try await withLab { lab in
                await lab.beanstalkd.signal(SIGUSR1)
                // The signal is handled when the broker wakes up, so the first put may still be taken.
                _ = try await lab.run("enqueue", "destroy", "ovh009")
                let refused = try await lab.run("enqueue", "provision", "ovh001")
                #expect(refused.end == .exited(4))
                #expect(refused.errors.contains("DRAINING"))
                #expect(refused.errors.hasPrefix("cirrata: beanstalkd at 127.0.0.1:"))

                try await lab.beanstalkd.stop()
                let unreachable = try await lab.run("enqueue", "provision", "ovh001")
                #expect(unreachable.end == .exited(4))
                #expect(unreachable.errors.contains("see whether beanstalkd runs there"))
            }
        }
    }
}
