import ArgumentParser

@main
struct Cirrata: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cirrata", abstract: "Gives Ceph's test lab its virtual machines.", version: "0.1.0")
}
