import EventLoop
import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// `cirrata failed edit` as an operator and as a script run it, on jobs that really failed.
    @Suite struct FailedEditCommandTests {
        /// A lab in which a provision of an image that does not exist has failed, and what an editor needs there.
        private static func withFailure(_ body: @Sendable (LabProcesses) async throws -> Void) async throws {
            try await withLab { lab in
                try await lab.sandbox.lock([LabProcesses.node(1)])
                let worker = try await lab.worker()
                try await lab.put(.provision(more: ", os_version: '1.0', secret_token: hush-hush"))
                #expect(try await lab.reply().outcome == "rejected")
                try await lab.settled(buried: 1)
                try await worker.kill()
                guard mkdir("\(lab.folder)/tmp", 0o700) == 0 else { throw SystemError(doing: "make a folder") }
                try await body(lab)
                // What an editor saw is gone, whatever came of it.
                #expect(rmdir("\(lab.folder)/tmp") == 0)
            }
        }

        /// Runs `failed edit ovh001` with a shell script for an editor, whose `$1` is the file.
        private static func edit(
            _ lab: LabProcesses, _ editor: String, _ more: [String] = []
        ) async throws -> Finished {
            let script = try await lab.file("editor.sh", editor)
            let finished = try await lab.run(
                ["failed", "edit", "ovh001"] + more,
                environment: ["VISUAL": "/bin/sh '\(script)'", "EDITOR": "false", "TMPDIR": "\(lab.folder)/tmp"])
            for text in [finished.output, finished.errors] { #expect(!text.contains("hush"), "\(text)") }
            return finished
        }

        private static let mended = "sed -i \"s/'1.0'/'22.04'/\" \"$1\""

        @Test func inAnEditor() async throws {
            try await Self.withFailure { lab in
                let looks = "stat -c '%a' \"$1\" \"$(dirname \"$1\")\" > '\(lab.folder)/modes'"
                // Ctrl-C reaches everything before the terminal, and is meant for the editor.
                let copies = "trap '' INT; kill -INT 0; cp \"$1\" \"$1~\""
                let dry = try await Self.edit(lab, Self.mended, ["--dry-run"])
                #expect(dry.end == .exited(0) && dry.output.contains("os_version: 1.0 -> 22.04"), "\(dry.errors)")
                let unasked = try await Self.edit(lab, Self.mended)
                #expect(unasked.end == .exited(64) && unasked.errors.contains("--yes"))
                #expect(try await lab.openJobs() == (1, 0))

                let done = try await Self.edit(lab, "\(looks); \(copies); \(Self.mended)", ["--yes"])
                #expect(done.end == .exited(0) && done.output.hasPrefix("edited "), "\(done.errors)")
                let modes = try await lab.world.files.read("\(lab.folder)/modes", limit: 100)
                #expect(String(decoding: modes, as: UTF8.self) == "600\n700\n")
                #expect(try await lab.openJobs() == (0, 1))
                #expect(try await lab.reports().isEmpty)

                _ = try await lab.worker()
                let reply = try await lab.reply()
                #expect(reply.outcome == "done" && reply.uuid == "1-provision-ovh001")
                try await lab.settled()
                #expect(try await lab.sandbox.state().violations(provisioned: "ovh001", volumes: 0) == [])
            }
        }

        @Test func whatAWorkerWouldRefuseChangesNothing() async throws {
            try await Self.withFailure { lab in
                let wrong = try await Self.edit(lab, "printf 'action: provision\\nowner: me\\nnode: A B\\n' > \"$1\"")
                #expect(wrong.end == .exited(1))
                #expect(wrong.errors.contains(".yaml:3:1: node:"), "\(wrong.errors)")
                let other = try await Self.edit(lab, "sed -i 's/uuid: [^,]*/uuid: other/' \"$1\"")
                #expect(other.end == .exited(1) && other.errors.contains("uuid: expected 1-provision-ovh001"))
                let same = try await Self.edit(lab, "true", ["--yes"])
                #expect(same.end == .exited(0) && same.output.hasPrefix("unchanged "))
                let failing = try await Self.edit(lab, "exit 3")
                #expect(failing.end == .exited(1) && failing.errors.contains("ended with 3: nothing was done"))
                let killed = try await Self.edit(lab, "kill -TERM $PPID")
                #expect(killed.end == .exited(1) && killed.errors.contains("signal 15"))
                #expect(try await lab.openJobs() == (1, 0))
                #expect(try await lab.reports().count == 1)
            }
        }

        /// On a terminal the editor opens again, on what was written, until it can be taken.
        @Test func theEditorIsOfferedAgain() async throws {
            try await Self.withFailure { lab in
                let editor = """
                    if grep -q "UPPER" "$1"; then sed -i 's/UPPER/ovh001/; s/1\\.0/22.04/' "$1"
                    else sed -i 's/node: [^,]*/node: UPPER/' "$1"; fi
                    """
                let script = try await lab.file("editor.sh", editor)
                let site = try await lab.file("terminal.yaml", WorkerFile().text(for: lab))
                let command = "'\(lab.programs.path)' failed edit ovh001 --config '\(site)'"
                // script(1) gives it a terminal; the first answer is for the editor, the second for the change.
                let end = try await lab.world.children.run(
                    ChildCommand(
                        "script", ["-qec", command, "/dev/null"],
                        environment: ["EDITOR": "/bin/sh '\(script)'", "TMPDIR": "\(lab.folder)/tmp"],
                        input: Array("\ny\n".utf8)))
                let text = String(decoding: end.output, as: UTF8.self)
                #expect(end.succeeded && text.contains("edit it again?") && !text.contains("hush"), "\(text)")
                #expect(text.contains(":1:21: node:") && text.contains("os_version: 1.0 -> 22.04"), "\(text)")
                #expect(try await lab.openJobs() == (0, 1))
            }
        }

        @Test func forScripts() async throws {
            try await Self.withFailure { lab in
                let body = LabJob.provision(more: ", os_version: '22.04', secret_token: hush-hush").body
                let file = try await lab.file("new.yaml", body)
                let missing = try await lab.run("failed", "edit", "ovh001", "--file", "\(lab.folder)/none", "--yes")
                #expect(missing.end == .exited(1))
                let wrong = try await lab.file("wrong.yaml", "{action: provision, secret: hush, owner: me, node: X}")
                let refused = try await lab.run("failed", "edit", "ovh001", "--file", wrong, "--yes")
                #expect(refused.end == .exited(1) && refused.errors.contains("wrong.yaml:1:"))
                #expect(!refused.errors.contains("hush"))
                #expect(try await lab.run("failed", "edit", "nobody", "--file", file).end == .exited(1))

                let done = try await lab.run("failed", "edit", "ovh001", "--file", file, "--yes", "--json")
                #expect(done.end == .exited(0), "\(done.errors)")
                let told = try #require(try done.json.first)
                #expect(told["event"] == "edited" && told["key"] == "1-provision-ovh001")
                let new = try #require(told["new_job"]?.integer)
                #expect(told["job"]?.integer != new && told["changes"]?.array?.count == 1)
                #expect(try await lab.run("failed", "edit", "ovh001", "--file", file, "--yes").end == .exited(1))
                let stored = try await lab.bodies(in: "cirrata.provision.ovh").first
                #expect(String(decoding: stored ?? [], as: UTF8.self).contains("secret_token: hush-hush"))
            }
        }

        @Test func fromStandardInput() async throws {
            try await Self.withFailure { lab in
                let body = LabJob.provision(more: ", os_version: '22.04'").body
                let done = try await lab.run(
                    ["failed", "edit", "ovh001", "--file", "-", "--yes"], input: Array(body.utf8))
                #expect(done.end == .exited(0), "\(done.errors)")
                #expect(done.output.contains("secret_token: removed (values of this key are not shown)"))
                #expect(try await lab.openJobs() == (0, 1))
            }
        }
    }
}
