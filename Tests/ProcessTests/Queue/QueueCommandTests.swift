import HTTPKit
import TestSupport
import Testing
import World

extension ProcessSuites {
    /// The queue at a glance, as an operator sees it, with a real broker.
    @Suite struct QueueCommandTests {
        private static func run(_ lab: LabProcesses, _ arguments: [String]) async throws -> (Int32, [String], String) {
            let path = "\(lab.folder)/operator.yaml"
            try await lab.write(WorkerFile(), to: path)
            let result = try await lab.programs.run(arguments + ["--config", path])
            guard case .exited(let status) = result.end else {
                throw LabFailure(description: "\(arguments) ended by \(result.end)")
            }
            let lines = String(decoding: result.output, as: UTF8.self).split(separator: "\n").map(String.init)
            return (status, lines, String(decoding: result.errors, as: UTF8.self))
        }

        private static func ready(_ lines: [String], _ tube: String) throws -> JSONValue? {
            try lines.map { try JSONValue(parsing: Array($0.utf8)) }.first { $0["tube"]?.string == tube }
        }

        @Test func tubesWorkersPauseAndResume() async throws {
            try await withLab { lab in
                try await lab.put([.provision(LabProcesses.node(1)), .provision(LabProcesses.node(2))])
                let (status, lines, _) = try await Self.run(lab, ["tubes"])
                #expect(status == 0 && lines[0].hasPrefix("TUBE"))
                let row = try #require(lines.first { $0.contains("provision") }).split(separator: " ")
                let (tube, provider) = (String(row[0]), String(row[0].split(separator: ".").last ?? ""))
                #expect(row[1] == "2" && row[2] == "0")

                let (paused, said, _) = try await Self.run(lab, ["pause", provider, "--for", "10m"])
                #expect(paused == 0 && said.count == 1 && said[0].hasPrefix("paused \(tube) for 10"))
                let left = try Self.ready(try await Self.run(lab, ["tubes", "--json"]).1, tube)
                #expect((590...600).contains(left?["pause_left_seconds"]?.integer ?? 0))
                #expect(left?["ready"] == 2 && left?["oldest_ready_seconds"] != nil)
                #expect(try await Self.run(lab, ["resume", provider]).0 == 0)
                #expect(
                    try Self.ready(try await Self.run(lab, ["tubes", "--json"]).1, tube)?["pause_left_seconds"] == 0)
                let (unknown, _, errors) = try await Self.run(lab, ["pause", "nobody"])
                #expect(unknown == 1 && errors.contains("no tube of 'nobody'"))

                #expect(try await Self.run(lab, ["workers"]).1 == ["no worker shows itself"])
                let worker = try await lab.worker()
                _ = try await lab.replies(2)
                let workers = try await Self.run(lab, ["workers"])
                #expect(workers.0 == 0 && workers.1.count == 1 && workers.1[0].contains("slots"))
                try await worker.kill()
            }
        }
    }
}
