import World

/// The client's end of a connection: belongs to a process, and ends with it.
final class ProcessStream: ByteStream {
    private let connection: SimulatedConnection
    private let process: SimulatedProcess
    private let ending = Locked(UInt64?.none)

    init?(connection: SimulatedConnection, process: SimulatedProcess) {
        self.connection = connection
        self.process = process
        let id = process.atDeath { death in
            switch death {
            case .killed: connection.close(.client)
            case .powerLoss: connection.vanish(.client)
            }
        }
        guard let id else { return nil }
        ending.withLock { $0 = id }
    }

    func read() async throws -> [UInt8]? {
        try await process.gate.pass()
        try Task.checkCancellation()
        let bytes = try await connection.read(.client)
        try await process.gate.pass()
        return bytes
    }

    func write(_ bytes: [UInt8]) {
        let effect = process.announce(.write, "\(bytes.count) bytes to \(connection.endpoint)")
        process.gate.perform { [connection, process] in
            connection.write(bytes, from: .client)
            process.left(effect)
        }
    }

    var unsent: Int { connection.unsent(.client) }

    func drained() async throws {
        try await process.gate.pass()
        try Task.checkCancellation()
        try await connection.drained(.client)
    }

    func close() {
        process.gate.perform { [self] in
            connection.close(.client)
            let id = ending.withLock { ending in
                defer { ending = nil }
                return ending
            }
            if let id { process.forget(atDeath: id) }
        }
    }
}

/// The server's end: belongs to the simulation.
struct ServerStream: ByteStream {
    let connection: SimulatedConnection

    func read() async throws -> [UInt8]? {
        try Task.checkCancellation()
        return try await connection.read(.server)
    }

    func write(_ bytes: [UInt8]) { connection.write(bytes, from: .server) }

    var unsent: Int { connection.unsent(.server) }

    func drained() async throws {
        try Task.checkCancellation()
        try await connection.drained(.server)
    }

    func close() { connection.close(.server) }
}
