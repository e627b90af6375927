import Beanstalk
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// `cirrata jobs`, `job`, `cancel` and `failed list --scan` as an operator runs them, with a real broker.
    @Suite struct JobCommandsTests {
        private static let summary = JSONValue.string("summary")

        /// All that the broker counts, but for the looking itself and what time changes by itself.
        private static func counters(_ lab: LabProcesses) async throws -> [String] {
            let commands = [
                "put", "reserve", "reserve-with-timeout", "delete", "release", "bury", "kick", "touch", "pause-tube",
            ]
            let server = ["total-jobs", "job-timeouts", "binlog-records-written", "binlog-records-migrated"]
            let ours = Set(commands.map { "cmd-\($0)" } + server)
            return try await lab.queue.connect { connection in
                let statistics = try await connection.statistics()
                var lines = statistics.document.fields
                    .filter { ours.contains($0.key) || $0.key.hasPrefix("current-jobs") }
                    .map { "\($0.key): \($0.value)" }
                for tube in try await connection.tubes().sorted(by: { $0.text < $1.text }) {
                    guard var tube = try await connection.statistics(of: tube), tube.name != .standard else { continue }
                    // The broker sees the end of a connection a moment later.
                    (tube.using, tube.watching, tube.waiting) = (0, 0, 0)
                    lines.append("\(tube)")
                }
                for number in 1...UInt64(statistics.totalJobs) + 10 {
                    guard var job = try await connection.statistics(of: JobID(number)) else { continue }
                    (job.age, job.timeLeft) = (.zero, .zero)
                    lines.append("\(job)")
                }
                return lines
            }
        }

        /// Two jobs wait, one is delayed, one is buried without a report; others' jobs are there as well.
        private static func fill(_ lab: LabProcesses) async throws -> (bare: JobID, delayed: JobID) {
            try await lab.put([.provision(LabProcesses.node(1), more: ", secret_token: hush-hush"), .destroy()])
            return try await lab.queue.connect(Tubes(watching: [try TubeName("cirrata.provision.gone")])) {
                connection in
                let gone = try TubeName("cirrata.provision.gone")
                let delayed = try await connection.put(
                    Array(LabJob.provision(LabProcesses.node(2)).body.utf8), into: gone, priority: 7,
                    delay: .seconds(600), ttr: .seconds(300))
                let bare = try await connection.put(
                    Array("{action: provision, node: ovh003, secret: hush-hush}".utf8), into: gone, priority: 7,
                    ttr: .seconds(300))
                _ = try await connection.reserve(job: bare.id)
                _ = try await connection.bury(bare.id, priority: 7)
                _ = try await connection.put([], into: try TubeName("smithi"), priority: 7, ttr: .seconds(300))
                return (bare.id, delayed.id)
            }
        }

        private static func expectNoSecret(_ finished: Finished) {
            for text in [finished.output, finished.errors] {
                #expect(!text.contains("hush") && !text.contains("\u{1B}"), "\(text)")
            }
        }

        /// Looking changes no counter, whichever way one looks.
        @Test func lookingLeavesNoTrace() async throws {
            try await withLab { lab in
                let (bare, _) = try await Self.fill(lab)
                let before = try await Self.counters(lab)
                for arguments in [
                    ["jobs"], ["jobs", "--json", "--node", "*1"], ["jobs", "--state", "buried", "--limit", "0"],
                    ["job", "ovh001"], ["job", "\(bare)", "--json"], ["job", "1-provision-ovh002"], ["tubes"],
                    ["workers"],
                    ["cancel", "\(bare)", "--dry-run"], ["failed", "list", "--scan"],
                ] {
                    let finished = try await lab.run(arguments)
                    #expect(finished.end == .exited(0), "\(arguments): \(finished.errors)")
                    Self.expectNoSecret(finished)
                    #expect(try await Self.counters(lab) == before, "\(arguments)")
                }
            }
        }

        /// Reports can only be listed by reserving them: that is counted in them and for the broker, and nowhere else.
        @Test func readingReportsShowsInTheReportsOnly() async throws {
            try await withLab { lab in
                let (bare, _) = try await Self.fill(lab)
                let reports = try TubeName("cirrata.reports")
                let id = try await lab.queue.connect { connection in
                    let job = try #require(try await connection.peek(bare))
                    let report =
                        "v: 1\naction: provision\nnode: ovh003\nerror: {class: no-image, step: claim, message: no}\n"
                        + "id: \(bare)\ntube: cirrata.provision.gone\ndigest: \(SHA256.hex(of: job.body))\n"
                        + "ended: 2026-11-22T15:00:00Z\n"
                    return try await connection.put(
                        Array(report.utf8), into: reports, priority: 1_024, ttr: .seconds(60)
                    ).id
                }
                func counters() async throws -> [String] {
                    // Closing gives the reports back, which the broker sees a moment later.
                    try await lab.world.time.withTimeout(.seconds(10), doing: "wait for the reports to come back") {
                        try await lab.queue.connect { connection in
                            while let report = try await connection.statistics(of: id), report.state == .reserved {
                                try await lab.world.time.sleep(for: .milliseconds(5))
                            }
                        }
                    }
                    let lines = try await Self.counters(lab).filter { !$0.hasPrefix("cmd-reserve-with-timeout") }
                    return lines.map { line in
                        line.contains("\(reports)") ? line.replacing(/reserves: \d+/, with: "") : line
                    }
                }
                let before = try await counters()
                for arguments in [["list"], ["list", "--scan", "--json"], ["groups"], ["show", "ovh003"]] {
                    let finished = try await lab.run(["failed"] + arguments)
                    #expect(finished.end == .exited(0) && finished.output.contains("no-image"))
                    #expect(try await counters() == before, "\(arguments)")
                }
            }
        }

        @Test func jobsAndJob() async throws {
            try await withLab { lab in
                let (bare, delayed) = try await Self.fill(lab)
                let list = try await lab.run("jobs")
                let rows = list.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
                #expect(rows[0] == ["JOB", "NODE", "ACTION", "PROVIDER", "STATE", "AGE", "HOLDER", "STEP"])
                #expect(rows[1..<5].map { $0[1] } == ["ovh001", "ovh001", "ovh002", "ovh003"])
                #expect(rows[1..<5].map { $0[4] } == ["ready", "ready", "delayed", "buried"])
                #expect(list.output.contains("cirrata.provision.ovh: no worker takes jobs of it; start a worker"))

                let json = try await lab.run("jobs", "--json").json
                #expect(json.compactMap { $0["event"]?.string } == ["job", "job", "job", "job", "summary"])
                #expect(
                    json[2].object?.keys.sorted() == [
                        "action", "age_seconds", "buries", "event", "job", "key", "kicks", "left_seconds", "node",
                        "priority", "provider", "releases", "reserves", "state", "timeouts", "ttr_seconds", "tube",
                    ])
                #expect(json[2]["job"] == .integer(Int(delayed.number)) && json[2]["priority"] == 7)
                #expect(
                    json[4] == [
                        "event": "summary", "shown": 4, "total": 4, "not_found": 0, "buried_elsewhere": 0,
                    ])
                #expect(try await lab.run("jobs", "--provider", "gone", "--limit", "1", "--json").json[1]["total"] == 2)
                #expect(try await lab.run("jobs", "--state", "lost").end == .exited(64))

                let both = try await lab.run("job", "ovh001", "--json").json
                #expect(both.map { $0["action"] } == ["destroy", "provision"])
                #expect(both[1]["body"]?["owner"] == .string(LabProcesses.owner))
                let text = try await lab.run("job", "\(bare)").output
                for part in ["provision ovh003: buried", "counters", "Body (known keys)", "failed show \(bare)"] {
                    #expect(text.contains(part), "\(part) is missing in\n\(text)")
                }
                let nobody = try await lab.run("job", "nobody")
                #expect(nobody.end == .exited(1) && nobody.errors.contains("no job of ours is known as nobody"))
            }
        }

        @Test func scan() async throws {
            try await withLab { lab in
                let (bare, _) = try await Self.fill(lab)
                let list = try await lab.run("failed", "list")
                #expect(list.output.contains("1 buried job without a report (--scan finds them)"))
                let scan = try await lab.run("failed", "list", "--scan", "--node", "*3")
                #expect(scan.errors.isEmpty)
                #expect(
                    scan.output.contains("WITHOUT A REPORT") && scan.output.contains("\n\(bare)    ovh003  provision"))
                let json = try await lab.run("failed", "list", "--scan", "--json").json
                #expect(json.compactMap { $0["event"]?.string } == ["buried", "summary"])
                #expect(json[0]["job"] == .integer(Int(bare.number)) && json[0]["body"]?["node"] == "ovh003")
                #expect(json[1]["buried_without_report"] == 1)
                #expect(try await lab.run("failed", "list", "--scan", "--class", "x").end == .exited(64))
            }
        }

        @Test func cancel() async throws {
            try await withLab { lab in
                let (bare, delayed) = try await Self.fill(lab)
                let unasked = try await lab.run("cancel", "\(delayed)")
                #expect(unasked.end == .exited(64) && unasked.errors.contains("--yes"))
                let two = try await lab.run("cancel", "\(delayed)", "ovh001", "--yes")
                #expect(two.end == .exited(1) && two.errors.contains("ovh001 stands for jobs"))
                #expect(try await lab.run("cancel", "nobody", "--yes").end == .exited(1))
                #expect(try await lab.openJobs() == (0, 2))

                let done = try await lab.run("cancel", "\(delayed)", "\(bare)", "1-provision-ovh001", "--yes", "--json")
                #expect(done.end == .exited(0))
                let json = try done.json
                #expect(json.compactMap { $0["event"]?.string } == ["cancelled", "cancelled", "cancelled", "summary"])
                #expect(
                    json[3] == ["event": "summary", "done": 3, "running": 0, "skipped": 0, "failed": 0])
                #expect(json[0]["reply_to"] == .string(LabProcesses.replies) && json[1]["reply_to"] == nil)
                let replies = try await lab.replies(2)
                #expect(replies.map(\.outcome) == ["cancelled", "cancelled"])
                #expect(replies.map(\.node) == ["ovh002", "ovh001"])
                #expect(try await lab.openJobs() == (0, 1))
            }
        }

        /// A running job is left alone, and it is said who has it.
        @Test func cancelWhatRuns() async throws {
            var options = LabOptions()
            options.boot = 600
            try await withLab(options) { lab in
                try await lab.sandbox.lock([LabProcesses.node(1)])
                let worker = try await lab.worker()
                try await lab.put(.provision(LabProcesses.node(1)))
                try await lab.world.time.withTimeout(.seconds(60), doing: "wait for a sign of life with the job") {
                    while try await lab.run("jobs", "--state", "reserved", "--json").json.first?["holder"] == nil {
                        try await lab.world.time.sleep(for: .milliseconds(500))
                    }
                }
                let job = try await lab.run("job", "ovh001")
                #expect(job.output.contains("wait-active since"))
                let cancel = try await lab.run("cancel", "ovh001", "--yes", "--json")
                #expect(cancel.end == .exited(1))
                let json = try cancel.json
                #expect(json[0]["event"] == "running" && json[1]["running"] == 1 && json[1]["done"] == 0)
                let why = json[0]["why"]?.string ?? ""
                #expect(why.contains("in wait-active") && why.contains("teuthology-lock --unlock"), "\(why)")
                try await worker.kill()
            }
        }
    }
}
