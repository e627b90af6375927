import ArgumentParser
import EventLoop
import Glibc

@main
struct Cirrata: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cirrata",
        abstract: "Gives Ceph's test lab its virtual machines: workers on a queue of provisions and destroys.",
        discussion: """
            Exit codes:
            \(ExitStatus.table)

            Completions: cirrata --generate-completion-script bash|zsh|fish
            """,
        version: Release.text,
        groupedSubcommands: [
            CommandGroup(name: "Work", subcommands: [WorkerCommand.self, EnqueueCommand.self, RunCommand.self]),
            CommandGroup(
                name: "Operations",
                subcommands: [DoctorCommand.self, FailedCommand.self, SweepCommand.self, ConfigCommand.self]),
            CommandGroup(
                name: "Queue",
                subcommands: [
                    TubesCommand.self, JobsCommand.self, JobCommand.self, CancelCommand.self, WorkersCommand.self,
                    PauseCommand.self, ResumeCommand.self,
                ]),
            CommandGroup(name: "Trial", subcommands: [SandboxCommand.self]),
        ])

    static func main() async {
        ignoreBrokenPipes()
        do {
            var command = try await asyncParseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            end(because: error)
        }
    }

    /// Says what happened and ends the process with the exit code that stands for it.
    private static func end(because error: any Error) -> Never {
        let code = exitCode(for: error)
        if code == .validationFailure {
            let text = fullMessage(for: error)
            let marker = "Error: "
            Terminal.errors.lines(text.hasPrefix(marker) ? "cirrata: \(text.dropFirst(marker.count))" : text)
            Glibc.exit(ExitStatus.usage.rawValue)
        }
        // Help, the version and completion scripts come as errors, too.
        if code == .success || error is ExitCode { exit(withError: error) }
        let complaint = Complaint(about: error)
        for line in complaint.lines.flatMap(Printable.lines) { Terminal.errors.line("cirrata: \(line)") }
        Glibc.exit(complaint.status.rawValue)
    }
}
