import ArgumentParser
import Configuration
import Jobs
import World
import YAMLKit

struct EnqueueDestroyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Takes virtual machines away.",
        discussion: """
            Only what was built for the job's owner and lock description is destroyed; what anybody else holds is left \
            alone, and the job ends as obsolete.
            """)

    @Argument(help: ArgumentHelp("Short or full names in the lab's domain.", valueName: "node"))
    var nodes: [String]

    @OptionGroup var site: SiteOptions
    @OptionGroup(title: "The job") var job: JobOptions

    @Flag(help: "Unlock the node in paddles afterwards.")
    var unlock = false

    @OptionGroup(title: "The queue") var queue: QueueOptions

    func validate() throws { try job.validate(jobs: nodes.count) }

    func run() async throws {
        try await withLoop { world, loop in
            let configuration = try await site.loadForQueue(world)
            let entries: [(String, Node)] = unlock ? [("unlock", .boolean(true))] : []
            let orders = try job.orders(.destroy, nodes: nodes, entries, configuration, world)
            try await queue.submit(orders, configuration, world, loop)
        }
    }
}
