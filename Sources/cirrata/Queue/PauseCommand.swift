import ArgumentParser
import Beanstalk
import Configuration
import HTTPKit
import Jobs
import WorkerCore
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
        let (provider, duration, destroys) = (provider, duration, destroys)
        let paused = try await withQueue(site) { broker, configuration, _ in
            let settings = configuration.tubes
            let names = [settings.provision(provider)] + (destroys ? [settings.destroy(provider)] : [])
            let tubes = try names.map { try TubeName($0) }
            return try await broker.connect { connection in
                var paused: [TubeName] = []
                for tube in tubes where try await connection.pause(tube, for: duration) { paused.append(tube) }
                return paused
            }
        }
        guard !paused.isEmpty else { throw Complaint(noTubeOf: provider) }
        for tube in paused {
            guard output.json else {
                Terminal.output.line("paused \(tube) for \(duration.short)")
                continue
            }
            let members: JSONObject = [
                "event": "paused", "tube": .string(tube.text), "seconds": .integer(Int(duration.seconds)),
            ]
            Terminal.output.line(JSONValue.object(members).text)
        }
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Ends a provider's pause, and its rest after many burials (burial_brake).",
        discussion: """
            Every worker of every host hears of it within seconds. If the site was not mended meanwhile, the provider soon \
            rests again.

            JSON: an object with event "resumed" and tube for each that was paused, and one with event "released", worker, \
            provider, cause and until for each worker where the provider rested.
            """)

    @Argument(help: "The provider.") var provider: String

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let provider = provider
        let resumed = try await withQueue(site) { broker, configuration, world in
            let reader = try QueueReader(broker: broker, tubes: configuration.tubes, world: world)
            let tubes = try await reader.view().tubes.filter { $0.provider == provider }
            try await broker.connect { connection in
                // Also where nothing is paused: that is how workers hear of it.
                for tube in tubes { _ = try await connection.pause(tube.statistics.name, for: .zero) }
            }
            return tubes
        }
        guard !resumed.isEmpty else { throw Complaint(noTubeOf: provider) }
        let ended = resumed.flatMap { tube in tube.hindrances.compactMap { line($0, tube) } }
        for line in ended { Terminal.output.line(line) }
        if ended.isEmpty, !output.json {
            Terminal.output.line("\(provider) is not paused, and no worker says that it rests")
        }
    }

    /// What was ended.
    private func line(_ hindrance: Hindrance, _ tube: TubeView) -> String? {
        let members: JSONObject
        let text: String
        switch hindrance {
        case .noWorker: return nil
        case .paused:
            members = ["event": "resumed", "tube": .string(tube.statistics.name.text)]
            text = "resumed \(tube.statistics.name)"
        case .rest(let worker, let rest):
            members = [
                "event": "released", "worker": .string(worker), "provider": .string(rest.provider),
                "cause": .string(rest.cause), "until": .string(rest.until.description),
            ]
            text = "\(worker) takes jobs of \(tube.statistics.name) again in a moment (it rested after \(rest.cause))"
        }
        return output.json ? JSONValue.object(members).text : Printable.line(text)
    }
}

extension Complaint {
    fileprivate init(noTubeOf provider: String) {
        self.init(
            "the broker has no tube of '\(provider)': nobody watches it, and it holds no job; see `cirrata tubes`")
    }
}
