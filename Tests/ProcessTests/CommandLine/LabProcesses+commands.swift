import EventLoop
import HTTPKit
import World

/// A command that has ended.
struct Finished: Sendable {
    let end: ChildResult.End
    let output: String
    let errors: String

    init(_ result: ChildResult) {
        end = result.end
        output = String(decoding: result.output, as: UTF8.self)
        errors = String(decoding: result.errors, as: UTF8.self)
    }

    /// What it wrote to standard output, line by line, as JSON.
    var json: [JSONValue] {
        get throws { try output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) } }
    }
}

/// An operator's commands in a lab.
extension LabProcesses {
    /// Runs a command of this lab to its end.
    func run(_ arguments: String...) async throws -> Finished { try await run(arguments) }

    func run(
        _ arguments: [String], environment: [String: String] = [:], input: [UInt8] = []
    ) async throws -> Finished {
        Finished(
            try await programs.run(
                arguments + ["--config", try await site()], environment: environment, input: input))
    }

    /// Starts a command that goes on until it ends by itself or is stopped.
    func start(_ arguments: String...) async throws -> RunningChild { try await start(arguments) }

    func start(_ arguments: [String]) async throws -> RunningChild {
        try await programs.start(arguments[0], arguments + ["--config", try await site()])
    }

    /// Starts one through a shell: `"$0" "$@"`.
    func start(_ arguments: [String], through script: String) async throws -> RunningChild {
        try await programs.start(arguments[0], arguments + ["--config", try await site()], through: script)
    }

    /// Writes a file into the lab's folder.
    /// - Returns: its path.
    func file(_ name: String, _ text: String) async throws -> String {
        let path = "\(folder)/\(name)"
        try await world.files.write(path, Array(text.utf8), mode: 0o600)
        return path
    }

    private func site() async throws -> String {
        let path = "\(folder)/operator.yaml"
        try await write(WorkerFile(), to: path)
        return path
    }
}
