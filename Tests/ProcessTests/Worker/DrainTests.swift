import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// SIGTERM: no new work, no new change, every job back in the queue.
    @Suite struct DrainTests {
        @Test func anIdleWorkerEndsWithinASecond() async throws {
            try await withLab { lab in
                for signal in [SIGTERM, SIGINT] {
                    let worker = try await lab.worker()
                    let began = lab.world.time.now
                    worker.signal(signal)
                    #expect(try await worker.end() == .exited(0))
                    #expect(lab.world.time.now - began < .seconds(1))
                }
            }
        }

        @Test func aWorkerWithoutABrokerEndsWithinASecond() async throws {
            try await withLab { lab in
                let worker = try await lab.worker()
                try await lab.beanstalkd.stop(SIGKILL)
                try await worker.says("beanstalkd at \(lab.beanstalkd.endpoint)")
                let began = lab.world.time.now
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
                #expect(lab.world.time.now - began < .seconds(1))
            }
        }

        @Test func aRunningProvisionIsGivenBackAndAdopted() async throws {
            try await withLab(LabOptions(boot: 4)) { lab in
                try await lab.sandbox.lock([LabProcesses.node()])
                try await lab.put(.provision(volumes: 1))
                let first = try await lab.worker()
                try await first.starts("wait-active")
                let began = lab.world.time.now
                first.signal(SIGTERM)
                #expect(try await first.end() == .exited(0))
                // Waiting for others is cut short: only requests in flight are awaited.
                #expect(lab.world.time.now - began < .seconds(2))
                #expect(try await lab.openJobs() == (0, 1))
                let second = try await lab.worker()
                let reply = try await lab.reply()
                #expect(reply.outcome == "done" && reply.worker.hasSuffix("/\(second.id)"), "\(reply)")
                let state = try await lab.sandbox.state()
                #expect(state.serversCreated == 1)
                #expect(state.violations(provisioned: LabProcesses.node(), volumes: 1) == [])
            }
        }

        @Test func aRequestInFlightIsAwaited() async throws {
            try await withLab { lab in
                try await lab.sandbox.lock([LabProcesses.node()])
                let fault = try await lab.sandbox.fault(
                    ["service": "compute", "method": "POST", "match": "/servers$", "count": 1, "delay": 1])
                try await lab.put(.provision())
                let first = try await lab.worker()
                try await lab.sandbox.struck(fault)
                first.signal(SIGTERM)
                #expect(try await first.end() == .exited(0))
                // It heard the answer, and went no further.
                #expect(await first.log.contains { $0.message.hasPrefix("create-server: created server") })
                #expect(await !first.log.contains { $0.message == "wait-active" })
                _ = try await lab.worker()
                #expect(try await lab.reply().outcome == "done")
                #expect(try await lab.sandbox.state().serversCreated == 1)
            }
        }

        @Test func theGraceTimeIsTheLongest() async throws {
            try await withLab { lab in
                let worker = try await stalledWorker(lab, grace: "1s")
                let began = lab.world.time.now
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
                let took = lab.world.time.now - began
                #expect(took > .milliseconds(900) && took < .seconds(4), "\(took)")
                // Put back with a delay, in which the request that was cut off comes to its end.
                #expect(try await lab.openJobs() == (0, 1))
            }
        }

        @Test func aSecondSignalEndsItAtOnce() async throws {
            try await withLab { lab in
                let worker = try await stalledWorker(lab, grace: "60s")
                worker.signal(SIGTERM)
                try await worker.says("stopping")
                let began = lab.world.time.now
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(143))
                #expect(lab.world.time.now - began < .seconds(1))
                // The queue has its job back, because the connection is gone.
                _ = try await lab.worker()
                #expect(try await lab.reply().outcome == "done")
                #expect(try await lab.sandbox.state().serversCreated == 1)
            }
        }

        /// A worker whose request for a server has no answer.
        private func stalledWorker(_ lab: LabProcesses, grace: String) async throws -> WorkerProcess {
            try await lab.sandbox.lock([LabProcesses.node()])
            let fault = try await lab.sandbox.fault(
                ["service": "compute", "method": "POST", "match": "/servers$", "count": 1, "delay": 300])
            try await lab.put(.provision())
            let worker = try await lab.worker(WorkerFile(drainGrace: grace))
            try await lab.sandbox.struck(fault)
            return worker
        }
    }
}
