import Configuration
import Sandbox
import Simulation
import World

/// One run of a scenario: jobs are put, things go wrong, the lab is put right, comes to rest, and is judged.
package enum Performance {
    /// How long troubles may last, and how long the lab may take to come to rest after they are over.
    private static let storm = Duration.seconds(240)
    private static let calm = Duration.seconds(4 * 3_600)

    /// - Parameter keepsTrace: also returns everything that happened, line by line.
    package static func run(_ scenario: Scenario, keepsTrace: Bool = false) -> Verdict {
        var verdict = Verdict()
        do {
            let bench = try Bench(
                seed: scenario.seed, order: scenario.order, keepsTrace: keepsTrace,
                sandbox: { settings in
                    settings.nodes = [.init(machineType: Bench.provider, count: 2)]
                    settings.timings = .brisk
                },
                site: { site in
                    // One job a worker: then each request can be told whose it is.
                    site.slots = 1
                    // Everything that ends by time ends soon.
                    site.retryFor = .seconds(90)
                    site.retryCap = .seconds(10)
                    site.capacityWait = .seconds(90)
                    site.capacityDelay = .seconds(10)
                    site.steps = .brisk
                })
            // Twice a job's time to run: the broker learns of a host without power by either. A kernel's own two hours
            // would show nothing more, and half of all work would be the other workers' waiting.
            var silence = SilenceLimits()
            silence.keepAlive = .seconds(600)
            bench.simulation.network.setSilenceLimits(silence)
            let scenery = Scenery(bench, scenario)
            let company = Company(bench, size: scenario.workers)
            let producer = Producer(bench)
            let stagehand = Stagehand(bench, company, producer, scenario.troubles)
            let watch = Watch(bench, stagehand, producer, scenery)
            bench.simulation.http.onRequest { exchange in
                watch.leaves(exchange)
                let delivery = stagehand.meet(exchange)
                watch.met(exchange, with: delivery)
                return delivery
            }
            bench.simulation.http.onAnswer { watch.answered($0, $1) }
            bench.broker.onBytes { watch.heard($0, $1) }
            company.startFirst()
            do {
                (verdict.violations, verdict.outcomes) = try bench.simulation.run { world in
                    try await Play(bench, scenario, company, producer, stagehand, world).perform()
                    return Judge(bench, scenery, producer, watch, stagehand).judge()
                }
            } catch {
                verdict.violations = watch.violations + ["guard: \(error)"]
            }
            verdict.traceHash = bench.simulation.trace.hash
            verdict.trace = bench.simulation.trace.lines
            verdict.requests = bench.simulation.http.requests
            verdict.effects = company.first.process.effects
            verdict.took = bench.simulation.time.now - bench.simulation.started
        } catch {
            verdict.violations.append("the bench cannot be set up: \(error)")
        }
        return verdict
    }

    private struct Play: Sendable {
        let bench: Bench
        let scenario: Scenario
        let company: Company
        let producer: Producer
        let stagehand: Stagehand
        let world: World

        init(
            _ bench: Bench, _ scenario: Scenario, _ company: Company, _ producer: Producer, _ stagehand: Stagehand,
            _ world: World
        ) {
            self.bench = bench
            self.scenario = scenario
            self.company = company
            self.producer = producer
            self.stagehand = stagehand
            self.world = world
        }

        func perform() async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await put() }
                try await rest(within: Performance.storm)
                stagehand.heal()
                try await group.waitForAll()
            }
            repeat {
                try await rest(within: Performance.calm)
                // What was on its way when the last job was settled arrives. Even then a broker may forget its jobs.
                try await world.time.sleep(for: .seconds(15))
            } while producer.hasLost
        }

        private func put() async throws {
            var random = SplitMix(seed: scenario.seed ^ 0xCA57)
            for (index, part) in scenario.cast.parts.enumerated() {
                if index == 1 { company.startOthers() }
                if index > 0 {
                    try await world.time.sleep(for: .milliseconds(Int64(random.next() % 40_000)))
                    // The dispatcher gives the node to whom the next job is for.
                    if part.node == .locked, part.owner != scenario.cast.parts[index - 1].owner {
                        bench.sandbox.withState { state in
                            Scenery.lock(Scenery.node, for: part.owner, "run/2", in: &state)
                        }
                    }
                }
                try await producer.put(part)
            }
            if scenario.cast.parts.count == 1 {
                try await world.time.sleep(for: .milliseconds(100))
                company.startOthers()
            }
        }

        /// Waits until every job is done or buried, or time is up. Meanwhile replaces dead workers, ends what was to
        /// last only a while, and puts again what was lost.
        private func rest(within limit: Duration) async throws {
            let began = world.time.now
            while producer.jobs.count < scenario.cast.parts.count || bench.openJobs > 0 || producer.hasLost {
                let passed = world.time.now - began
                if passed >= limit { return }
                // Seldom once it takes long: then nothing but time helps.
                try await world.time.sleep(for: passed < .seconds(30) ? .seconds(1) : .seconds(5))
                stagehand.look(at: world.time.now)
                company.look(at: world.time.now)
                producer.look()
            }
        }
    }
}
