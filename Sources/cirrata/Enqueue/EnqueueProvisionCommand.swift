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
            teuthology's dispatcher does it, unless --lock is given. Without a node, a free one of the machine type is \
            locked.
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

    @Option(help: ArgumentHelp("Without nodes: so many of the machine type. Default: 1.", valueName: "number"))
    var count: Int?

    @OptionGroup(title: "The queue") var queue: QueueOptions

    func validate() throws {
        if let count {
            if !nodes.isEmpty { throw ValidationError("--count is for provisions that name no node") }
            if !(1...10_000).contains(count) { throw ValidationError("--count takes 1 to 10000") }
        }
        try job.validate(jobs: nodes.isEmpty ? count ?? 1 : nodes.count)
    }

    func run() async throws {
        try await withLoop { world, loop in
            let configuration = try await site.loadForQueue(world)
            let orders = try job.orders(
                .provision, nodes: nodes.isEmpty ? [String?](repeating: nil, count: count ?? 1) : nodes,
                entries(world), configuration, world)
            try await queue.submit(orders, configuration, world, loop)
        }
    }

    private func entries(_ world: World) -> [(String, Node)] {
        var entries = machine.entries
        if lock { entries.append(("lock", .boolean(true))) }
        if let expire { entries.append(("expire", .string(expire.moment(world.time).description))) }
        return entries
    }
}
