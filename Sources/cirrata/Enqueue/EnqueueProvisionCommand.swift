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

    @Option(help: "Operating system. Default: defaults.os_type of the worker's configuration.")
    var osType: String?

    @Option(help: "Its version, as text. Default: by os_type.")
    var osVersion: String?

    @Flag(help: "Lock the node in paddles if it is free.")
    var lock = false

    @Option(help: ArgumentHelp("At least so much memory.", valueName: "MB"))
    var ram: Int?

    @Option(help: ArgumentHelp("At least so much disk.", valueName: "GB"))
    var disk: Int?

    @Option(help: ArgumentHelp("At least so many processors.", valueName: "number"))
    var cpus: Int?

    @Option(help: ArgumentHelp("Attach so many volumes.", valueName: "number"))
    var volumes: Int?

    @Option(help: ArgumentHelp("Of this size each.", valueName: "GB"))
    var volumeSize: Int?

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
        for (name, value) in [
            ("--ram", ram), ("--disk", disk), ("--cpus", cpus), ("--volumes", volumes), ("--volume-size", volumeSize),
        ] {
            if let value, value < 0 { throw ValidationError("\(name) cannot be negative") }
        }
        if volumeSize != nil, volumes == nil { throw ValidationError("--volume-size needs --volumes") }
        if let volumes, volumes > 0, volumeSize == nil { throw ValidationError("--volumes needs --volume-size") }
        try job.validate(jobs: nodes.isEmpty ? count ?? 1 : nodes.count)
    }

    func run() async throws {
        try await withLoop { world, loop in
            // What it warns about concerns the workers.
            let configuration = try await site.read(world).configuration
            let orders = try job.orders(
                .provision, nodes: nodes.isEmpty ? [String?](repeating: nil, count: count ?? 1) : nodes,
                entries(world), configuration, world)
            try await queue.submit(orders, configuration, world, loop)
        }
    }

    private func entries(_ world: World) -> [(String, Node)] {
        var entries: [(String, Node)] = []
        if let osType { entries.append(("os_type", .string(osType))) }
        if let osVersion { entries.append(("os_version", .string(osVersion))) }
        if lock { entries.append(("lock", .boolean(true))) }
        let machine = Self.integers([("ram", ram), ("disk", disk), ("cpus", cpus)])
        if !machine.isEmpty { entries.append(("machine", .map(machine))) }
        let volumes = Self.integers([("count", volumes), ("size", volumeSize)])
        if !volumes.isEmpty { entries.append(("volumes", .map(volumes))) }
        if let expire { entries.append(("expire", .string(expire.moment(world.time).description))) }
        return entries
    }

    private static func integers(_ values: [(String, Int?)]) -> [(String, Node)] {
        values.compactMap { name, value in value.map { (name, .integer($0)) } }
    }
}

/// A point of time, or how long until then.
struct Expiry: Sendable {
    private enum Form: Sendable {
        case after(Duration)
        case at(Timestamp)
    }

    private let form: Form

    init(_ text: String) throws {
        if let duration = DurationText.parse(text) {
            form = .after(duration)
        } else if let time = Timestamp(parsing: text) {
            form = .at(time)
        } else {
            throw ValidationError("neither a duration (2h) nor a time (2026-11-22T15:00:00Z)")
        }
    }

    /// In whole seconds, as nobody writes more.
    func moment(_ time: any TimeSource) -> Timestamp {
        switch form {
        case .at(let time): time
        case .after(let duration): Timestamp(seconds: (time.wallClock + duration).microseconds / 1_000_000)
        }
    }
}
