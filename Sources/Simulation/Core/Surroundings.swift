import World

/// What all processes of one simulation share: time, the trace, and the outside world that they see.
final class Surroundings: Sendable {
    let scheduler: Scheduler
    let start: Moment
    let trace: Trace
    let tasks: ServerTasks
    /// The lane of the servers and of everything that belongs to no process.
    let servers: DeterministicExecutor
    let http: SimulatedHTTP
    let network: SimulatedNetwork
    let datagrams: SimulatedDatagrams
    let children: SimulatedChildren
    let files: SimulatedFiles

    init(scheduler: Scheduler, keepsTrace: Bool, seed: UInt64) {
        self.scheduler = scheduler
        start = scheduler.now
        trace = Trace(scheduler: scheduler, keepsText: keepsTrace)
        servers = scheduler.addLane("servers")
        tasks = ServerTasks(executor: servers)
        http = SimulatedHTTP(scheduler: scheduler, lane: servers.lane, tasks: tasks, trace: trace, start: start)
        network = SimulatedNetwork(scheduler: scheduler, lane: servers.lane, tasks: tasks, trace: trace, seed: seed)
        datagrams = SimulatedDatagrams()
        children = SimulatedChildren()
        files = SimulatedFiles()
    }
}
