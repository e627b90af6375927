import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// What happens to a job when the broker or its worker is away for a while.
    @Suite struct LeaseTests {
        @Test func aBrokerThatCrashesKeepsItsJobs() async throws {
            try await withLab(LabOptions(boot: 4)) { lab in
                try await lab.sandbox.lock([LabProcesses.node()])
                try await lab.put(.provision(volumes: 2))
                let worker = try await lab.worker()
                try await worker.starts("wait-active")
                try await lab.beanstalkd.stop(SIGKILL)
                try await worker.says("lease-lost")
                try await lab.beanstalkd.start()
                let reply = try await lab.reply()
                #expect(reply.outcome == "done", "\(reply)")
                try await lab.settled()
                let state = try await lab.sandbox.state()
                #expect(state.serversCreated == 1 && state.volumesCreated == 2)
                #expect(state.violations(provisioned: LabProcesses.node(), volumes: 2) == [])
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }

        @Test func aBrokerThatComesLaterIsWaitedFor() async throws {
            try await withLab { lab in
                try await lab.beanstalkd.stop(SIGTERM)
                let worker = try await lab.worker()
                try await worker.says("beanstalkd at \(lab.beanstalkd.endpoint)")
                try await lab.beanstalkd.start()
                try await lab.sandbox.lock([LabProcesses.node()])
                try await lab.put(.provision())
                #expect(try await lab.reply().outcome == "done")
            }
        }

        /// A broker that hangs tells nobody. The worker counts for itself, and stops before the broker could give the job
        /// to somebody else.
        @Test func aBrokerThatHangsEndsTheLease() async throws {
            try await withLab { lab in
                let node = LabProcesses.node()
                try await lab.sandbox.lock([node])
                try await lab.sandbox.control(["do": "server-fault", "fault": "stays-in-build", "name": .string(node)])
                var job = LabJob.provision(volumes: 1)
                job.timeToRun = .seconds(10)
                try await lab.put(job)
                let worker = try await lab.worker()
                try await worker.starts("wait-active")
                let began = lab.world.time.now
                await lab.beanstalkd.signal(SIGSTOP)
                try await worker.says("lease-lost")
                #expect(lab.world.time.now - began < .seconds(10))
                await lab.beanstalkd.signal(SIGCONT)
                try await lab.sandbox.control(["do": "resume-server", "name": .string(node)])
                #expect(try await lab.reply().outcome == "done")
                let state = try await lab.sandbox.state()
                #expect(state.serversCreated == 1 && state.volumesCreated == 1)
                #expect(state.violations(provisioned: node, volumes: 1) == [])
            }
        }

        /// A host that hangs while another worker finishes its job. When the first wakes up it must do nothing more.
        ///
        /// The job comes to the other by a restart of the broker: the end of a job's time to run is not to be relied on
        /// here, as beanstalkd 1.12 forgets it for as long as the holder is silent if the job was ever touched.
        @Test func aFrozenWorkerWakesUpAndChangesNothing() async throws {
            try await withLab(LabOptions(boot: 2)) { lab in
                try await lab.sandbox.lock([LabProcesses.node()])
                try await lab.put(.provision(volumes: 1))
                let first = try await lab.worker()
                try await first.starts("wait-active")
                first.signal(SIGSTOP)
                try await lab.beanstalkd.stop(SIGKILL)
                try await lab.beanstalkd.start()
                let second = try await lab.worker()
                let reply = try await lab.reply()
                #expect(reply.outcome == "done" && reply.worker.hasSuffix("/\(second.id)"), "\(reply)")
                try await lab.settled()
                second.signal(SIGTERM)
                _ = try await second.end()
                first.signal(SIGCONT)
                try await first.says("lease-lost")
                #expect(
                    try await lab.sandbox.state().violations(provisioned: LabProcesses.node(), volumes: 1) == [])
                // It is well: it does the next job.
                try await lab.put(.destroy())
                #expect(try await lab.reply().worker.hasSuffix("/\(first.id)"))
                let state = try await lab.sandbox.state()
                #expect(state.serversCreated == 1 && state.volumesCreated == 1)
                #expect(state.violations(destroyed: LabProcesses.node()) == [])
            }
        }
    }
}
