import EventLoop
import Glibc
import HTTPKit
import TestSupport
import World

/// A `cirrata worker` that runs, and its log.
struct WorkerProcess: Sendable {
    let child: RunningChild
    let time: any TimeSource

    var id: Int32 { child.process }

    /// Waits for a log line whose message is or begins with this; one that came before counts.
    func says(_ message: String, within limit: Duration = .seconds(30)) async throws {
        let child = child
        _ = try await time.withTimeout(limit, doing: "wait until worker \(id) says “\(message)”") {
            try await child.waitForLine(containing: "\"message\":\"\(message)")
        }
    }

    /// Waits until so many messages began with this.
    func says(_ message: String, times count: Int, within limit: Duration) async throws {
        try await time.withTimeout(limit, doing: "wait until worker \(id) says “\(message)” \(count) times") {
            while true {
                let change = await child.nextChange
                if await log.count(where: { $0.message.hasPrefix(message) }) >= count { return }
                guard await child.isRunning else { throw LabFailure(description: await child.transcript) }
                _ = try await change.wait()
            }
        }
    }

    /// Waits until it begins with a step.
    func starts(_ step: String, within limit: Duration = .seconds(30)) async throws {
        try await says("\(step)\"", within: limit)
    }

    func signal(_ number: Int32) { child.signal(number) }

    /// Waits for its end.
    func end(within limit: Duration = .seconds(30)) async throws -> ChildResult.End {
        let child = child
        return try await time.withTimeout(limit, doing: "wait until worker \(id) ends") {
            // Not cancelled by the limit by itself: the child is killed, which ends the wait.
            try await withTaskCancellationHandler {
                try await child.result().end
            } onCancel: {
                child.signal(SIGKILL)
            }
        }
    }

    /// SIGKILL, and returns when it is gone.
    func kill() async throws {
        child.signal(SIGKILL)
        _ = try await end()
    }

    /// All lines so far.
    var log: [LogRecord] {
        get async {
            await child.errors.split(separator: UInt8(ascii: "\n")).compactMap { LogRecord(line: Array($0)) }
        }
    }
}

/// One line of a JSON log.
struct LogRecord: Sendable, CustomStringConvertible {
    private let members: JSONValue

    init?(line: [UInt8]) {
        guard let members = try? JSONValue(parsing: line) else { return nil }
        self.members = members
    }

    subscript(key: String) -> String { members[key]?.string ?? "" }
    var message: String { self["message"] }
    var description: String { members.text }
}
