import EventLoop
import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// `cirrata failed undo` as an operator runs it, on removals that were really not finished.
    @Suite struct FailedUndoCommandTests {
        /// A lab in which a provision failed, and its removal too: the cloud deleted nothing. It does again.
        private static func withLeftovers(_ body: @Sendable (LabProcesses) async throws -> Void) async throws {
            try await withLab { lab in
                try await lab.sandbox.lock([LabProcesses.node(1)])
                _ = try await lab.sandbox.fault(["service": "nsupdate", "status": 400, "body": "broken address"])
                for service in ["compute", "volume"] {
                    _ = try await lab.sandbox.fault([
                        "service": .string(service), "method": "DELETE", "status": 403, "body": "{}",
                    ])
                }
                let worker = try await lab.worker()
                try await lab.put(.provision(volumes: 1))
                #expect(try await lab.reply().outcome == "removal-incomplete")
                try await lab.settled(buried: 1)
                try await worker.kill()
                try await lab.sandbox.removeFaults()
                try await body(lab)
            }
        }

        @Test func whatIsLeftGoes() async throws {
            try await Self.withLeftovers { lab in
                let dry = try await lab.run("failed", "undo", "ovh001", "--dry-run")
                #expect(dry.end == .exited(0), "\(dry.errors)")
                #expect(dry.output.contains("- server ovh001 ") && dry.output.contains("- volume ovh001_0 "))
                #expect(try await lab.run("failed", "undo", "ovh001").end == .exited(64))
                #expect(try await lab.sandbox.state().servers.count == 1)

                let done = try await lab.run("failed", "undo", "ovh001", "--yes")
                #expect(done.end == .exited(0), "\(done.output)\(done.errors)")
                #expect(done.output.contains("-       server ovh001 ") && done.output.contains("ok      removal"))
                #expect(done.output.hasSuffix("1 undone, 0 with something left, 0 skipped\n"), "\(done.output)")
                let state = try await lab.sandbox.state()
                #expect(state.servers.isEmpty && state.volumes.isEmpty)

                let show = try await lab.run("failed", "show", "ovh001", "--json")
                let report = try #require(try show.json.first)
                #expect(report["left"] == [] && report["class"] == "undone" && report["is_current"] == true)
                #expect(report["counters"]?["state"] == "buried")
                #expect(try await lab.run("failed", "undo", "--all", "--yes").output.hasPrefix("no failed job matches"))

                _ = try await lab.worker()
                #expect(try await lab.run("failed", "retry", "--class", "undone", "--yes").end == .exited(0))
                #expect(try await lab.reply().outcome == "done")
                try await lab.settled()
                #expect(try await lab.sandbox.state().violations(provisioned: "ovh001", volumes: 1) == [])
            }
        }

        /// The report is the only record of what is left: it is not dropped by the way.
        @Test func aJobWithSomethingLeftIsDiscardedOnlyOnDemand() async throws {
            try await Self.withLeftovers { lab in
                let dry = try await lab.run("failed", "discard", "--all", "--dry-run")
                #expect(dry.end == .exited(0))
                #expect(dry.output.hasPrefix("would be skipped "), "\(dry.output)")
                let refused = try await lab.run("failed", "discard", "ovh001", "--yes")
                #expect(refused.end == .exited(1))
                for part in ["skipped ", "left: server ovh001 ", "volume ovh001_0 ", "`cirrata failed undo "] {
                    #expect(refused.output.contains(part), "\(refused.output)")
                }
                #expect(refused.output.hasSuffix("0 discarded, 1 skipped, 0 failed\n"))
                #expect(try await lab.openJobs() == (1, 0))
                #expect(try await lab.reports().count == 1)

                let unasked = try await lab.run("failed", "discard", "ovh001", "--leave-behind")
                #expect(unasked.end == .exited(64))
                #expect(unasked.errors.contains("ovh001: stays behind: server ovh001 "), "\(unasked.errors)")
                let done = try await lab.run("failed", "discard", "ovh001", "--leave-behind", "--yes", "--json")
                #expect(done.end == .exited(0))
                #expect(try done.json.first?["event"] == "discarded")
                #expect(try done.json.first?["left"]?.array?.count == 2)
                #expect(try await lab.openJobs() == (0, 0))
                #expect(try await lab.sandbox.state().servers.count == 1)
            }
        }

        @Test func whatIsRefusedStaysAndIsNamed() async throws {
            try await Self.withLeftovers { lab in
                _ = try await lab.sandbox.fault([
                    "service": "volume", "method": "DELETE", "status": 403, "body": "{}",
                ])
                let end = try await lab.run("failed", "undo", "--node", "ovh*", "--yes", "--json")
                #expect(end.end == .exited(1))
                let told = try end.json
                #expect(told.first?["event"] == "left" && told.last?["left"] == 1)
                #expect(told.first?["left"]?.array?.first?.string?.hasPrefix("volume ovh001_0 ") == true)
                let reports = try await lab.reports()
                #expect(reports.map(\.left.count) == [1] && reports.first?.outcome == "removal-incomplete")
                #expect(try await lab.sandbox.state().servers.isEmpty)
            }
        }

        /// The first signal waits for what is under way, which is never answered here; the second does not.
        @Test func twoSignalsEndIt() async throws {
            try await Self.withLeftovers { lab in
                let fault = try await lab.sandbox.fault(["service": "compute", "method": "DELETE", "wire": "stall"])
                let undo = try await lab.start("failed", "undo", "ovh001", "--yes")
                try await lab.sandbox.struck(fault)
                undo.signal(SIGINT)
                _ = try await undo.waitForLine(containing: "once more ends at once")
                undo.signal(SIGINT)
                #expect(try await undo.result().end == .exited(130))
                // It goes on from there.
                try await lab.sandbox.removeFaults()
                #expect(try await lab.run("failed", "undo", "ovh001", "--yes").end == .exited(0))
                #expect(try await lab.sandbox.state().servers.isEmpty)
            }
        }
    }
}
