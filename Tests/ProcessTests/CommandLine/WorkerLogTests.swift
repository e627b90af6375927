import EventLoop
import Glibc
import HTTPKit
import TestSupport
import Testing
import World

/// What a worker tells about itself.
@Suite(.serialized, .timeLimit(.minutes(2))) struct WorkerLogTests {
    @Test func linesAreJSONWithAllThatIdentifiesAJob() async throws {
        try await Lab.with { lab in
            try await lab.withWorker("--log-format", "json", "--log-level", "debug", "--slots", "3") { worker in
                let end = try await lab.run(
                    "enqueue", "provision", "ovh001", "--lock", "--uuid", "log-1", "--name", "a-run", "--job-id", "7",
                    "--wait", "--timeout", "60")
                #expect(end.end == .exited(0), "\(end.output)")
                worker.signal(SIGTERM)
                let lines = String(decoding: try await worker.result().errors, as: UTF8.self).split(separator: "\n")
                let entries = try lines.map { try JSONValue(parsing: Array($0.utf8)) }
                #expect(entries.contains { $0["message"] == "working" && $0["slots"] == "3" })
                let request = entries.first { $0["service"] == "nova" && $0["request"] == "POST /servers" }
                #expect(request?["level"] == "debug")
                #expect(request?["key"] == "log-1")
                #expect(request?["node"] == "ovh001")
                #expect(request?["step"] == "create-server")
                #expect(request?["provider"] == "ovh")
                #expect(request?["run"] == "a-run/7")
                #expect(request?["request_id"]?.string?.hasPrefix("req-") == true)
                #expect(!lines.contains { $0.contains("secret") })
            }
        }
    }

    @Test(arguments: [true, false]) func aBrokerWithoutABinlogIsWarnedAbout(_ hasBinlog: Bool) async throws {
        try await Lab.with(binlog: hasBinlog) { lab in
            try await lab.withWorker("--log-level", "debug") { worker in
                _ = try await worker.waitForLine(containing: "connected to beanstalkd")
                // An answer to a job comes later than the look at the broker.
                _ = try await lab.run("enqueue", "destroy", "ovh009", "--wait", "--timeout", "60")
                #expect(await worker.transcript.contains("keeps no binlog") == !hasBinlog)
            }
        }
    }
}
