import ArgumentParser
import Configuration
import World

/// Which site a command is about.
struct SiteOptions: ParsableArguments {
    @Option(
        name: [.customLong("config"), .customShort("c")],
        help: ArgumentHelp(
            "The site's configuration, or a teuthology.yaml. Default: $CIRRATA_CONFIG, ./worker.yaml, "
                + "~/.config/cirrata/worker.yaml, /etc/cirrata/worker.yaml.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String?

    /// - Throws: `InvalidConfiguration`.
    func read(_ world: World) async throws -> ConfigurationLoader.Loaded {
        try await loader(world).load(path)
    }

    /// The configuration; its warnings go to standard error.
    /// - Throws: `InvalidConfiguration`.
    func load(_ world: World) async throws -> SiteConfiguration {
        let loaded = try await read(world)
        for warning in loaded.warnings { Terminal.errors.line("cirrata: warning: \(warning)") }
        return loaded.configuration
    }

    /// As much of the configuration as it takes to talk to the broker; what it warns about concerns the workers.
    /// - Throws: `InvalidConfiguration`.
    func loadForQueue(_ world: World) async throws -> SiteConfiguration {
        try await loader(world).load(path, for: .queue).configuration
    }

    private func loader(_ world: World) -> ConfigurationLoader {
        ConfigurationLoader(environment: world.host.environment, files: world.files, random: world.random)
    }
}
