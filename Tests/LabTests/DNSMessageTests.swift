import Testing

@testable import Lab

@Suite struct DNSMessageTests {
    static let name = "ovh001.front.lab.test"

    @Test func writesAQuery() throws {
        let query = DNSMessage.query(id: 0xABCD, name: try #require(DNSName("OVH001.lab.")), type: .aaaa)
        #expect(
            query == [0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 6] + Array("ovh001".utf8) + [3] + Array("lab".utf8)
                + [0, 0, 28, 0, 1])
    }

    @Test(arguments: ["", ".", "a..b", String(repeating: "x", count: 64), String(repeating: "abcdefg.", count: 32)])
    func refusesBadNames(text: String) {
        #expect(DNSName(text) == nil)
    }

    @Test func readsAnAnswerWithCompression() throws {
        let bytes = DNSFixture.reply(to: Self.name, records: [.a(192, 0, 2, 8), .a(192, 0, 2, 9)])
        let message = try DNSMessage(parsing: bytes)
        #expect(message.isResponse && !message.isTruncated && message.responseCode == 0)
        #expect(message.questions.map(\.name.description) == [Self.name])
        let found = message.addresses(of: try #require(DNSName("OVH001.front.LAB.test")))
        #expect(found.map(\.description) == ["192.0.2.8", "192.0.2.9"])
        #expect(message.answers.map(\.lifetime) == [60, 60])
    }

    @Test func followsAliasesAndSurvivesTheirLoops() throws {
        let end = DNSFixture.encoded("x.lab")
        let chain = DNSFixture.reply(
            to: Self.name,
            records: [.init(type: 5, data: end), .init(owner: end, type: 1, data: [192, 0, 2, 1])])
        let name = try #require(DNSName(Self.name))
        #expect(try DNSMessage(parsing: chain).addresses(of: name).map(\.description) == ["192.0.2.1"])
        let loop = DNSFixture.reply(
            to: Self.name,
            records: [.init(type: 5, data: end), .init(owner: end, type: 5, data: [0xC0, 12])])
        #expect(try DNSMessage(parsing: loop).addresses(of: name).isEmpty)
    }

    @Test func recordsOfOtherNamesAreNotOurs() throws {
        let bytes = DNSFixture.reply(
            to: Self.name, records: [.init(owner: DNSFixture.encoded("other.lab"), type: 1, data: [1, 2, 3, 4])])
        #expect(try DNSMessage(parsing: bytes).addresses(of: try #require(DNSName(Self.name))).isEmpty)
    }

    /// A message cut anywhere is an error, never a crash and never half an answer.
    @Test func everyCutIsAnError() throws {
        let whole = DNSFixture.reply(to: Self.name, records: [.a(192, 0, 2, 8), .init(type: 5, data: [1, 97, 0])])
        for length in 0..<whole.count {
            #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(parsing: Array(whole.prefix(length))) }
        }
        _ = try DNSMessage(parsing: whole)
    }

    /// With TC set the records before the cut count.
    @Test func aTruncatedMessageKeepsWholeRecords() throws {
        var bytes = DNSFixture.reply(to: Self.name, records: [.a(192, 0, 2, 8), .a(192, 0, 2, 9)])
        bytes[2] |= 0x02
        let message = try DNSMessage(parsing: bytes.dropLast(3))
        #expect(message.isTruncated)
        #expect(message.answers.count == 1)
    }

    @Test(
        arguments: [
            [0xC0, 0x21],  // to itself
            [0xC0, 0x30],  // forward
            [1, 0x61, 0xC0, 0x21],  // into the name that it ends
            [0x40, 0x61], [0x80, 0x61],  // unknown kinds of labels
            [63, 0x61],  // beyond the end
        ] as [[UInt8]])
    func hostileNamesAreErrors(owner: [UInt8]) {
        // The question's name takes 12..<0x21 - 4, so that the owner of the answer stands at 0x21.
        let bytes = DNSFixture.reply(
            to: "ovh001.lab.test.", records: [.init(owner: owner, type: 1, data: [1, 2, 3, 4])])
        #expect(bytes.count > 0x21 && Array(bytes[0x21..<0x21 + owner.count]) == owner)
        #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(parsing: bytes) }
    }

    @Test(
        arguments: [(1, [1, 2, 3]), (1, [1, 2, 3, 4, 5]), (28, [1, 2, 3, 4]), (5, [1, 97, 0, 9])] as [(UInt16, [UInt8])]
    )
    func recordsOfAnImpossibleLengthAreErrors(type: UInt16, data: [UInt8]) {
        let bytes = DNSFixture.reply(to: Self.name, records: [.init(type: type, data: data)])
        #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(parsing: bytes) }
    }

    /// Each name ends in a pointer to the one before: names grow until they are too long.
    @Test func aStaircaseOfPointersEnds() throws {
        func stairs(_ count: UInt8) -> [UInt8] {
            var bytes: [UInt8] = [0, 1, 0x81, 0x80, 0, count, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]
            var last = 12
            for _ in 1..<count {
                let next = bytes.count
                bytes += [1, 98, 0xC0 | UInt8(last >> 8), UInt8(last & 255), 0, 1, 0, 1]
                last = next
            }
            return bytes
        }
        #expect(try DNSMessage(parsing: stairs(127)).questions.last?.name.labels.count == 127)
        #expect(throws: DNSMessage.Malformed.self) { try DNSMessage(parsing: stairs(128)) }
    }

    /// Random damage to a whole message: an error or an answer, never a trap.
    @Test func damageNeverTraps() {
        let whole = DNSFixture.reply(to: Self.name, records: [.a(192, 0, 2, 8), .init(type: 5, data: [0xC0, 12])])
        let random = CountingRandom()
        var readable = 0
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int(random.next() >> 33) % bytes.count] = UInt8(truncatingIfNeeded: random.next() >> 40)
            }
            if let message = try? DNSMessage(parsing: bytes) {
                readable += 1
                for question in message.questions { _ = message.addresses(of: question.name) }
            }
        }
        #expect(readable > 0)
    }
}
