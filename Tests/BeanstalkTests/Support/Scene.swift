import Beanstalk
import Simulation
import World

let somewhere = Endpoint.tcp(host: "broker", port: 11_300)

/// Runs a connection under virtual time against a broker that `script` plays; both must come to their end. Once in the
/// order in which jobs become ready, and then in some others.
/// - Returns: what came of the first.
@discardableResult
func play<Value: Sendable>(
    broker script: @escaping @Sendable (ScriptedBroker, any TimeSource) async throws -> Void,
    _ body: @escaping @Sendable (Connection, World) async throws -> Value
) throws -> Value {
    let value = try play(Simulation(seed: 0), script, body)
    for seed: UInt64 in 1...20 { _ = try play(Simulation(seed: seed, order: .shuffled), script, body) }
    return value
}

private func play<Value: Sendable>(
    _ simulation: Simulation, _ script: @escaping @Sendable (ScriptedBroker, any TimeSource) async throws -> Void,
    _ body: @escaping @Sendable (Connection, World) async throws -> Value
) throws -> Value {
    try simulation.run { world in
        let broker = ScriptedBroker()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await script(broker, world.time) }
            let value = try await Connection.with(broker, to: somewhere, time: world.time) {
                try await body($0, world)
            }
            try await group.waitForAll()
            return value
        }
    }
}

/// A job reserved and accepted by this connection: the script has to answer `acceptance` first.
extension Connection {
    func acceptedJob(_ id: UInt64 = 7) async throws -> SettleToken {
        guard case .job(let job) = try await reserve(timeout: .zero), let token = try await accept(job) else {
            throw ScriptedBroker.Unexpected(description: "job \(id) was not reserved")
        }
        return token
    }
}

extension ScriptedBroker {
    func hand(out id: UInt64 = 7, ttr: Int = 60) async throws {
        try await expect("reserve-with-timeout 0", say: "RESERVED \(id) 4|body|")
        try await expect("touch \(id)", say: "TOUCHED|")
        try await expect("stats-job \(id)", say: statsJob(id, ttr: ttr))
    }
}
