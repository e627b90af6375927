import EventLoop
import Glibc
import HTTPKit
import TestSupport
import Testing
import World

/// What signals do.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StoppingTests {
    @Test(arguments: [SIGTERM, SIGINT]) func anIdleWorkerEndsWithinASecond(_ signal: Int32) async throws {
        try await Lab.with { lab in
            try await lab.withWorker { worker in
                let asked = lab.world.time.now
                worker.signal(signal)
                let end = try await worker.result().end
                #expect(end == .exited(0))
                #expect(lab.world.time.now - asked < .seconds(1))
                #expect(await worker.transcript.contains("stopped"))
            }
        }
    }

    @Test func aWorkerWithoutABrokerEndsToo() async throws {
        try await Lab.with { lab in
            try await lab.broker.stop()
            try await lab.withWorker { worker in
                _ = try await worker.waitForLine(containing: "see whether beanstalkd runs there")
                worker.signal(SIGTERM)
                let end = try await worker.result().end
                #expect(end == .exited(0))
            }
        }
    }

    @Test func aDrainedJobIsFinishedByTheNextWorker() async throws {
        try await Lab.with(boot: 3) { lab in
            try await lab.with("enqueue", "provision", "ovh001", "--lock", "--wait", "--timeout", "60") { waiting in
                try await lab.withWorker { worker in
                    _ = try await worker.waitForLine(containing: "created server")
                    worker.signal(SIGTERM)
                    let end = try await worker.result().end
                    #expect(end == .exited(0))
                }
                #expect(try await lab.servers == ["ovh001"])
                try await lab.withWorker { worker in
                    _ = try await worker.waitForLine(containing: "found server ovh001")
                    let end = try await waiting.result().end
                    #expect(end == .exited(0))
                }
                #expect(try await lab.state()["servers_created"] == 1)
            }
        }
    }

    /// The first signal waits for the request in flight, which is never answered here; the second does not.
    @Test(arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
    func aSecondSignalEndsAtOnce(_ signal: Int32, _ status: Int32) async throws {
        try await Lab.with { lab in
            try await lab.fault(#"{"service": "compute", "method": "POST", "wire": "stall"}"#)
            let job = try await lab.file("job.yaml", "{action: provision, node: ovh001, owner: me@lab, lock: true}")
            try await lab.with("run", job) { run in
                _ = try await run.waitForLine(containing: "ok      claim")
                try await lab.untilRequested("POST", of: "compute")
                run.signal(signal)
                _ = try await run.waitForLine(containing: "once more ends at once")
                let asked = lab.world.time.now
                run.signal(signal)
                let end = try await run.result().end
                #expect(end == .exited(status))
                #expect(lab.world.time.now - asked < .seconds(1))
            }
        }
    }

    @Test func aSecondSignalEndsAWorkerInTheMiddleOfAJob() async throws {
        try await Lab.with { lab in
            try await lab.fault(#"{"service": "compute", "method": "POST", "wire": "stall"}"#)
            _ = try await lab.run("enqueue", "provision", "ovh001", "--lock")
            try await lab.withWorker { worker in
                try await lab.untilRequested("POST", of: "compute")
                worker.signal(SIGTERM)
                _ = try await worker.waitForLine(containing: "stopping")
                let asked = lab.world.time.now
                worker.signal(SIGTERM)
                let end = try await worker.result().end
                #expect(end == .exited(143))
                #expect(lab.world.time.now - asked < .seconds(1))
            }
        }
    }

    @Test func theSandboxEndsOnASignal() async throws {
        try await Lab.with { lab in
            let sandbox = try await lab.children.start(ChildCommand(Lab.program, ["sandbox", "--port", "0"]))
            _ = try await sandbox.waitForLine(containing: "sandbox: http://127.0.0.1:")
            sandbox.signal(SIGTERM)
            let end = try await sandbox.result().end
            #expect(end == .exited(0))
        }
    }

    @Test func waitingCanBeGivenUp() async throws {
        try await Lab.with { lab in
            try await lab.with("enqueue", "provision", "ovh001", "--wait") { waiting in
                _ = try await waiting.waitForLine(containing: "job ")
                waiting.signal(SIGINT)
                let end = try await waiting.result().end
                #expect(end == .exited(130))
                #expect(await waiting.transcript.contains("the jobs go on"))
            }
        }
    }
}
