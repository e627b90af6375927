import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// Two labs with a paddles and a queue each, the same lab_domain and the same node names, in one OpenStack project.
    @Suite struct SharedProjectTests {
        private static let node = LabProcesses.node()

        /// What lab B's file says: everything is its own but the cloud.
        private static func file(_ lab: LabProcesses, _ own: SandboxProcess, _ broker: Beanstalkd, site: String)
            -> String
        {
            WorkerFile(asksDNS: false).text(for: lab)
                .replacing("site: process-tests\n", with: site)
                .replacing("\(lab.beanstalkd.endpoint)", with: "\(broker.endpoint)")
                .replacing(lab.sandbox.root, with: own.root)
                .replacing("\(own.root)/identity", with: "\(lab.sandbox.root)/identity")
        }

        @Test func neitherLabTouchesWhatTheOtherBuilt() async throws {
            try await withLab { lab in
                try await lab.sandbox.lock([Self.node])
                let worker = try await lab.worker()
                try await lab.put(.provision(Self.node, volumes: 1))
                #expect(try await lab.reply().outcome == "done")
                try await lab.settled()
                try await worker.kill()
                try await lab.sandbox.control(["do": "age", "by": 7_200])
                let before = try await lab.sandbox.state()
                #expect(before.servers.count == 1 && before.volumes.count == 1)
                try await withBeanstalkd(in: lab.world) { broker in
                    let own = try await SandboxProcess.start(LabOptions(), in: lab.folder, lab.programs, lab.world)
                    func run(_ arguments: String..., site: String) async throws -> Finished {
                        let path = try await lab.file("b.yaml", Self.file(lab, own, broker, site: site))
                        return Finished(try await lab.programs.run(arguments + ["--config", path]))
                    }
                    let body = "node: \(Self.node), owner: b@lab"
                    let provision = try await lab.file(
                        "provision.yaml", "{action: provision, \(body), lock: true, uuid: b-1}")
                    let destroy = try await lab.file(
                        "destroy.yaml", "{action: destroy, \(body), unlock: true, uuid: b-2}")

                    // Both labs' addresses say "this host": nothing can be told to be B's, so nothing starts.
                    for end in [
                        try await run("config", "check", site: ""), try await run("worker", site: ""),
                        try await run("sweep", "--gap", "1s", site: ""), try await run("run", provision, site: ""),
                        try await run("run", destroy, site: ""), try await run("failed", "undo", "--all", site: ""),
                    ] {
                        #expect(end.end == .exited(3))
                        let said = end.output + end.errors
                        #expect(
                            said.contains("site: not set, and \(own.root)/paddles/ may be another lab's"), "\(said)")
                        #expect(said.contains("such as site: \(LabProcesses.domain)-"), "\(said)")
                    }
                    let doctor = try await run("doctor", site: "")
                    #expect(doctor.end == .exited(1) && doctor.output.contains("write a name that no other lab has"))
                    let queue = try await run("jobs", site: "")
                    #expect(queue.end == .exited(0), "\(queue.errors)")

                    // With one line more it works, and what A built is foreign.
                    let site = "site: lab-b\n"
                    let swept = try await run("sweep", "--gap", "1s", site: site)
                    #expect(swept.end == .exited(0) && swept.output.contains("of 0: 0 removed"), "\(swept.output)")
                    let built = try await run("run", provision, site: site)
                    #expect(built.end == .exited(0), "\(built.output)\(built.errors)")
                    #expect(try await lab.sandbox.state().servers.count == 2)
                    let destroyed = try await run("run", destroy, site: site)
                    #expect(destroyed.end == .exited(0), "\(destroyed.output)\(destroyed.errors)")
                }
                let after = try await lab.sandbox.state()
                #expect(after.servers.map { $0["id"] } == before.servers.map { $0["id"] })
                #expect(after.volumes.map { $0["id"] } == before.volumes.map { $0["id"] })
                #expect(after.violations(provisioned: Self.node, volumes: 1) == [])
            }
        }
    }
}
