import ArgumentParser
import Configuration
import Jobs
import World
import YAMLKit

struct EnqueueProvisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provision", abstract: "Asks for virtual machines.",
        discussion: """
            Each node gets a job of its own. A node has to be locked in paddles for the job's owner already, as \
            teuthology's dispatcher does it, unless --lock is given. With --any or --count, free nodes of the machine type \
            are found and locked.

            A node that has a server gets a new one in its place. That is said before anything is put, and where a person \
            can be asked you are, unless --yes; scripts go on.
            """)

    @Argument(help: ArgumentHelp("Short or full names in the lab's domain.", valueName: "node"))
    var nodes: [String] = []

    @OptionGroup var site: SiteOptions
    @OptionGroup(title: "The job") var job: JobOptions

    @OptionGroup(title: "The machine") var machine: MachineOptions

    @Flag(help: "Lock the node in paddles if it is free.")
    var lock = false

    @Option(
        help: ArgumentHelp(
            "No longer wanted after this: a duration from now, or a time (2026-11-22T15:00:00Z).", valueName: "when"),
        transform: Expiry.init)
    var expire: Expiry?

    @Flag(help: "Any free node of the machine type.")
    var any = false

    @Option(help: ArgumentHelp("So many free nodes of the machine type.", valueName: "number"))
    var count: Int?

    @Flag(name: .shortAndLong, help: "Do not ask before the server of a node is replaced.")
    var yes = false

    @OptionGroup(title: "The queue") var queue: QueueOptions

    func validate() throws {
        let ways = [!nodes.isEmpty, any, count != nil].count { $0 }
        if ways == 0 { throw ValidationError("name nodes, or say --any for a free one, or --count for several") }
        if ways > 1 { throw ValidationError("nodes by name, --any and --count exclude each other") }
        if let count, !(1...10_000).contains(count) { throw ValidationError("--count takes 1 to 10000") }
        try job.validate(jobs: wanted.count)
    }

    /// Nil for any free node.
    private var wanted: [String?] { nodes.isEmpty ? [String?](repeating: nil, count: count ?? 1) : nodes }

    func run() async throws {
        let (orders, servers) = try await withWorld { world in
            let configuration = try await site.loadForQueue(world)
            let orders = try job.orders(.provision, nodes: wanted, entries(world), configuration, world)
            let servers = await ExistingServers.sentences(
                about: orders, owner: job.owner(world), configuration, world)
            return (orders, servers)
        }
        for sentence in servers { Terminal.errors.line("cirrata: \(sentence)") }
        if !servers.isEmpty, !yes, Confirmation.isPossible {
            let question = servers.count == 1 ? "replace it?" : "replace all \(servers.count)?"
            guard try Confirmation.ask(question) else { throw Complaint("nothing was done") }
        }
        try await withLoop { world, loop in
            try await queue.submit(orders, try await site.loadForQueue(world), world, loop)
        }
    }

    private func entries(_ world: World) -> [(String, Node)] {
        var entries = machine.entries
        if lock { entries.append(("lock", .boolean(true))) }
        if let expire { entries.append(("expire", .string(expire.moment(world.time).description))) }
        return entries
    }
}
