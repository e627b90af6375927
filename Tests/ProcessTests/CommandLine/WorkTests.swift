import EventLoop
import Glibc
import HTTPKit
import TestSupport
import Testing
import World

/// The queue from end to end, with nothing but real processes.
@Suite(.serialized, .timeLimit(.minutes(2))) struct WorkTests {
    @Test func provisionsAndDestroysThroughAWorker() async throws {
        // Longer than the slack within which two jobs of one node have no certain order.
        try await Lab.with(boot: 4) { lab in
            try await lab.withWorker { _ in
                let made = try await lab.run(
                    "enqueue", "provision", "ovh001", "ovh002", "--lock", "--volumes", "1", "--volume-size", "10",
                    "--wait", "--timeout", "60")
                #expect(made.end == .exited(0), "\(made.output)\(made.errors)")
                #expect(made.output.contains("provision ovh001.front.lab.test: done after"))
                #expect(try await lab.servers == ["ovh001", "ovh002"])
                #expect(try await lab.volumes == ["ovh001_0", "ovh002_0"])
                #expect(try await lab.node("ovh001")?["os_type"] == "ubuntu")

                let gone = try await lab.run(
                    "enqueue", "destroy", "ovh001", "ovh002", "--unlock", "--wait", "--timeout", "60", "--json")
                #expect(gone.end == .exited(0), "\(gone.output)\(gone.errors)")
                let events = try gone.json
                #expect(events.map { $0["event"]?.string } == ["put", "put", "ended", "ended"])
                #expect(events.suffix(2).allSatisfy { $0["outcome"] == "done" && $0["action"] == "destroy" })
                #expect(try await lab.servers.isEmpty)
                #expect(try await lab.volumes.isEmpty)
                #expect(try await lab.node("ovh001")?["locked"] == false)
            }
        }
    }

    @Test func waitTellsWhyAJobWasRefused() async throws {
        try await Lab.with { lab in
            try await lab.withWorker { _ in
                let end = try await lab.run(
                    "enqueue", "provision", "ovh001", "--lock", "--os-type", "beos", "--os-version", "5", "--wait",
                    "--timeout", "60")
                #expect(end.end == .exited(1))
                #expect(end.output.contains("rejected"))
                #expect(end.output.contains("no image for beos 5"))
                #expect(try await lab.servers.isEmpty)
            }
        }
    }

    @Test func waitEndsAfterItsTimeout() async throws {
        try await Lab.with { lab in
            let end = try await lab.run("enqueue", "provision", "ovh001", "--wait", "--timeout", "200ms")
            #expect(end.end == .exited(5))
            #expect(end.errors.contains("provision ovh001.front.lab.test"))
        }
    }

    @Test func waitOutlivesARestartOfTheBroker() async throws {
        try await Lab.with { lab in
            try await lab.with("enqueue", "provision", "ovh001", "--lock", "--wait", "--timeout", "60") { waiting in
                _ = try await waiting.waitForLine(containing: "job ")
                try await lab.broker.stop()
                try await lab.broker.start()
                try await lab.withWorker { _ in
                    let end = try await waiting.result().end
                    #expect(end == .exited(0))
                    #expect(await waiting.transcript.contains("done after"))
                }
            }
        }
    }

    @Test func nothingIsPutUnlessEverythingIsRight() async throws {
        try await Lab.with { lab in
            for (arguments, status, complaint) in [
                (["ovh001", "bad_name"], 64, "contains '_'"), (["ovh001", "ovh001"], 64, "named twice"),
                (["ovh001.elsewhere.test"], 64, "is in the domain 'elsewhere.test'"),
                (["ovh001", "--machine-type", "mars"], 64, "provider 'mars' is not configured; there is ovh"),
                (["ovh001", "ovh002", "--uuid", "x"], 64, "--uuid identifies one job"),
                (["ovh001", "--ttr", "1"], 64, "--ttr takes 10s or more"),
                (["ovh001", "--expire", "tomorrow"], 64, "neither a duration"),
                (["ovh001", "--uuid", "no blanks"], 64, "uuid"),
            ] as [([String], Int32, String)] {
                let end = Finished(
                    try await lab.children.run(
                        ChildCommand(Lab.program, ["enqueue", "provision", "-c", lab.configuration] + arguments)))
                #expect(end.end == .exited(status), "\(arguments)")
                #expect(end.errors.contains(complaint), "\(end.errors)")
                #expect(end.output.isEmpty)
            }
        }
    }

    @Test func aBrokerThatRefusesIsSaid() async throws {
        try await Lab.with { lab in
            await lab.broker.signal(SIGUSR1)
            // The signal is handled when the broker wakes up, so the first put may still be taken.
            _ = try await lab.run("enqueue", "destroy", "ovh009")
            let refused = try await lab.run("enqueue", "provision", "ovh001")
            #expect(refused.end == .exited(4))
            #expect(refused.errors.contains("DRAINING"))
            #expect(refused.errors.hasPrefix("cirrata: beanstalkd at 127.0.0.1:"))

            try await lab.broker.stop()
            let unreachable = try await lab.run("enqueue", "provision", "ovh001")
            #expect(unreachable.end == .exited(4))
            #expect(unreachable.errors.contains("see whether beanstalkd runs there"))
        }
    }
}
