import ArgumentParser
import Beanstalk
import Configuration
import EventLoop
import Logging
import Provisioning
import ServiceLifecycle
import Telemetry
import WorkerCore
import World

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Works on the queue until it is stopped.",
        discussion: """
            Any number of workers may run side by side, on any number of hosts. SIGTERM or SIGINT drains: no new job and \
            no new change is begun, what is in flight is awaited (drain_grace), every job goes back to the queue, and the \
            exit code is 0. A second signal ends it at once; the queue gives its jobs to others. SIGHUP is logged and ignored.

            Logs go to standard error.
            """)

    @OptionGroup var site: SiteOptions

    @Option(help: "Jobs to work on at once; stronger than the configuration's slots.")
    var slots: Int?

    @OptionGroup var log: LogOptions

    func validate() throws {
        if let slots, !(1...10_000).contains(slots) { throw ValidationError("--slots takes 1 to 10000") }
    }

    func run() async throws {
        try await withLoop { world, loop in
            var loaded = try await site.read(world)
            if let slots { try Self.set(slots, in: &loaded.configuration) }
            try await log.withLogger(loaded.configuration.log, time: world.time) { [loaded] logger in
                try await Self.work(loaded, WorkerLog(logger), world, loop)
            }
        }
    }

    private static func work(
        _ loaded: ConfigurationLoader.Loaded, _ log: WorkerLog, _ world: World, _ loop: EventLoop
    ) async throws {
        log.tell(loaded)
        log.tell(openFiles: OpenFiles.raiseLimit(), slots: loaded.configuration.slots)
        CoreDumps.forbid()
        let worker = try worker(loaded.configuration, world, log)
        let lookout = BrokerLookout(
            broker: Broker(loaded.configuration.broker, world: world), drain: worker.drain, log: log)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(
                        service: WorkerService(worker: worker, lookout: lookout),
                        successTerminationBehavior: .gracefullyShutdownGroup)
                ], logger: log.logger))
        // The group does not listen to signals by itself: it would start threads for that, and a second signal has
        // to do something else than the first.
        try await Interruption.twice(on: loop, hangUp: { log.toldToReload() }) {
            await group.triggerGracefulShutdown()
        } _: {
            try await group.run()
        }
    }

    private static func set(_ slots: Int, in configuration: inout SiteConfiguration) throws {
        configuration.slots = slots
        if let destroys = configuration.destroySlotsOverride, destroys > slots {
            throw Complaint("--slots \(slots): destroy_slots is \(destroys), and more than that", .configuration)
        }
    }

    private static func worker(_ configuration: SiteConfiguration, _ world: World, _ log: WorkerLog) throws -> Worker {
        Worker(
            settings: try WorkerSettings(configuration, release: Release.text),
            broker: Broker(configuration.broker, world: world) { log.tell(.broker($0)) },
            provisioner: Provisioner(site: try Site(configuration, world: world) { log.tell($0) }),
            sinks: [LogSink(logger: log.logger)], world: world, notice: { log.tell($0) })
    }
}

/// The worker as something that is run and gracefully shut down.
private struct WorkerService: Service, CustomStringConvertible {
    let worker: Worker
    let lookout: BrokerLookout

    /// What the service group's log calls it.
    var description: String { "worker" }

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await lookout.run() }
            await withGracefulShutdownHandler {
                await worker.run()
            } onGracefulShutdown: {
                worker.drain.raise(())
            }
            group.cancelAll()
        }
    }
}
