import HTTPKit
package import World

/// A whole small world in one value: processes, servers and networks on the calling thread, with time that jumps.
///
///     let simulation = Simulation(seed: 7, order: .shuffled)
///     let value = try simulation.run { world in try await work(in: world) }
///
/// The same seed gives the same order, the same random numbers and the same `trace`, every time and in every process
/// (as long as nothing observable walks a Dictionary or Set). Several simulations may run at once, each on its thread.
package final class Simulation: Sendable {
    package enum Order: Sendable, Hashable {
        /// Jobs run in the order in which they became ready.
        case fifo
        /// The seed picks the next of the ready jobs, and the order of timers that are due at one moment.
        case shuffled
    }

    package struct Limits: Sendable {
        /// Jobs without time moving, before it is called a spin.
        package var jobsPerInstant: Int
        /// Virtual time that one run may take.
        package var virtualTime: Duration

        package init(jobsPerInstant: Int = 1_000_000, virtualTime: Duration = .seconds(30 * 86_400)) {
            self.jobsPerInstant = jobsPerInstant
            self.virtualTime = virtualTime
        }
    }

    package let seed: UInt64
    private let scheduler: Scheduler
    let surroundings: Surroundings
    private let main: SimulatedProcess
    private let processes = Locked([SimulatedProcess]())
    let brokers = Locked([SimulatedBroker]())
    private let hasRun = Locked(false)

    package init(seed: UInt64, order: Order = .fifo, limits: Limits = Limits(), keepsTrace: Bool = false) {
        self.seed = seed
        scheduler = Scheduler(
            seed: seed ^ 0x5C4E_D01E, shuffles: order == .shuffled,
            limits: Scheduler.Limits(jobsPerInstant: limits.jobsPerInstant, virtualTime: limits.virtualTime))
        surroundings = Surroundings(scheduler: scheduler, keepsTrace: keepsTrace, seed: seed ^ 0x4E37)
        main = SimulatedProcess(
            name: "main", host: HostIdentity(name: "simulation", process: 1, environment: [:]), seed: seed,
            surroundings: surroundings)
    }

    /// The world of the body that `run` starts.
    package var world: World { main.world }
    package var time: VirtualTime { main.time }
    /// When time began.
    package var started: Moment { surroundings.scheduler.start }
    package var trace: Trace { surroundings.trace }
    package var http: SimulatedHTTP { surroundings.http }
    package var network: SimulatedNetwork { surroundings.network }
    package var datagrams: SimulatedDatagrams { surroundings.datagrams }
    package var children: SimulatedChildren { surroundings.children }
    package var files: SimulatedFiles { surroundings.files }
    /// Jobs run so far, of all processes: equal in two runs of one seed.
    package var jobs: Int { scheduler.jobs }

    /// A process with a world of its own, not started yet.
    /// - Parameter host: its identity; by default named like the process.
    package func process(_ name: String, host: HostIdentity? = nil) -> SimulatedProcess {
        let index = processes.withLock { $0.count } + 2
        let process = SimulatedProcess(
            name: name,
            host: host ?? HostIdentity(name: name, process: Int32(truncatingIfNeeded: index), environment: [:]),
            seed: seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15, surroundings: surroundings)
        processes.withLock { $0.append(process) }
        return process
    }

    /// Runs `body` on this thread until it ends, time jumping whenever nothing is ready; then ends every process and
    /// server that is left. Called once.
    /// - Returns: what the body returned.
    /// - Throws: what the body threw; `SimulationError` when the simulation cannot go on.
    package func run<Value: Sendable>(
        _ body: @escaping @Sendable (World) async throws -> Value
    ) throws -> Value {
        let isFirst = hasRun.withLock { hasRun in
            defer { hasRun = true }
            return !hasRun
        }
        guard isFirst else { throw SimulationError.alreadyRun }
        scheduler.adoptThread()
        defer { takeDown() }
        let outcome = Locked(Result<Value, any Error>?.none)
        // Asked before every job: a question that is not generic is a small part of the cost of one that is.
        let isOver = Locked(false)
        main.start { world in
            do {
                let value = try await body(world)
                outcome.withLock { $0 = .success(value) }
            } catch {
                outcome.withLock { $0 = .failure(error) }
            }
            isOver.withLock { $0 = true }
        }
        try scheduler.drive { isOver.withLock { $0 } }
        guard let result = outcome.withLock({ $0 }) else { throw CancellationError() }
        return try result.get()
    }

    /// Gives back the memory of everything that is still suspended: cancels it and runs it to its end, in a world in
    /// which every seam fails, without time moving and without a trace. Code that does not end within this many jobs
    /// is left as it is, and leaks.
    private func takeDown() {
        trace.close()
        let all = processes.withLock { processes in
            defer { processes = [] }
            return processes
        }
        let brokers = brokers.withLock { brokers in
            defer { brokers = [] }
            return brokers
        }
        for broker in brokers { broker.shutDown() }
        surroundings.http.shutDown()
        surroundings.network.shutDown()
        surroundings.datagrams.shutDown()
        surroundings.children.shutDown()
        surroundings.files.shutDown()
        surroundings.tasks.cancelAll()
        for process in all + [main] { process.reap() }
        scheduler.settle(limit: 100_000)
        scheduler.forgetTimers()
    }
}
