import EventLoop
import Glibc
import HTTPKit
import Jobs
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// What a worker tells about itself.
    @Suite struct WorkerLogTests {
        @Test func linesHaveAllThatIdentifiesAJob() async throws {
            try await withLab { lab in
                let worker = try await lab.worker(WorkerFile(slots: 3, logLevel: "debug"))
                let end = try await lab.run(
                    "enqueue", "provision", "ovh001", "--lock", "--uuid", "log-1", "--name", "a-run", "--job-id", "7",
                    "--wait", "--timeout", "60")
                #expect(end.end == .exited(0), "\(end.output)")
                let log = await worker.log
                #expect(log.contains { $0.message == "working" && $0["slots"] == "3" })
                let request = try #require(log.first { $0["service"] == "nova" && $0["request"] == "POST /servers" })
                for (key, value) in [
                    ("level", "debug"), ("key", "log-1"), ("node", "ovh001"), ("step", "create-server"),
                    ("provider", "ovh"), ("run", "a-run/7"),
                ] {
                    #expect(request[key] == value, "\(request)")
                }
                #expect(request["request_id"].hasPrefix("req-"))
            }
        }

        @Test func optionsAreStrongerThanTheFile() async throws {
            try await withLab { lab in
                let worker = try await lab.start(
                    "worker", "--slots", "3", "--log-format", "text", "--log-level", "notice")
                let line = try await worker.waitForLine(containing: "notice  working")
                #expect(line.contains("slots=3"))
                worker.signal(SIGTERM)
                let end = try await worker.result().end
                #expect(end == .exited(0))
                #expect(await !worker.transcript.contains(" info "))
            }
        }

        @Test func aBrokerWithoutABinlogIsWarnedAbout() async throws {
            try await withLab { lab in
                let reliable = try await lab.worker(WorkerFile(logLevel: "debug"))
                try await withBeanstalkd(in: lab.world) { forgetful in
                    let text = WorkerFile().text(for: lab).replacing(
                        "\(lab.beanstalkd.endpoint)", with: "\(forgetful.endpoint)")
                    let path = try await lab.file("forgetful.yaml", text)
                    let worker = try await lab.programs.start("worker", ["worker", "--config", path])
                    _ = try await worker.waitForLine(containing: "keeps no binlog")
                    worker.signal(SIGTERM)
                    _ = try await worker.result()
                }
                // It has worked by now, so it has looked at its broker as well.
                _ = try await lab.run("enqueue", "destroy", "ovh009", "--wait", "--timeout", "60")
                #expect(await !reliable.log.contains { $0.message.contains("binlog") })
            }
        }

        @Test func aWorkerWithoutABrokerWaitsForItAndEndsWhenAsked() async throws {
            try await withLab { lab in
                try await lab.beanstalkd.stop()
                let worker = try await lab.worker()
                _ = try await worker.child.waitForLine(containing: "see whether beanstalkd runs there")
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }

        /// The pipe is full before the worker says its first word, and stays so.
        @Test func aLogThatNobodyReadsStopsNothing() async throws {
            try await withLab { lab in
                try await lab.sandbox.lock([LabProcesses.node()])
                try await lab.put(.provision())
                let pipe = "\(lab.folder)/log"
                guard mkfifo(pipe, 0o600) == 0 else { throw SystemError(doing: "make a pipe") }
                let worker = try await lab.start(
                    ["worker", "--log-level", "debug"],
                    through: "exec 3<>'\(pipe)'; head -c 65536 /dev/zero >&3; exec \"$0\" \"$@\" 2>&3")
                #expect(try await lab.reply().outcome == "done")
                try await lab.settled()
                let began = lab.world.time.now
                worker.signal(SIGTERM)
                let end = try await worker.result().end
                #expect(end == .exited(0))
                #expect(lab.world.time.now - began < .seconds(10))
            }
        }

        @Test func hangingUpIsLoggedAndIgnored() async throws {
            try await withLab { lab in
                let worker = try await lab.worker()
                for _ in 1...2 { worker.signal(SIGHUP) }
                try await worker.says("SIGHUP is ignored")
                try await lab.sandbox.lock([LabProcesses.node()])
                try await lab.put(.provision())
                #expect(try await lab.reply().outcome == "done")
                worker.signal(SIGTERM)
                #expect(try await worker.end() == .exited(0))
            }
        }

        /// A core would hold tokens and passwords.
        @Test func aWorkerLeavesNoCore() async throws {
            try await withLab { lab in
                let worker = try await lab.worker()
                let limits = try await lab.world.files.read("/proc/\(worker.id)/limits", limit: 1 << 16)
                let line = String(decoding: limits, as: UTF8.self).split(separator: "\n").first {
                    $0.hasPrefix("Max core file size")
                }
                #expect(line?.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"], "\(line ?? "")")
                try await worker.kill()
            }
        }

        @Test func theSandboxEndsOnASignal() async throws {
            try await withLab { lab in
                let sandbox = try await lab.programs.start("another sandbox", ["sandbox", "--port", "0"])
                _ = try await sandbox.waitForLine(containing: "sandbox: http://127.0.0.1:")
                sandbox.signal(SIGTERM)
                let end = try await sandbox.result().end
                #expect(end == .exited(0))
            }
        }
    }
}
