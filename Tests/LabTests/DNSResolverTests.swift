import Lab
import Resilience
import Testing
import World

@Suite struct DNSResolverTests {
    typealias Server = @Sendable ([UInt8]) throws -> [UInt8]

    private func ask(
        _ servers: [Server], _ family: DNSResolver.Family = .v4
    ) async throws -> (answer: DNSAnswer, asked: Int) {
        let datagrams = ScriptedDatagrams(servers)
        let resolver = DNSResolver(
            server: .init(host: "127.0.0.1", port: 15353), world: TestWorld(datagrams: datagrams).world)
        let answer = try await resolver.addresses(of: "ovh001.front.lab.test", family)
        return (answer, datagrams.script.asked.count)
    }

    static let silence: Server = { _ in
        throw NetworkFailure(reason: .timeout, doing: "ask", detail: "no answer within 2s")
    }

    static let answers: [(Server, DNSAnswer)] = [
        ({ DNSFixture.reply(to: $0, records: [.a(192, 0, 2, 8)]) }, .addresses([.v4(0xC000_0208)])),
        ({ DNSFixture.reply(to: $0, code: 3) }, .noName),
        ({ DNSFixture.reply(to: $0) }, .noData),
        ({ DNSFixture.reply(to: $0, code: 2) }, .failed(code: 2)),
        ({ DNSFixture.reply(to: $0, code: 5) }, .failed(code: 5)),
        (
            { query in
                var reply = DNSFixture.reply(to: query, records: [.a(192, 0, 2, 8)])
                reply[2] |= 0x02
                return reply
            }, .incomplete([.v4(0xC000_0208)])
        ),
        // An address of the other family is no answer to this question.
        ({ DNSFixture.reply(to: $0, records: [.init(type: 28, data: Array(repeating: 1, count: 16))]) }, .noData),
    ]

    @Test(arguments: answers)
    func tellsAnswersApart(server: @escaping Server, expected: DNSAnswer) async throws {
        #expect(try await ask([server]).answer == expected)
    }

    @Test func asksForIPv6() async throws {
        let address: [UInt8] = [0x20, 1, 0xD, 0xB8] + Array(repeating: 0, count: 11) + [1]
        let (answer, _) = try await ask([{ DNSFixture.reply(to: $0, records: [.init(type: 28, data: address)]) }], .v6)
        #expect(answer.description == "2001:db8::1")
    }

    @Test func asksAgainAfterSilenceGarbageAndOtherPeoplesAnswers() async throws {
        let good: Server = { DNSFixture.reply(to: $0, records: [.a(192, 0, 2, 8)]) }
        #expect(try await ask([Self.silence, good]).asked == 2)
        #expect(try await ask([{ Array($0.prefix(12)) }, good]).asked == 2)
        #expect(
            try await ask([{ Array(DNSFixture.reply(to: $0, records: [.a(1, 2, 3, 4)]).dropLast()) }, good]).asked == 2)
        let otherID: Server = { query in
            var reply = DNSFixture.reply(to: query, records: [.a(6, 6, 6, 6)])
            reply[0] ^= 1
            return reply
        }
        #expect(try await ask([otherID, good]).answer == .addresses([.v4(0xC000_0208)]))
        let otherQuestion: Server = { query in
            DNSFixture.reply(
                to: "ovh002.front.lab.test", id: UInt16(query[0]) << 8 | UInt16(query[1]), records: [.a(6, 6, 6, 6)])
        }
        #expect(try await ask([otherQuestion, good]).answer == .addresses([.v4(0xC000_0208)]))
    }

    @Test func givesUpWithTheServersName() async throws {
        let error = await serviceError { _ = try await ask(Array(repeating: Self.silence, count: 3)) }
        #expect(error?.kind == .transient)
        #expect(
            error?.message
                == "127.0.0.1:15353 gave no answer about ovh001.front.lab.test: no answer within 2s")
    }
}
