import ArgumentParser

struct EnqueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue", abstract: "Puts jobs into the queue.",
        subcommands: [EnqueueProvisionCommand.self, EnqueueDestroyCommand.self])
}
