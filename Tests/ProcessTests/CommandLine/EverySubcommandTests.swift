import EventLoop
import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// Every subcommand of the program as it is built, with arguments that do its work: what counts is what is there
    /// afterwards, at the broker and in the Sandbox.
    @Suite struct EverySubcommandTests {
        struct Trial: Sendable, CustomTestStringConvertible {
            var testDescription: String
            /// What it starts.
            var commands: [String]
            var options = LabOptions()
            var body: @Sendable (LabProcesses) async throws -> Void
        }

        static let trials = [
            Trial(
                testDescription: "the queue and its workers",
                commands: [
                    "sandbox", "worker", "workers", "enqueue provision", "enqueue destroy", "tubes", "jobs", "job",
                    "cancel", "pause", "resume",
                ], body: workOnTheQueue),
            Trial(
                testDescription: "failed jobs",
                commands: ["list", "groups", "show", "undo", "retry", "edit", "discard"].map { "failed \($0)" },
                body: mendFailedJobs),
            Trial(testDescription: "without a queue", commands: ["run"], body: runOneJob),
            Trial(
                testDescription: "leftovers", commands: ["sweep"], options: LabOptions(boot: 600),
                body: sweepLeftovers),
            Trial(
                testDescription: "the configuration and the site",
                commands: ["config example", "config reference", "config check", "config show", "doctor"],
                body: lookAtTheSite),
        ]

        @Test(arguments: trials) func doesItsWork(_ trial: Trial) async throws {
            try await withLab(trial.options) { lab in
                try await trial.body(lab)
                for command in trial.commands { #expect(lab.programs.wasStarted(command), "\(command)") }
            }
        }

        @Test func noneIsMissing() async throws {
            try await withLiveWorld { world in
                let loop = try #require(world.executor as? EventLoop)
                let dump = try await Programs(on: loop, home: "/nowhere").run(["--experimental-dump-help"])
                let program = try #require(try JSONValue(parsing: dump.output)["command"])
                let all = Self.below(program).flatMap { Self.leaves($0, above: "") }
                #expect(all.sorted() == Self.trials.flatMap(\.commands).sorted())
            }
        }

        private static func below(_ command: JSONValue) -> [JSONValue] {
            (command["subcommands"]?.array ?? []).filter { $0["commandName"] != "help" }
        }

        /// Those that do something themselves.
        private static func leaves(_ command: JSONValue, above: String) -> [String] {
            let name = above + (command["commandName"]?.string ?? "?")
            let below = below(command)
            return below.isEmpty ? [name] : below.flatMap { leaves($0, above: name + " ") }
        }

        /// Runs a command that is expected to end well.
        /// - Returns: what it said, as JSON.
        @discardableResult
        private static func run(_ lab: LabProcesses, _ arguments: String...) async throws -> [JSONValue] {
            let end = try await lab.run(arguments + ["--json"])
            #expect(end.end == .exited(0), "\(arguments): \(end.output)\(end.errors)")
            return try end.json
        }

        // MARK: Trials

        private static let mine = ["--owner", LabProcesses.owner, "--lock-description", LabProcesses.lockDescription]

        @Sendable private static func workOnTheQueue(_ lab: LabProcesses) async throws {
            for node in ["ovh001", "ovh002"] {
                let put = try await lab.run(
                    [
                        "enqueue", "provision", node, "--lock", "--uuid", "1-\(node)", "--volumes", "1",
                        "--volume-size", "9",
                    ]
                        + mine)
                #expect(put.end == .exited(0), "\(put.errors)")
            }
            #expect(try await lab.openJobs() == (0, 2))
            func tube() async throws -> JSONValue? {
                try await run(lab, "tubes").first { $0["tube"] == "cirrata.provision.ovh" }
            }
            #expect(try await tube()?["ready"] == 2)
            #expect(
                try await run(lab, "jobs").compactMap { $0["node"]?.string }.sorted()
                    == ["ovh001", "ovh002"].map { "\($0).\(LabProcesses.domain)" })
            #expect(try await run(lab, "job", "ovh002").first?["key"] == "1-ovh002")
            try await run(lab, "pause", "ovh", "--for", "10m")
            #expect(try await tube()?["pause_left_seconds"]?.integer ?? 0 > 500)
            try await run(lab, "resume", "ovh")
            #expect(try await tube()?["pause_left_seconds"] == 0)
            try await run(lab, "cancel", "ovh002", "--yes")
            #expect(try await lab.openJobs() == (0, 1))

            let worker = try await lab.worker()
            try await lab.settled()
            #expect(try await lab.sandbox.state().violations(provisioned: "ovh001", volumes: 1) == [])
            let signs = try await run(lab, "workers").filter { $0["event"] == "worker" }
            #expect(signs.map { $0["pid"] } == [.integer(Int(worker.id))])
            let gone = try await lab.run(
                ["enqueue", "destroy", "ovh001", "--unlock", "--uuid", "2-ovh001", "--wait", "--timeout", "60"] + mine)
            #expect(gone.end == .exited(0), "\(gone.output)\(gone.errors)")
            #expect(try await lab.sandbox.state().violations(destroyed: "ovh001") == [])
            worker.signal(SIGTERM)
            #expect(try await worker.end() == .exited(0))
        }

        /// Of three jobs one leaves something behind and is undone and tried again, one is corrected, one given up.
        @Sendable private static func mendFailedJobs(_ lab: LabProcesses) async throws {
            let nodes = ["ovh001", "ovh002", "ovh003"]
            try await lab.sandbox.lock(nodes)
            _ = try await lab.sandbox.fault(["service": "nsupdate", "status": 400, "body": "broken address"])
            for service in ["compute", "volume"] {
                _ = try await lab.sandbox.fault([
                    "service": .string(service), "method": "DELETE", "status": 403, "body": "{}",
                ])
            }
            try await lab.put([
                .provision(nodes[0], volumes: 1), .provision(nodes[1], more: ", os_version: '1.0'"),
                .provision(nodes[2], more: ", os_version: '1.0'"),
            ])
            let worker = try await lab.worker()
            _ = try await lab.replies(3)
            try await lab.settled(buried: 3)
            try await worker.kill()
            try await lab.sandbox.removeFaults()

            #expect(try await run(lab, "failed", "list").last?["current"] == 3)
            #expect(try await run(lab, "failed", "groups", "--class", "no-image").first?["count"] == 2)
            #expect(try await run(lab, "failed", "show", nodes[0]).first?["left"]?.array?.count == 2)
            try await run(lab, "failed", "undo", nodes[0], "--yes")
            let state = try await lab.sandbox.state()
            #expect(state.servers.isEmpty && state.volumes.isEmpty)
            try await run(lab, "failed", "retry", nodes[0])
            let body = try await lab.file("new.yaml", LabJob.provision(nodes[1], more: ", os_version: '22.04'").body)
            try await run(lab, "failed", "edit", nodes[1], "--file", body, "--yes")
            try await run(lab, "failed", "discard", nodes[2], "--yes")
            #expect(try await lab.openJobs() == (0, 2))
            #expect(try await run(lab, "failed", "list").last?["current"] == 0)

            _ = try await lab.worker()
            try await lab.settled(within: .seconds(40))
            let mended = try await lab.sandbox.state()
            #expect(mended.violations(provisioned: nodes[0], volumes: 1) == [])
            #expect(mended.violations(provisioned: nodes[1], volumes: 0) == [])
        }

        @Sendable private static func runOneJob(_ lab: LabProcesses) async throws {
            let make = try await lab.file("make.yaml", LabJob.provision(volumes: 1, more: ", lock: true").body)
            #expect(try await run(lab, "run", "--dry-run", make).first?["outcome"] == "done")
            #expect(try await lab.sandbox.state().serversCreated == 0)
            #expect(try await run(lab, "run", make).last?["outcome"] == "done")
            #expect(try await lab.sandbox.state().violations(provisioned: "ovh001", volumes: 1) == [])
            let destroy = try await lab.file("destroy.yaml", LabJob.destroy().body)
            #expect(try await run(lab, "run", destroy).last?["outcome"] == "done")
            #expect(try await lab.sandbox.state().violations(destroyed: "ovh001") == [])
        }

        /// A run that was stopped leaves a server; its node is free again, and a day later it is nobody's.
        @Sendable private static func sweepLeftovers(_ lab: LabProcesses) async throws {
            #expect(try await run(lab, "sweep", "--gap", "1s").last?["total"] == 0)
            let job = try await lab.file("job.yaml", LabJob.provision(more: ", lock: true").body)
            let stopped = try await lab.start("run", job)
            _ = try await stopped.waitForLine(containing: "ok      create-server")
            stopped.signal(SIGTERM)
            #expect(try await stopped.result().end == .exited(1))
            try await lab.sandbox.control([
                "do": "set-node", "name": .string("ovh001.\(LabProcesses.domain)"),
                "fields": ["locked": false, "locked_by": .null, "description": .null],
            ])
            // A day at most in one go.
            for _ in 1...2 { try await lab.sandbox.control(["do": "age", "by": 80_000]) }

            #expect(try await run(lab, "sweep", "--gap", "1s", "--dry-run").first?["fate"] == "condemned")
            #expect(try await lab.sandbox.state().servers.count == 1)
            #expect(try await run(lab, "sweep", "--gap", "1s").last?["removed"] == 1)
            #expect(try await lab.sandbox.state().servers.isEmpty)
            #expect(try await run(lab, "sweep", "--gap", "1s", "--dry-run").last?["total"] == 0)
        }

        @Sendable private static func lookAtTheSite(_ lab: LabProcesses) async throws {
            let example = try await Finished(lab.programs.run(["config", "example"]))
            let path = try await lab.file("example.yaml", example.output)
            let fine = try await Finished(
                lab.programs.run(["config", "check", "--config", path], environment: ["OVH_PASSWORD": "x"]))
            #expect(fine.end == .exited(0) && fine.output.contains("fine"), "\(fine.output)")
            let wrong = try await lab.file("wrong.yaml", "slots: many\n")
            let refused = try await Finished(lab.programs.run(["config", "check", "--config", wrong]))
            #expect(refused.end == .exited(3) && refused.output.contains("wrong.yaml:1:8: slots:"))
            let reference = try await Finished(lab.programs.run(["config", "reference"]))
            #expect(reference.output.contains("| `slots` |"))
            let shown = try await lab.run("config", "show")
            #expect(
                shown.output.contains("slots: 4\n") && shown.output.contains("lab_domain: \(LabProcesses.domain)\n"))

            #expect(try await run(lab, "doctor").allSatisfy { $0["verdict"] != "failed" })
            try await lab.sandbox.control(["do": "set-password", "user": "cirrata", "password": "another"])
            let ill = try await lab.run("doctor", "--json")
            #expect(ill.end == .exited(1))
            #expect(try ill.json.filter { $0["verdict"] == "failed" }.map { $0["check"] } == ["login"])
        }

        // MARK: Sweeps

        /// Freed memory that a sweep reads by mistake is not what it was (mallopt(3), M_PERTURB).
        @Test(arguments: [[:], ["MALLOC_PERTURB_": "165"]])
        func aWorkerThatHasWorkedSurvivesItsSweeps(_ environment: [String: String]) async throws {
            try await withLab { lab in
                let (kept, gone) = ("ovh001", "ovh002")
                try await lab.sandbox.lock([kept, gone])
                let worker = try await lab.worker(WorkerFile(more: "sweep: {interval: 5s}"), environment: environment)
                try await lab.put([.provision(kept, volumes: 1), .provision(gone, volumes: 1)])
                #expect(try await lab.replies(2).map(\.outcome) == ["done", "done"])
                try await lab.put(.destroy(gone))
                #expect(try await lab.reply().outcome == "done")
                try await worker.says("swept: ", times: 3, within: .seconds(60))
                let state = try await lab.sandbox.state()
                #expect(state.violations(provisioned: kept, volumes: 1) == [])
                #expect(state.violations(destroyed: gone) == [])
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }
    }
}
