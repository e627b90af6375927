import Beanstalk
import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// What goes wrong with real beanstalkds, while a real worker works for one.
    @Suite struct BrokerFaultTests {
        /// A job that will be done, and one that never can be: its end is a report and a burial.
        private static let good = LabJob.provision(LabProcesses.node(1), volumes: 1)
        private static let bad = LabJob.provision(LabProcesses.node(2), more: ", os_version: 1.2.3")
        private static let nodes = [LabProcesses.node(1), LabProcesses.node(2)]

        private static func expectBothEnd(_ lab: LabProcesses) async throws {
            // At least one reply each: whoever gave a job back after its reply tells it again.
            var outcomes: [String: String] = [:]
            while outcomes.count < 2 {
                let reply = try await lab.reply()
                outcomes[reply.uuid] = reply.outcome
            }
            #expect(outcomes == [good.uuid: "done", bad.uuid: "rejected"])
            try await lab.settled(buried: 1)
            #expect(try await lab.reports().map(\.cause) == ["no-image"])
            let state = try await lab.sandbox.state()
            #expect(state.serversCreated == 1 && state.volumesCreated == 1)
            #expect(state.violations(provisioned: LabProcesses.node(1), volumes: 1) == [])
        }

        /// Waits until nobody holds a job: one that is reserved still is in limbo.
        private static func expectNoneInLimbo(_ lab: LabProcesses) async throws {
            try await lab.queue.connect { connection in
                for action in JobAction.allCases {
                    let tube = try TubeName("cirrata.\(action.rawValue).\(LabProcesses.provider)")
                    try await connection.use(tube)
                    let jobs = try await connection.statistics(of: tube)?.jobs
                    #expect((jobs?.reserved ?? 0) == 0, "\(tube): \(jobs as Any)")
                }
                for id in 1...UInt64(3) {
                    if let statistics = try await connection.statistics(of: JobID(id)) {
                        #expect(statistics.state != .reserved, "job \(id)")
                    }
                }
            }
        }

        @Test func inDrainModeEveryJobWaits() async throws {
            try await withLab { lab in
                try await lab.sandbox.lock(Self.nodes)
                try await lab.put([Self.good, Self.bad])
                await lab.beanstalkd.signal(SIGUSR1)
                let worker = try await lab.worker()
                try await worker.says("the broker took no reply")
                try await worker.says("the broker took no report, so the job is not buried")
                try await lab.world.time.sleep(for: .seconds(1))
                #expect(try await lab.openJobs() == (0, 2))
                // What is to be known of it is in the log at least.
                let told = await worker.log.first { $0.message.hasPrefix("the broker took no report") }
                #expect(told?["report"].contains("no-image") == true)
                try await lab.beanstalkd.stop(SIGTERM)
                try await lab.beanstalkd.start()
                try await Self.expectBothEnd(lab)
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }

        /// The disk of the binlog fills up, and later there is room again, without a restart of anything.
        @Test func aFullDiskHoldsEveryJob() async throws {
            try await withLab { lab in
                try await lab.sandbox.lock(Self.nodes)
                // Its provision has to wait, which is a release with a delay: there is no room to note that, either.
                let third = LabProcesses.node(3)
                try await lab.sandbox.control([
                    "do": "set-node", "name": .string("\(third).\(LabProcesses.domain)"),
                    "fields": [
                        "up": false, "locked": true, "locked_by": .string(LabProcesses.owner),
                        "description": .string(LabProcesses.lockDescription),
                    ],
                ])
                try await lab.put([Self.good, Self.bad, .provision(third)])
                try await lab.beanstalkd.fillDisk()
                // Jobs that go back without a delay are the next to be served: there must be a slot for each.
                let file = WorkerFile(slots: 6, more: "capacity_delay: 2s")
                let worker = try await lab.worker(file)
                try await worker.says("the broker took no reply")
                try await worker.says("the broker took no report, so the job is not buried")
                try await worker.says("the broker has no room, so the job goes back without a delay")
                #expect(try await lab.openJobs() == (0, 3))
                // A worker that is to end does not hold jobs any longer.
                let began = lab.world.time.now
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
                #expect(lab.world.time.now - began < .seconds(3))
                #expect(try await lab.openJobs() == (0, 3))
                try await Self.expectNoneInLimbo(lab)
                let second = try await lab.worker(file)
                try await second.says("the broker took no reply")
                try await lab.beanstalkd.enlargeDisk()
                try await lab.sandbox.control([
                    "do": "set-node", "name": .string("\(third).\(LabProcesses.domain)"), "fields": ["up": true],
                ])
                var outcomes: [String: String] = [:]
                while outcomes.count < 3 {
                    let reply = try await lab.reply(within: .seconds(80))
                    outcomes[reply.uuid] = reply.outcome
                }
                #expect(outcomes.values.sorted() == ["done", "done", "rejected"])
                try await lab.settled(buried: 1)
                #expect(try await lab.reports().map(\.cause) == ["no-image"])
                let state = try await lab.sandbox.state()
                #expect(state.serversCreated == 2)
                #expect(state.violations(provisioned: LabProcesses.node(1), volumes: 1) == [])
                #expect(state.violations(provisioned: third, volumes: 0) == [])
            }
        }

        /// Somebody starts the broker without its log. Its next jobs have the numbers of those that were lost.
        @Test func aForgettingBrokersNewJobsAreNotTakenForOldOnes() async throws {
            try await withLab(LabOptions(boot: 3)) { lab in
                try await lab.sandbox.lock(Self.nodes)
                try await lab.put(.provision(LabProcesses.node(1)))
                let worker = try await lab.worker()
                try await worker.starts("wait-active")
                try await lab.beanstalkd.stop(SIGKILL)
                try await lab.beanstalkd.start(binlog: nil)
                try await lab.put(Self.bad)
                try await worker.says("lease-lost")
                let reply = try await lab.reply()
                #expect(reply.uuid == Self.bad.uuid && reply.outcome == "rejected", "\(reply)")
                try await lab.settled(buried: 1)
                let (statistics, report) = try await lab.queue.connect { connection in
                    let statistics = try await connection.statistics(of: JobID(1))
                    let report = try await lab.reports().first
                    return (statistics, report)
                }
                #expect(statistics?.state == .buried && report?.jobID == 1 && report?.cause == "no-image")
                // Who waits in vain for the lost job puts it again, and what it had built is found.
                try await lab.put(.provision(LabProcesses.node(1)))
                #expect(try await lab.reply().outcome == "done")
                let state = try await lab.sandbox.state()
                #expect(state.serversCreated == 1)
                #expect(state.violations(provisioned: LabProcesses.node(1), volumes: 0) == [])
            }
        }

        /// More clients than the broker may have descriptors. It turns nobody away: who is not accepted hears nothing.
        @Test func aBrokerOutOfDescriptorsIsWaitedFor() async throws {
            try await withLab(LabOptions(boot: 1)) { lab in
                try await lab.sandbox.lock(Self.nodes)
                try await lab.put([Self.good, Self.bad])
                // Room for the broker itself and three clients; a worker wants five and one for each job.
                try await lab.beanstalkd.setOpenFiles(11)
                let worker = try await lab.worker()
                let beanstalkd = lab.beanstalkd
                try await lab.world.time.withTimeout(.seconds(30), doing: "wait until the broker has no descriptor") {
                    try await beanstalkd.says("Too many open files")
                }
                // It does nothing but say so, on a whole core: a moment of that is enough.
                try await lab.world.time.sleep(for: .milliseconds(500))
                try await beanstalkd.setOpenFiles(1_024)
                try await Self.expectBothEnd(lab)
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }

        /// The worker itself may open hardly any file.
        @Test func aWorkerOutOfDescriptorsSaysSoAndGoesOn() async throws {
            try await withLab(LabOptions(boot: 1)) { lab in
                try await lab.sandbox.lock(Self.nodes)
                let worker = try await lab.worker()
                // What is open stays open, such as its connections to the broker; nothing else can be opened.
                try await limitOpenFiles(of: worker, to: 3, lab)
                try await lab.put([Self.good, Self.bad])
                let child = worker.child
                try await lab.world.time.withTimeout(.seconds(30), doing: "wait for the worker's complaint") {
                    _ = try await child.waitForLine(containing: "raise this process's limit of open files")
                }
                try await limitOpenFiles(of: worker, to: 1_024, lab)
                try await Self.expectBothEnd(lab)
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }

        /// Only the soft limit, by prlimit(1): anybody may undo that.
        private func limitOpenFiles(of worker: WorkerProcess, to count: Int, _ lab: LabProcesses) async throws {
            let result = try await lab.world.children.run(
                ChildCommand("prlimit", ["--pid", "\(worker.id)", "--nofile=\(count):"]))
            #expect(result.end == .exited(0), "\(String(decoding: result.errors, as: UTF8.self))")
        }
    }
}
