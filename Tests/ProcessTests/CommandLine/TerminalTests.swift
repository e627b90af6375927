import Beanstalk
import EventLoop
import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// What reaches a terminal, and what happens when nobody looks at it any more.
    @Suite struct TerminalTests {
        /// Sets the title, writes the clipboard, clears; C1 for the same; turns the direction of text.
        private static let attack = "\u{1B}]0;owned\u{7}\u{1B}]52;c;cm0=\u{7}\u{1B}[2J\u{9B}2J\u{7F}\u{202E}"

        /// A text in YAML.
        private static func quoted(_ text: String) -> String { JSONValue.string(text).text }

        private static func expectHarmless(_ text: String, _ what: String) {
            // Colour is ours, and `script` ends its lines as terminals have them.
            let rest = text.replacing(/\u{1B}\[[0-9]*m/, with: "").replacing("\r\n", with: "\n")
            let wild = rest.unicodeScalars.filter { $0.isTerminalControl && $0 != "\n" }
            #expect(wild.isEmpty, "\(what): \(wild.map { String($0.value, radix: 16) })")
        }

        /// Runs a command as scripts and as people do; neither gets a command from anybody.
        private static func look(_ lab: LabProcesses, _ arguments: [String], shows text: String) async throws {
            let piped = try await lab.run(arguments)
            expectHarmless(piped.output + piped.errors, "\(arguments)")
            #expect(piped.output.contains(text), "\(arguments): \(piped.output)\(piped.errors)")
            let site = try await lab.file("terminal.yaml", WorkerFile().text(for: lab))
            let words = ([lab.programs.path] + arguments + ["--config", site]).map { "'\($0)'" }
            let seen = try await lab.world.children.run(
                ChildCommand(
                    "script", ["-qec", words.joined(separator: " "), "/dev/null"], environment: ["TERM": "xterm"]))
            let output = String(decoding: seen.output, as: UTF8.self)
            expectHarmless(output, "\(arguments) on a terminal")
            #expect(output.contains(text), "\(arguments) on a terminal: \(output)")
        }

        @Test func aForgedReportIsText() async throws {
            try await withLab { lab in
                let evil = Self.quoted("owned\(Self.attack)")
                let body = "{action: provision, node: ovh003, owner: me}"
                let id = try await lab.queue.connect(Tubes(watching: [try TubeName("cirrata.provision.ovh")])) {
                    connection in
                    let job = try await connection.put(
                        Array(body.utf8), into: try TubeName("cirrata.provision.ovh"), priority: 7, ttr: .seconds(300))
                    _ = try await connection.reserve(job: job.id)
                    _ = try await connection.bury(job.id, priority: 7)
                    let report = """
                        v: 1
                        action: provision
                        node: ovh003
                        outcome: failed
                        error: {class: \(evil), step: \(evil), message: \(evil), next: \(evil)}
                        id: \(job.id)
                        tube: cirrata.provision.ovh
                        worker: \(evil)
                        digest: \(SHA256.hex(of: Array(body.utf8)))
                        ended: 2026-11-22T15:00:00Z
                        steps: [{step: \(evil), summary: \(evil), attempts: [{n: 1, at: 2026-11-22T15:00:00Z, ms: 1, error: \(evil)}]}]
                        created: [\(evil)]
                        removed: [\(evil)]
                        left: [\(evil)]
                        warnings: [\(evil)]
                        console: \(evil)
                        body: {\(evil): \(evil)}

                        """
                    _ = try await connection.put(
                        Array(report.utf8), into: try TubeName("cirrata.reports"), priority: 1_024, ttr: .seconds(60))
                    return job.id
                }
                for arguments in [["list"], ["groups"], ["show", "\(id)"], ["discard", "\(id)", "--yes"]] {
                    try await Self.look(lab, ["failed"] + arguments, shows: "owned")
                    try await Self.look(lab, ["failed"] + arguments + ["--json"], shows: "owned")
                }
            }
        }

        @Test(arguments: [[], ["--json"]]) func aForgedReplyIsText(_ more: [String]) async throws {
            try await withLab { lab in
                let waiting = try await lab.start(
                    ["enqueue", "provision", "ovh001", "--wait"] + more, through: "exec \"$0\" \"$@\"")
                _ = try await waiting.waitForLine(containing: more.isEmpty ? "job " : "\"put\"")
                let asked = try #require(try await lab.bodies(in: "cirrata.provision.ovh").first)
                func value(_ key: String) throws -> String {
                    let lines = String(decoding: asked, as: UTF8.self).split(separator: "\n")
                    let line = try #require(lines.first { $0.hasPrefix("\(key): ") })
                    return String(line.dropFirst(key.count + 2))
                }
                let (uuid, tube) = (try value("uuid"), try TubeName(try value("reply_to")))
                let evil = Self.quoted("owned\(Self.attack)")
                let reply = """
                    v: 1
                    uuid: \(uuid)
                    key: \(uuid)
                    action: provision
                    node: ovh001.front.lab.test
                    outcome: done
                    server: {id: \(evil), name: \(evil), addresses: [\(evil)]}
                    os_type: \(evil)
                    os_version: \(evil)
                    volumes: [\(evil)]
                    worker: \(evil)
                    began: 2026-11-22T15:00:00Z
                    ended: 2026-11-22T15:00:00Z

                    """
                _ = try await lab.queue.connect { connection in
                    try await connection.put(Array(reply.utf8), into: tube, priority: 0, ttr: .seconds(60))
                }
                let end = try await waiting.result()
                let text = String(decoding: end.output + end.errors, as: UTF8.self)
                Self.expectHarmless(text, "enqueue --wait \(more)")
                #expect(end.end == .exited(0) && text.contains("owned"), "\(text)")
            }
        }

        @Test func aConfigurationIsText() async throws {
            try await withLab { lab in
                let path = try await lab.file(
                    "evil.yaml", "slots: \(Self.quoted("owned\(Self.attack)"))\n\(Self.quoted(Self.attack)): 1\n")
                for command in [["config", "check"], ["config", "check", "--json"], ["config", "show"], ["jobs"]] {
                    let end = try await Finished(lab.programs.run(command + ["--config", path]))
                    #expect(end.end == .exited(3))
                    Self.expectHarmless(end.output + end.errors, "\(command)")
                }
            }
        }

        // MARK: Nobody looks

        @Test func watchingEndsWhenNobodyReads() async throws {
            try await withLab { lab in
                let watching = try await lab.start(
                    ["tubes", "--watch", "--interval", "100ms"],
                    through: "(\"$0\" \"$@\"; echo \"ended with $?\" >&2) | head -n 1")
                let line = try await watching.waitForLine(containing: "ended with")
                #expect(line == "ended with 141")
                let end = try await watching.result()
                #expect(String(decoding: end.errors, as: UTF8.self) == "ended with 141\n")
            }
        }

        /// As with a signal: what was begun is ended in an orderly way.
        @Test func aRunWhoseOutputIsGoneStopsBeforeItsNextChange() async throws {
            try await withLab(LabOptions(boot: 600)) { lab in
                let job = try await lab.file(
                    "job.yaml", "{action: provision, node: ovh001, owner: me@lab, lock: true, uuid: run-1}")
                let run = try await lab.start(
                    ["run", "--verbose", job],
                    through: "(\"$0\" \"$@\"; echo \"ended with $?\" >&2) | head -n 1")
                let line = try await run.waitForLine(containing: "ended with")
                #expect(line == "ended with 1")
                let end = try await run.result()
                #expect(String(decoding: end.errors, as: UTF8.self).contains("stopping before the next change"))
            }
        }

        @Test func whatWasStartedWithNohupGoesOn() async throws {
            try await withLab { lab in
                let watching = try await lab.start(
                    ["tubes", "--watch", "--interval", "100ms"], through: "trap '' HUP; exec \"$0\" \"$@\"")
                _ = try await watching.waitForLine(containing: "TUBE")
                watching.signal(SIGHUP)
                // It lives, and sees what comes after that.
                try await lab.put(.provision())
                _ = try await watching.waitForLine(containing: "cirrata.provision.ovh")
                watching.signal(SIGTERM)
                #expect(try await watching.result().end == .exited(143))
            }
        }
    }
}
