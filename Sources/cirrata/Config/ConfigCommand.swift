import ArgumentParser

struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Checks and shows the configuration.",
        subcommands: [
            ConfigCheckCommand.self, ConfigShowCommand.self, ConfigExampleCommand.self, ConfigReferenceCommand.self,
        ])
}
