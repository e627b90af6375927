import ArgumentParser
import Configuration
import Provisioning
import WorkerCore
import World

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Looks at everything that a worker of this site depends on.",
        discussion: """
            The configuration, beanstalkd, paddles and its nodes, DNS, ssh, and of every provider the login, the endpoints, \
            images, flavor, networks, security groups and quota: a line for each and what to do about it. What fails only \
            because something before it did is skipped. Changes nothing, but for a file in ssh.known_hosts_folder that \
            it removes again, and ends within half a minute. Exit code 1 if anything failed; warnings are no failure.
            """)

    @OptionGroup var site: SiteOptions

    @Option(help: ArgumentHelp("Look at this provider only.", valueName: "name"))
    var provider: String?

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let diagnosis = try await withLoop { world, loop in
            try await Interruption.once(on: loop) { try await examine(world) }
        }
        let text = DiagnosisText(diagnosis)
        for line in output.json ? text.json : text.lines(for: .output) { Terminal.output.line(line) }
        if diagnosis.hasFailures { throw ExitCode(.failed) }
    }

    private func examine(_ world: World) async throws -> Diagnosis {
        let loaded: ConfigurationLoader.Loaded
        do {
            loaded = try await site.read(world)
        } catch let invalid as InvalidConfiguration {
            return Doctor.diagnosis(of: invalid)
        }
        let names = loaded.configuration.providers.map(\.name)
        if let provider, !names.contains(provider) {
            throw Complaint(
                "provider \(provider) is not configured; configured: \(names.joined(separator: ", "))", .usage)
        }
        return try await Doctor(world: world).examine(
            loaded.configuration, from: loaded.path, warnings: loaded.warnings, only: provider)
    }
}
