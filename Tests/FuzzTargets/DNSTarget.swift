import Lab
import Resilience
import Simulation
import World

/// Datagrams that come back when a DNS server is asked. The id of the query is put in, as nothing gets further without.
enum DNSTarget {
    private static let name = "ovh001.front.lab.test"

    static func check(_ input: [UInt8]) throws {
        do {
            let message = try DNSMessage(parsing: input)
            try check(message, of: input)
        } catch let error as DNSMessage.Malformed {
            try requireOneLine(error.description)
        }
        let answer = try ask(replying: input)
        try requireOneLine(answer.description, atMost: 80_000)
        if case .addresses(let addresses) = answer {
            try require(!addresses.isEmpty && addresses.allSatisfy(\.isV4), "\(answer) to a question for IPv4")
        }
    }

    private static func check(_ message: DNSMessage, of input: [UInt8]) throws {
        // A record takes eleven bytes at the least, a question five.
        let least = 12 + message.questions.count * 5 + message.answers.count * 11
        try require(least <= input.count, "\(message.answers.count) answers in \(input.count) bytes")
        for name in message.questions.map(\.name) + message.answers.map(\.name) {
            try requireOneLine(name.description)
            for address in message.addresses(of: name) {
                try require(IPAddress(address.description) == address, "\(address) is another address")
            }
        }
    }

    private static func ask(replying input: [UInt8]) throws -> DNSAnswer {
        let simulation = Simulation(seed: 1)
        simulation.datagrams.handle { query, _, _ in
            .datagrams([Array(query.prefix(2)) + input.dropFirst(2)])
        }
        return try simulation.run { world in
            let resolver = DNSResolver(server: .init(host: "192.0.2.53"), attempts: 1, world: world)
            do {
                return try await resolver.addresses(of: name)
            } catch let error as ServiceError {
                try requireOneLine(error.description)
                return .noData
            }
        }
    }
}
