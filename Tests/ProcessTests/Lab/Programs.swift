import EventLoop
import Glibc
import TestSupport
import Testing
import World

/// Starts `cirrata`, as it was built beside the tests, and remembers what runs: nothing is left behind.
final class Programs: Sendable {
    private struct Started: Sendable {
        var name: String
        var child: RunningChild
    }

    let path: String
    private let children: SystemChildren
    private let environment: [String: String]
    private let started = Locked<[Started]>([])
    private let commands = Locked<[[String]]>([])

    /// The log of a big run is kept whole.
    private static let maximumOutput = 256 << 20

    /// - Parameter home: the programs' HOME, so that nothing of the user's comes in.
    init(on loop: EventLoop, home: String) throws {
        path = try Self.builtProgram()
        // What ops/test sets for a sanitizer's reports or for garbage in memory holds for the programs, too.
        environment = HostIdentity.current().environment
            .filter { $0.key.hasSuffix("SAN_OPTIONS") || $0.key == "MALLOC_PERTURB_" }
            .merging(["HOME": home]) { $1 }
        children = try SystemChildren(loop: loop, environment: HostIdentity.current().environment)
    }

    /// `swift build` puts the program into the folder of the test bundle, which is this process.
    private static func builtProgram() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4_096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        guard length > 0 else { throw SystemError(doing: "find the test bundle") }
        let bundle = String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = bundle.lastIndex(of: "/") else { throw SystemError(doing: "find the test bundle") }
        let path = bundle[..<slash] + "/cirrata"
        guard access(String(path), X_OK) == 0 else { throw SystemError(doing: "look for \(path)") }
        return String(path)
    }

    /// Starts it with these arguments, to run until it is stopped.
    /// - Parameter script: for a shell that starts it: `"$0"` with `"$@"`.
    func start(
        _ name: String, _ arguments: [String], environment more: [String: String] = [:], through script: String? = nil
    ) async throws -> RunningChild {
        var command = command(arguments, more)
        if let script {
            command.program = "/bin/sh"
            command.arguments = ["-c", script, path] + arguments
        }
        let child = try await children.start(command)
        started.withLock { $0.append(Started(name: name, child: child)) }
        return child
    }

    /// Runs it to its end.
    func run(
        _ arguments: [String], environment more: [String: String] = [:], input: [UInt8] = []
    ) async throws -> ChildResult {
        try await children.run(command(arguments, more, input))
    }

    /// Whether a subcommand (`failed list`) was really started.
    func wasStarted(_ command: String) -> Bool {
        let words = command.split(separator: " ").map(String.init)
        return commands.withLock { $0.contains { $0.starts(with: words) } }
    }

    private func command(
        _ arguments: [String], _ more: [String: String], _ input: [UInt8] = []
    ) -> ChildCommand {
        commands.withLock { $0.append(arguments) }
        return ChildCommand(
            path, arguments, environment: environment.merging(more) { $1 }, input: input,
            maximumOutput: Self.maximumOutput)
    }

    /// Kills what still runs, the youngest first, and returns when all are gone.
    func end() async {
        for program in started.withLock({ Array($0.reversed()) }) {
            program.child.signal(SIGKILL)
            do {
                _ = try await program.child.result()
            } catch {
                Issue.record("\(program.name): \(error)")
            }
        }
    }

    /// The last lines of every program, for a failure's message.
    func story() async -> String {
        var story = ""
        for program in started.withLock({ $0 }) {
            let lines = await program.child.transcript.split(separator: "\n").suffix(40)
            story += "--- \(program.name) (\(program.child.process))\n\(lines.joined(separator: "\n"))\n"
        }
        return story
    }
}
