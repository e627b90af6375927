import ArgumentParser
import Configuration

struct ConfigExampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "example", abstract: "Writes worker.yaml.example: every key with its default and meaning.")

    func run() { Terminal.output.lines(SiteConfiguration.exampleFile) }
}

struct ConfigReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Writes the table of all keys, in Markdown.")

    func run() { Terminal.output.lines(ReferenceText.markdown(SiteConfiguration.documents)) }
}
