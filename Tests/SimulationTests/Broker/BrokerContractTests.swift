import EventLoop
import Glibc
import Simulation
import TestSupport
import Testing
import World

/// One script, two brokers, the same replies.
@Suite struct BrokerContractTests {
    @Test(arguments: BrokerScript.all)
    func simulatedAndRealAnswerAlike(script: BrokerScript) async throws {
        let simulated = try simulate(script)
        let real = try await withLiveWorld { world in
            try await withTemporaryFolder { folder in
                let options = Beanstalkd.Options(binlog: script.isPersistent ? folder : nil)
                return try await withBeanstalkd(options, in: world) { server in
                    try await BrokerScriptPlayer(
                        world: world, endpoint: server.endpoint, control: RealControl(server: server)
                    ).play(script)
                }
            }
        }
        #expect(simulated.count == real.count)
        for (simulated, real) in zip(simulated, real) { #expect(simulated == real) }
    }

    private func simulate(_ script: BrokerScript) throws -> [String] {
        let simulation = Simulation(seed: 1)
        var settings = BrokerSettings()
        settings.isPersistent = script.isPersistent
        let broker = simulation.broker(settings)
        // The fixture of the real one looks whether it listens, after each start.
        broker.ask([])
        // On a real machine no two commands come at one moment.
        simulation.network.setLink(to: broker.endpoint) { $0.latency = .microseconds(200) }
        return try simulation.run { world in
            try await BrokerScriptPlayer(
                world: world, endpoint: broker.endpoint, control: SimulatedControl(broker: broker)
            ).play(script)
        }
    }
}

private struct SimulatedControl: BrokerControl {
    let broker: SimulatedBroker

    func drain() { broker.drain() }

    func restart() {
        broker.restart()
        broker.ask([])
    }
}

private struct RealControl: BrokerControl {
    let server: Beanstalkd

    func drain() async { await server.signal(SIGUSR1) }

    func restart() async throws {
        try await server.stop()
        try await server.start()
    }
}
