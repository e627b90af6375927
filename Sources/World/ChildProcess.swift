/// A program to run: never through a shell, always an argument list.
package struct ChildCommand: Sendable, Hashable {
    /// A path, or a name to be found in PATH.
    package var program: String
    package var arguments: [String]
    /// Added to a minimal environment (PATH, HOME, LANG=C).
    package var environment: [String: String]
    package var input: [UInt8]
    /// Output beyond this many bytes per stream is read and dropped.
    package var maximumOutput: Int

    package init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], input: [UInt8] = [],
        maximumOutput: Int = 1 << 20
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.maximumOutput = maximumOutput
    }
}

package struct ChildResult: Sendable, Hashable {
    package enum End: Sendable, Hashable {
        case exited(Int32)
        case signalled(Int32)
    }

    package var end: End
    package var output: [UInt8]
    package var errors: [UInt8]

    package init(end: End, output: [UInt8], errors: [UInt8]) {
        self.end = end
        self.output = output
        self.errors = errors
    }

    package var succeeded: Bool { end == .exited(0) }
}

package struct ChildFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package var program: String
    package var detail: String

    package init(program: String, detail: String) {
        self.program = program
        self.detail = detail
    }

    package var description: String { "cannot run \(program): \(detail)" }
}

package protocol ChildProcesses: Sendable {
    /// Runs a program in a process group of its own and waits for its end. Cancelling kills the whole group (SIGKILL)
    /// and returns only when the child was reaped. It does not outlive this process.
    /// - Throws: `ChildFailure` when it cannot be started; `CancellationError`.
    func run(_ command: ChildCommand) async throws -> ChildResult
}
