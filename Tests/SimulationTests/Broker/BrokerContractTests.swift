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
        try await expectAlike(script)
    }

    /// What nobody thought of when writing scripts: every command in any order, by three clients, with restarts.
    @Test(arguments: Array(1...30) + [97, 268, 337] as [UInt64])
    func theyAnswerAlikeWhateverIsAsked(seed: UInt64) async throws {
        try await expectAlike(.random(seed: seed))
    }

    private func expectAlike(_ script: BrokerScript) async throws {
        let simulated = try simulate(script)
        let real = try await withLiveWorld { world in
            try await withTemporaryFolder { folder in
                let options = Beanstalkd.Options(
                    binlog: script.isPersistent ? folder : nil, maximumJobSize: script.maximumJobSize)
                return try await withBeanstalkd(options, in: world) { server in
                    try await BrokerScriptPlayer(
                        world: world, endpoint: server.endpoint, control: RealControl(server: server, folder: folder)
                    ).play(script)
                }
            }
        }
        #expect(simulated.count == real.count)
        for (index, pair) in zip(simulated, real).enumerated() where pair.0 != pair.1 {
            let before = real[max(0, index - 60)..<index].joined(separator: "\n")
            Issue.record("simulated: \(pair.0)\nreal: \(pair.1)\nafter:\n\(before)")
            // What follows differs for that reason.
            return
        }
    }

    private func simulate(_ script: BrokerScript) throws -> [String] {
        let simulation = Simulation(seed: 1)
        var settings = BrokerSettings()
        settings.isPersistent = script.isPersistent
        if let size = script.maximumJobSize { settings.maximumJobSize = size }
        let broker = simulation.broker(settings)
        // The fixture of the real one looks whether it answers, after each start.
        broker.ask(Array("list-tube-used\r\nquit\r\n".utf8))
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

    func restart(isPersistent: Bool?) throws {
        guard broker.restart(isPersistent: isPersistent) else { throw ScriptFailure(description: "not started") }
        broker.ask(Array("list-tube-used\r\nquit\r\n".utf8))
    }

    func tryRestart() -> Bool { broker.restart() }

    func setDisk(isFull: Bool) { broker.setDiskFull(isFull) }

    func last(_ bytes: [UInt8]) -> [UInt8] { Array(broker.ask(bytes).utf8) }
}

private struct RealControl: BrokerControl {
    let server: Beanstalkd
    let folder: String

    func drain() async { await server.signal(SIGUSR1) }

    func restart(isPersistent: Bool?) async throws {
        // To a client it is the same (facts E8).
        try await server.stop(isPersistent == false ? SIGTERM : SIGKILL)
        switch isPersistent {
        case nil: try await server.start()
        case true?: try await server.start(binlog: folder)
        case false?: try await server.start(binlog: nil)
        }
    }

    func tryRestart() async throws -> Bool {
        try await server.stop()
        do {
            try await server.start()
            return true
        } catch is EndedEarly {
            return false
        }
    }

    func setDisk(isFull: Bool) async throws {
        if isFull { try await server.fillDisk() } else { try await server.enlargeDisk() }
    }

    func last(_ bytes: [UInt8]) throws -> [UInt8] { try HalfClosingClient.ask(bytes, port: server.port) }
}
