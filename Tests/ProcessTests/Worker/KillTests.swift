import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// SIGKILL of the worker in the middle of each step, then another worker: the end is as if nothing had happened.
    @Suite struct KillTests {
        /// Where in a step the worker is killed: while this request of that step is under way.
        struct Blow: Sendable, CustomTestStringConvertible {
            enum Edge: String, Sendable {
                /// The request never takes effect.
                case before
                /// It has taken effect, and the answer never comes.
                case after
            }

            var step: String
            /// What the request does.
            var request: String
            var edge: Edge
            /// Which request: members of a fault rule.
            var rule: JSONObject

            var testDescription: String { "\(step), \(edge) the effect of: \(request)" }

            init(_ step: String, _ edge: Edge, _ request: String, _ rule: JSONObject) {
                self.step = step
                self.edge = edge
                self.request = request
                self.rule = rule
            }

            static func both(_ step: String, _ request: String, _ rule: JSONObject) -> [Blow] {
                [Blow(step, .before, request, rule), Blow(step, .after, request, rule)]
            }

            /// Holds the one request for longer than the test lasts.
            var fault: JSONValue {
                let hold: JSONObject = edge == .before ? ["wire": "stall"] : ["delay": 300]
                return .object(rule.merging(hold).merging(["count": 1]))
            }
        }

        static let provision: [Blow] =
            Blow.both("claim", "lock the node", ["service": "paddles", "method": "PUT", "match": "/lock/"])
            + Blow.both(
                "create-server", "create the server", ["service": "compute", "method": "POST", "match": "/servers$"])
            + [
                Blow(
                    "wait-active", .after, "look at the server",
                    ["service": "compute", "method": "GET", "match": "/servers/[0-9a-f-]{36}$"])
            ]
            + Blow.both(
                "attach-volumes", "create the second volume",
                ["service": "volume", "method": "POST", "match": "/volumes$", "skip": 1])
            + [
                Blow(
                    "attach-volumes", .after, "look at a volume",
                    ["service": "volume", "method": "GET", "match": "/volumes/[0-9a-f-]{36}$"])
            ]
            + Blow.both(
                "attach-volumes", "attach the second volume",
                ["service": "compute", "method": "POST", "match": "/os-volume_attachments$", "skip": 1])
            + Blow.both("push-dns", "update the name", ["service": "nsupdate"])
            + Blow.both(
                "commit", "write the node", ["service": "paddles", "method": "PUT", "match": "^/nodes/[^/]+/$"])

        /// The job takes the lock itself, so that `claim`, too, has something to lose.
        private static let job = LabJob.provision(volumes: 3, more: ", lock: true")

        @Test(arguments: provision)
        func aProvisionIsTakenOver(_ blow: Blow) async throws {
            try await withLab { lab in
                let fault = try await lab.sandbox.fault(blow.fault)
                try await lab.put(Self.job)
                let first = try await lab.worker()
                try await first.starts(blow.step)
                try await lab.sandbox.struck(fault)
                try await first.kill()
                _ = try await lab.worker()
                try await Self.expectProvisioned(lab)
            }
        }

        /// `wait-ready` asks the server, not the Sandbox: the first worker looks at a port where nobody answers.
        @Test func aProvisionIsTakenOverInWaitReady() async throws {
            try await withLab { lab in
                try await lab.put(Self.job)
                let first = try await lab.worker(WorkerFile(sshPort: try freePort()))
                try await first.starts("wait-ready")
                try await first.kill()
                _ = try await lab.worker(WorkerFile(sshPort: lab.sandbox.sshPort))
                try await Self.expectProvisioned(lab)
            }
        }

        /// What the worker had started dies with it: this ssh-keyscan would go on for ten minutes.
        @Test func noChildSurvivesAKill() async throws {
            try await withLab { lab in
                let (bin, told) = ("\(lab.folder)/bin", "\(lab.folder)/keyscan.pid")
                try await lab.world.files.createFolder(bin)
                let script = "#!/bin/sh\necho $$ > '\(told)'\nexec sleep 600\n"
                try await lab.world.files.write("\(bin)/ssh-keyscan", Array(script.utf8), mode: 0o700)
                var file = WorkerFile(sshPort: lab.sandbox.sshPort)
                file.usesSSH = true
                let worker = try await lab.worker(file, environment: ["PATH": "\(bin):/usr/bin:/bin"])
                try await lab.put(Self.job)
                let time = lab.world.time
                let child = try await time.withTimeout(.seconds(60), doing: "wait for ssh-keyscan") {
                    while true {
                        if let id = try await Self.number(in: told, lab.world) { return ProcessFacts(id: id) }
                        try await time.sleep(for: .milliseconds(20))
                    }
                }
                #expect(child.parent == worker.id)
                defer { if !child.commandLine.isEmpty { kill(child.id, SIGKILL) } }
                try await worker.kill()
                try await time.withTimeout(.seconds(30), doing: "wait until ssh-keyscan is gone") {
                    // Empty for a zombie, too: who inherits it may take its time.
                    while !child.commandLine.isEmpty { try await time.sleep(for: .milliseconds(20)) }
                }
            }
        }

        /// nil until a whole line is there.
        private static func number(in path: String, _ world: World) async throws -> Int32? {
            let text: String
            do {
                text = String(decoding: try await world.files.read(path, limit: 100), as: UTF8.self)
            } catch let failure as FileFailure where failure.reason == .missing {
                return nil
            }
            return text.last == "\n" ? Int32(text.dropLast()) : nil
        }

        private static func expectProvisioned(_ lab: LabProcesses) async throws {
            let reply = try await lab.reply()
            #expect(reply.outcome == "done", "\(reply)")
            try await lab.settled()
            let state = try await lab.sandbox.state()
            #expect(state.violations(provisioned: LabProcesses.node(), volumes: 3) == [])
            // Not even for a moment was there another one, or a leak that somebody took away again.
            #expect(state.serversCreated == 1 && state.servers.count == 1)
            #expect(state.volumesCreated == 3 && state.volumes.count == 3)
            #expect(reply.volumes.count == 3 && reply.server?.id == state.servers.first?["id"]?.string)
            #expect(try await lab.reports() == [])
        }

        static let removal: [Blow] =
            Blow.both("removal", "delete the server", ["service": "compute", "method": "DELETE"])
            + Blow.both("removal", "delete the second volume", ["service": "volume", "method": "DELETE", "skip": 1])
            + Blow.both(
                "removal", "unlock the node", ["service": "paddles", "method": "PUT", "match": "/lock/", "skip": 1])

        /// A provision that is refused when everything is built: nothing of it is left, whoever takes it away.
        @Test(arguments: removal)
        func aRemovalIsTakenOver(_ blow: Blow) async throws {
            try await withLab(LabOptions(settings: ["allow_hosts": "^other"])) { lab in
                let fault = try await lab.sandbox.fault(blow.fault)
                try await lab.put(Self.job)
                let first = try await lab.worker()
                try await first.starts(blow.step)
                try await lab.sandbox.struck(fault)
                try await first.kill()
                _ = try await lab.worker()
                let reply = try await lab.reply()
                #expect(reply.outcome == "rejected" && reply.error?.cause == "nsupdate-web-403", "\(reply)")
                try await lab.settled(buried: 1)
                let state = try await lab.sandbox.state()
                #expect(state.servers.isEmpty && state.volumes.isEmpty)
                #expect(state.node(LabProcesses.node())?["locked"] == false)
                #expect(state.node(LabProcesses.node())?["mac_address"]?.string == nil)
                let reports = try await lab.reports()
                #expect(reports.count == 1 && reports.first?.left == [] && reports.first?.status == 403)
            }
        }

        static let destroy: [Blow] =
            [
                Blow(
                    "guard", .after, "read the node",
                    ["service": "paddles", "method": "GET", "match": .string("^/nodes/\(LabProcesses.node())")])
            ]
            + Blow.both("removal", "delete the server", ["service": "compute", "method": "DELETE"])
            + Blow.both("removal", "delete the second volume", ["service": "volume", "method": "DELETE", "skip": 1])
            + Blow.both("park-dns", "update the name", ["service": "nsupdate"])
            + Blow.both(
                "paddles", "clear the node", ["service": "paddles", "method": "PUT", "match": "^/nodes/[^/]+/$"])
            + Blow.both("paddles", "unlock the node", ["service": "paddles", "method": "PUT", "match": "/lock/"])

        @Test(arguments: destroy)
        func aDestroyIsTakenOver(_ blow: Blow) async throws { try await expectDestroyed(blow, WorkerFile()) }

        /// Where no name server can be asked, paddles remembers that the name may still point to a server.
        @Test func aDestroyIsTakenOverWhereDNSIsNotAsked() async throws {
            var file = WorkerFile()
            file.asksDNS = false
            try await expectDestroyed(Blow("park-dns", .before, "update the name", ["service": "nsupdate"]), file)
        }

        private func expectDestroyed(_ blow: Blow, _ file: WorkerFile) async throws {
            try await withLab { lab in
                try await lab.sandbox.lock([LabProcesses.node()])
                let first = try await lab.worker(file)
                try await lab.put(.provision(volumes: 3))
                #expect(try await lab.reply().outcome == "done")
                let fault = try await lab.sandbox.fault(blow.fault)
                try await lab.put(.destroy())
                try await first.starts(blow.step)
                try await lab.sandbox.struck(fault)
                try await first.kill()
                _ = try await lab.worker(file)
                let reply = try await lab.reply()
                #expect(reply.outcome == "done" && reply.action == "destroy", "\(reply)")
                try await lab.settled()
                let state = try await lab.sandbox.state()
                #expect(state.violations(destroyed: LabProcesses.node()) == [])
                #expect(state.servers.isEmpty && state.volumes.isEmpty)
                #expect(try await lab.reports() == [])
            }
        }
    }
}
