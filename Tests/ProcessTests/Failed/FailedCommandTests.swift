import Beanstalk
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// `cirrata failed` and `cirrata doctor` as an operator runs them, on jobs that really failed.
    @Suite struct OperatorTests {
        /// One that never could work, and one whose server was built and removed again.
        private static func failTwo(_ lab: LabProcesses) async throws {
            let (first, second) = (LabProcesses.node(1), LabProcesses.node(2))
            try await lab.sandbox.lock([first, second])
            _ = try await lab.sandbox.fault([
                "service": "nsupdate", "count": 1, "match": .string("name=\(second)"), "status": 400,
                "body": "broken address\n\u{1B}[31mred",
            ])
            let worker = try await lab.worker()
            try await lab.put(.provision(first, more: ", os_version: '1.0', secret_token: hush-hush"))
            #expect(try await lab.reply().outcome == "rejected")
            try await lab.put(.provision(second, volumes: 1))
            #expect(try await lab.reply().outcome == "rejected")
            try await lab.settled(buried: 2)
            try await worker.kill()
        }

        private struct Spoken {
            var status: Int32
            var lines: [String]
            var errors: [String]
        }

        private static func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

        private static func run(_ lab: LabProcesses, _ arguments: [String]) async throws -> Spoken {
            let path = "\(lab.folder)/operator.yaml"
            try await lab.write(WorkerFile(), to: path)
            let result = try await lab.programs.run(arguments + ["--config", path])
            guard case .exited(let status) = result.end else {
                throw LabFailure(description: "\(arguments) ended by \(result.end)")
            }
            let output = String(decoding: result.output, as: UTF8.self)
            let errors = String(decoding: result.errors, as: UTF8.self)
            for text in [output, errors] {
                #expect(!text.contains("hush-hush") && !text.contains("secret"), "\(text)")
                // Colour is for terminals, and what services say must not become any.
                #expect(!text.contains("\u{1B}"))
            }
            return Spoken(status: status, lines: Self.lines(output), errors: Self.lines(errors))
        }

        @Test func listAndShow() async throws {
            try await withLab { lab in
                try await Self.failTwo(lab)
                let list = try await Self.run(lab, ["failed", "list"])
                #expect(list.status == 0)
                #expect(list.lines.count == 3)
                let head = list.lines[0].split(separator: " ").map(String.init)
                #expect(head == ["JOB", "NODE", "ACTION", "STEP", "CLASS", "TRIES", "AGE", "LEFT", "MESSAGE"])
                let rows = list.lines.dropFirst().map { $0.split(separator: " ").map(String.init) }
                #expect(rows.map { $0[1] } == ["ovh002", "ovh001"])
                #expect(rows.map { $0[3] } == ["push-dns", "create-server"])
                #expect(rows[1][4] == "no-image")

                let show = try await Self.run(lab, ["failed", "show", "ovh002"])
                #expect(show.status == 0)
                let text = show.lines.joined(separator: "\n")
                for part in [
                    "provision ovh002: rejected at push-dns", "counters", "buried, reserves 1", "Timeline", "claim",
                    "create-server", "attach-volumes", "failed  nsupdate-web", "Resources", "+ server ovh002",
                    "- server ovh002", "- volume ovh002_0", "Body (known keys)", "node: ovh002", "Next",
                ] {
                    #expect(text.contains(part), "\(part) is missing in\n\(text)")
                }
                #expect(try await Self.run(lab, ["failed", "show", rows[1][0]]).lines[0].contains("ovh001"))
                #expect(try await Self.run(lab, ["failed", "show", "nobody"]).status == 1)
                #expect(try await Self.run(lab, ["failed", "--limit", "1"]).lines.count == 3)
            }
        }

        @Test func jsonForScripts() async throws {
            try await withLab { lab in
                try await Self.failTwo(lab)
                let list = try await Self.run(lab, ["failed", "list", "--json"])
                let lines = try list.lines.map { try JSONValue(parsing: Array($0.utf8)) }
                #expect(lines.compactMap { $0["event"]?.string } == ["failed", "failed", "summary"])
                #expect(lines[1]["class"] == "no-image" && lines[1]["is_current"] == true)
                #expect(lines[2]["current"] == 2 && lines[2]["buried_elsewhere"] == 0)
                let show = try await Self.run(lab, ["failed", "show", "ovh001", "--json"])
                let job = try JSONValue(parsing: Array(show.lines.joined().utf8))
                #expect(job["body"]?["os_version"] == "1.0")
                #expect(job["counters"]?["state"] == "buried")
                let steps = job["steps"]?.array ?? []
                #expect(steps.compactMap { $0["step"]?.string } == ["claim", "create-server", "removal"])
                #expect(steps[1]["attempts"]?.array?.first?["class"] == "no-image")
            }
        }

        @Test func filtersGroupsRetryAndDiscard() async throws {
            try await withLab { lab in
                try await Self.failTwo(lab)
                let one = try await Self.run(lab, ["failed", "list", "--node", "*2", "--since", "1h"])
                #expect(one.lines.count == 3 && one.lines[1].contains("ovh002"))
                #expect(one.lines[2] == "1 of 2 failed jobs match")
                let groups = try await Self.run(lab, ["failed", "groups"])
                #expect(groups.status == 0 && groups.lines.count == 3)

                #expect(try await Self.run(lab, ["failed", "retry"]).status == 64)
                let unasked = try await Self.run(lab, ["failed", "retry", "--all"])
                #expect(unasked.status == 64 && unasked.errors.joined().contains("--yes"))
                let dry = try await Self.run(lab, ["failed", "retry", "--all", "--dry-run"])
                #expect(dry.status == 0 && dry.lines.count == 2)
                #expect(dry.lines[0].hasPrefix("would be requeued") && dry.lines[0].hasSuffix("ovh001"))
                #expect(try await Self.run(lab, ["failed", "list"]).lines.count == 3)

                let retried = try await Self.run(lab, ["failed", "retry", "ovh001"])
                #expect(retried.status == 0 && retried.lines.last == "1 requeued, 0 skipped, 0 failed")
                #expect(try await Self.run(lab, ["failed", "retry", "ovh001"]).status == 1)
                let discarded = try await Self.run(lab, ["failed", "discard", "--class", "*", "--yes"])
                #expect(discarded.lines == ["no failed job matches"])
                let gone = try await Self.run(lab, ["failed", "discard", "ovh002", "--yes", "--json"])
                #expect(gone.status == 0 && gone.lines.count == 2)
                let rest = try await Self.run(lab, ["failed", "list"])
                #expect(rest.lines.first == "no failed jobs with a report")
            }
        }

        @Test func aBrokerThatIsGone() async throws {
            try await withLab { lab in
                try await lab.beanstalkd.stop()
                let list = try await Self.run(lab, ["failed", "list"])
                #expect(list.status == 4)
                #expect(list.lines.isEmpty && list.errors.last?.contains("see whether beanstalkd runs there") == true)
                try await lab.beanstalkd.start()
            }
        }

        @Test func doctor() async throws {
            try await withLab { lab in
                let well = try await Self.run(lab, ["doctor"])
                #expect(well.status == 0, "\(well.lines.joined(separator: "\n"))")
                #expect(well.lines.contains { $0.hasPrefix("ok") && $0.contains("binlog") })
                #expect(!well.lines.contains { $0.hasPrefix("failed") })
                // It is on this host, so its limits can be read.
                #expect(
                    well.lines.contains { $0.contains("keep-alive") && $0.contains("a vanished worker is noticed") })

                try await lab.sandbox.control(["do": "set-password", "user": "cirrata", "password": "another"])
                let ill = try await Self.run(lab, ["doctor", "--json"])
                #expect(ill.status == 1)
                let failed = try ill.lines.map { try JSONValue(parsing: Array($0.utf8)) }.filter {
                    $0["verdict"] == "failed"
                }
                #expect(failed.map { $0["check"] } == ["login"])
                #expect(failed.first?["remedy"]?.string?.isEmpty == false)
                #expect(try await Self.run(lab, ["doctor", "--provider", "nobody"]).status == 64)
            }
        }
    }
}
