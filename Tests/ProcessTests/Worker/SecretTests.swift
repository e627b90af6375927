import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// A password that a worker knows is seen by nobody else.
    @Suite struct SecretTests {
        private static let cloudPassword = "tuesday-heron-41"
        private static let dnsPassword = "marble-gondola-77"
        /// By way of the environment, which child processes could inherit.
        private static let variable = "LAB_PASSWORD"

        private static let options = LabOptions(settings: [
            "host_passwords": [LabProcesses.node(): .string(dnsPassword)]
        ])

        private static func worker(_ lab: LabProcesses, _ more: [String: String] = [:]) async throws -> WorkerProcess {
            var file = WorkerFile(logLevel: "trace", password: "${env:\(variable)}")
            file.dnsPassword = dnsPassword
            file.sshPort = lab.sandbox.sshPort
            file.usesSSH = !more.isEmpty
            return try await lab.worker(file, environment: more.merging([variable: cloudPassword]) { $1 })
        }

        private static func setPassword(_ text: String, _ lab: LabProcesses) async throws {
            try await lab.sandbox.control(["do": "set-password", "user": "cirrata", "password": .string(text)])
        }

        @Test func inNothingThatJobsLeave() async throws {
            try await withLab(Self.options) { lab in
                try await Self.setPassword(Self.cloudPassword, lab)
                try await lab.sandbox.lock([LabProcesses.node(1), LabProcesses.node(2)])
                let children = try await SpiedPrograms.write(into: lab)
                let worker = try await Self.worker(lab, ["PATH": children.searchPath])
                try await lab.put(.provision(volumes: 1))
                let done = try await lab.reply()
                #expect(done.outcome == "done")
                // One more, which ends in a report: no such image.
                try await lab.put(.provision(LabProcesses.node(2), more: ", os_version: 1.2.3"))
                let rejected = try await lab.reply()
                #expect(rejected.outcome == "rejected")
                try await lab.settled(buried: 1)
                let seen = try await children.seen()
                #expect(seen.contains("ssh-keyscan") && seen.contains("IdentityFile"))
                try await Self.expectSilence(lab, worker, reports: 1, more: [seen, "\(done)", "\(rejected)"])
            }
        }

        /// What services answer to a wrong password is told; the password is not.
        @Test func inNothingThatARefusalLeaves() async throws {
            try await withLab(Self.options) { lab in
                try await lab.sandbox.lock([LabProcesses.node()])
                let worker = try await Self.worker(lab)
                try await lab.put(.provision())
                try await worker.says("keystone: closed until the site is put right")
                try await Self.expectSilence(lab, worker, reports: 0)
            }
        }

        private static func expectSilence(
            _ lab: LabProcesses, _ worker: WorkerProcess, reports: Int, more: [String] = []
        ) async throws {
            let log = await worker.child.transcript
            #expect(log.contains("\"level\":\"debug\""))
            let kept = try await lab.bodies(in: "cirrata.reports")
            #expect(kept.count == reports)
            let signs = try await lab.bodies(in: "cirrata.workers")
            #expect(!signs.isEmpty)
            let commandLine = ProcessFacts(id: worker.id).commandLine
            let texts = [log, commandLine] + more + (kept + signs).map { String(decoding: $0, as: UTF8.self) }
            for secret in [cloudPassword, dnsPassword] {
                #expect(!texts.contains { $0.contains(secret) }, "\(secret) in \(texts.filter { $0.contains(secret) })")
            }
        }
    }
}

/// Stands for ssh and ssh-keyscan: writes down how it was started, and finds every host ready.
private struct SpiedPrograms: Sendable {
    let searchPath: String
    private let record: String
    private let world: World

    static func write(into lab: LabProcesses) async throws -> SpiedPrograms {
        let folder = "\(lab.folder)/bin"
        let record = "\(lab.folder)/seen"
        try await lab.world.files.createFolder(folder)
        let answers = [
            ("ssh-keyscan", "echo \"node ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA\""),
            (
                "ssh",
                "printf 'cirrata-node 1\\nhost=%s\\narch=x86_64\\nid=ubuntu\\nversion=22.04\\nsentinel=yes\\ncirrata-end\\n' "
                    + LabProcesses.node()
            ),
        ]
        for (name, answer) in answers {
            let script = "#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ >> \(record)\n\(answer)\n"
            try await lab.world.files.write("\(folder)/\(name)", Array(script.utf8), mode: 0o700)
        }
        return SpiedPrograms(searchPath: "\(folder):/usr/bin:/bin", record: record, world: lab.world)
    }

    /// Command lines and environments of all of them.
    func seen() async throws -> String {
        String(decoding: try await world.files.read(record, limit: 1 << 20).map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
    }
}
