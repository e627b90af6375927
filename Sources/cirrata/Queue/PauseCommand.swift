import ArgumentParser
import Beanstalk
import Configuration
import HTTPKit
import World

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Keeps workers from taking more jobs of a provider for a while.",
        discussion: """
            Running jobs go on. Destroys go on, too, as they make room, unless --destroys. A pause ends by itself, and \
            with a restart of the broker.
            """)

    @Argument(help: "The provider.") var provider: String

    @Option(
        name: .customLong("for"), help: ArgumentHelp("How long.", valueName: "duration"),
        transform: ArgumentText.duration)
    var duration = Duration.seconds(3_600)

    @Flag(help: "Destroys as well.")
    var destroys = false

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if duration < .seconds(1) {
            throw ValidationError("--for takes a second or more; `cirrata resume` ends a pause")
        }
    }

    func run() async throws {
        try await TubePause(provider: provider, duration: duration, destroys: destroys).run(site, output)
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Ends a provider's pause.")

    @Argument(help: "The provider.") var provider: String

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await TubePause(provider: provider, duration: .zero, destroys: true).run(site, output)
    }
}

/// What both do: tell the broker, tube by tube.
private struct TubePause {
    var provider: String
    /// Zero ends a pause.
    var duration: Duration
    var destroys: Bool

    /// - Throws: `Complaint` when the provider has no tube at the broker.
    func run(_ site: SiteOptions, _ output: OutputOptions) async throws {
        let found = try await withQueue(site) { broker, configuration, _ in
            let settings = configuration.tubes
            let names = [settings.provision(provider)] + (destroys ? [settings.destroy(provider)] : [])
            let tubes = try names.map { try TubeName($0) }
            return try await broker.connect { connection in
                var found: [TubeName] = []
                for tube in tubes where try await connection.pause(tube, for: duration) { found.append(tube) }
                return found
            }
        }
        guard !found.isEmpty else {
            throw Complaint(
                "the broker has no tube of '\(provider)': nobody watches it, and it holds no job; see `cirrata tubes`")
        }
        for tube in found {
            guard output.json else {
                let text = duration == .zero ? "resumed \(tube)" : "paused \(tube) for \(duration.short)"
                Terminal.output.line(text)
                continue
            }
            let members: JSONObject = [
                "event": duration == .zero ? "resumed" : "paused", "tube": .string(tube.text),
                "seconds": .integer(Int(duration.seconds)),
            ]
            Terminal.output.line(JSONValue.object(members).text)
        }
    }
}
