import ArgumentParser
import Beanstalk
import Configuration
import EventLoop
import WorkerCore
import World

struct FailedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failed", abstract: "Shows what failed, why, and what is left of it; sends it back.",
        discussion: """
            Jobs that cannot go on are buried in beanstalkd, each beside a report. Reading the reports reserves all of them \
            for a moment, because beanstalkd has no other way to list them; that shows in their own counters and nowhere \
            else. The failed jobs themselves are only looked at.
            """,
        subcommands: [
            FailedListCommand.self, FailedGroupsCommand.self, FailedShowCommand.self, FailedRetryCommand.self,
            FailedDiscardCommand.self, FailedUndoCommand.self, FailedEditCommand.self,
        ], defaultSubcommand: FailedListCommand.self)

    /// - Throws: `Interrupted` when a signal ended it.
    static func read<Result: Sendable>(
        _ site: SiteOptions, _ body: @escaping @Sendable (ReportReader, World) async throws -> Result
    ) async throws -> Result {
        try await withLoop { world, loop in
            let configuration = try await site.loadForQueue(world)
            let broker = Broker(configuration.broker, world: world)
            let reader = try ReportReader(broker: broker, tubes: configuration.tubes, world: world)
            return try await Interruption.once(on: loop) { try await body(reader, world) }
        }
    }
}
