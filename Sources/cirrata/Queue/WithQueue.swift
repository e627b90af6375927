import Beanstalk
import Configuration
import EventLoop
import World

/// Runs `body` with the site's broker; a signal cancels it.
/// - Throws: `InvalidConfiguration`; what `body` throws; `Interrupted`.
func withQueue<Result: Sendable>(
    _ site: SiteOptions, _ body: @escaping @Sendable (Broker, SiteConfiguration, World) async throws -> Result
) async throws -> Result {
    try await withLoop { world, loop in
        let configuration = try await site.loadForQueue(world)
        let broker = Broker(configuration.broker, world: world)
        return try await Interruption.once(on: loop) { try await body(broker, configuration, world) }
    }
}
