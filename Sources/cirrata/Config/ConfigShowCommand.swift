import ArgumentParser
import Configuration

struct ConfigShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows the values in effect, defaults included and secrets hidden.")

    @OptionGroup var site: SiteOptions

    func run() async throws {
        let configuration = try await withWorld { world in try await site.load(world) }
        Terminal.output.lines(configuration.effective)
    }
}
