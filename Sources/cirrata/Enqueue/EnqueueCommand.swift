import ArgumentParser

struct EnqueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enqueue", abstract: "Puts jobs into the queue.")

    @OptionGroup var site: SiteOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        _ = try await withWorld { world in try await site.load(world) }
    }
}
