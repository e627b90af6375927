import HTTPKit
import Lab
import Resilience
import Testing
import World

/// nsupdate-web with its memory, a DNS zone, and what may go wrong between them.
private final class FakeLab: HTTPTransport, Datagrams {
    enum Fault: Sendable {
        /// 500 with this text; `written` says whether DNS was changed all the same.
        case error(String, written: Bool)
        /// `success` without effect: nsupdate exits 2 silently.
        case silentFailure
    }

    struct State {
        var zone: [UInt8]?
        var memory: String?
        var faults: [Fault] = []
        var updates: [String] = []
        var questions = 0
        /// How many questions are still answered from before the last change.
        var lag = 0
        var before: [UInt8]?
        var code: UInt8 = 0
        /// Whether answers are cut: until something is written, or always.
        var cut: Cut = .never
    }

    enum Cut { case never, untilWritten, always }

    let state: Locked<State>

    init(_ state: State) {
        self.state = Locked(state)
    }

    func execute(_ request: HTTPRequest) async throws -> HTTPResponse {
        let items = URLText.items(of: URLText.target(of: request.url).query)
        let text = items.first { $0.name == "ip" }?.value ?? ""
        let address = text.split(separator: ".").compactMap { UInt8($0) }
        return state.withLock { state in
            state.updates.append(text)
            if state.memory == text { return Answers.bare(200, "no-change") }
            let fault = state.faults.isEmpty ? nil : state.faults.removeFirst()
            switch fault {
            case .error(let message, let written):
                if written { state.zone = address }
                return Answers.bare(500, message)
            case .silentFailure:
                state.memory = text
            case nil:
                state.memory = text
                state.before = state.zone
                state.zone = address
                if state.cut == .untilWritten { state.cut = .never }
            }
            return Answers.bare(200, "success")
        }
    }

    func exchange(
        _ payload: [UInt8], with host: String, port: UInt16, timeout: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Bool
    ) async throws -> [UInt8] {
        state.withLock { state in
            state.questions += 1
            var zone = state.zone
            if state.lag > 0 {
                state.lag -= 1
                zone = state.before
            }
            if state.code != 0 { return DNSFixture.reply(to: payload, code: state.code) }
            guard let zone else { return DNSFixture.reply(to: payload, code: 3) }
            var reply = DNSFixture.reply(to: payload, records: [.init(type: 1, data: zone)])
            if state.cut != .never { reply[2] |= 0x02 }
            return reply
        }
    }

    var updates: [String] { state.withLock { $0.updates } }
}

@Suite struct NodeDNSTests {
    static let ours = IPAddress.v4(0xC000_0208)
    static let parking = IPAddress.v4(0xC000_0201)

    private func make(_ lab: FakeLab, asks: Bool = true) throws -> NodeDNS {
        let world = TestWorld(http: lab, datagrams: lab).world
        return NodeDNS(
            nsupdate: try NsupdateClient(url: "http://dns/update", gate: .open("nsupdate-web", world)),
            resolver: asks ? DNSResolver(server: .init(host: "127.0.0.1"), world: world) : nil,
            domain: "front.lab.test",
            parking: Self.parking, world: world)
    }

    private func push(_ lab: FakeLab, asks: Bool = true) async throws -> DNSPush {
        try await make(lab, asks: asks).push(try ShortName("ovh001"), to: Self.ours, for: Call())
    }

    @Test func writesAndAsks() async throws {
        let lab = FakeLab(.init())
        #expect(try await push(lab) == .verified)
        #expect(lab.updates == ["192.0.2.8"])
    }

    @Test func waitsWhileDNSStillSaysTheOldAddress() async throws {
        let lab = FakeLab(.init(zone: [192, 0, 2, 1], lag: 3))
        #expect(try await push(lab) == .verified)
        #expect(lab.updates == ["192.0.2.8"])
        #expect(lab.state.withLock { $0.questions } == 4)
    }

    @Test func aTrueNoChangeIsFine() async throws {
        let lab = FakeLab(.init(zone: [192, 0, 2, 8], memory: "192.0.2.8"))
        #expect(try await push(lab) == .verified)
        #expect(lab.updates == ["192.0.2.8"])
    }

    @Test func aLyingNoChangeIsCured() async throws {
        let lab = FakeLab(.init(zone: nil, memory: "192.0.2.8"))
        #expect(try await push(lab) == .cured)
        #expect(lab.updates == ["192.0.2.8", "192.0.2.1", "192.0.2.8"])
        #expect(lab.state.withLock { $0.zone } == [192, 0, 2, 8])
    }

    /// A name with so many addresses that the answer is cut, of which nsupdate-web knows nothing.
    @Test func aCutAnswerAfterNoChangeIsCured() async throws {
        let lab = FakeLab(.init(zone: [192, 0, 2, 9], memory: "192.0.2.8", cut: .untilWritten))
        #expect(try await push(lab) == .cured)
        #expect(lab.updates == ["192.0.2.8", "192.0.2.1", "192.0.2.8"])
    }

    /// As by a server that limits its answers.
    @Test func answersThatAreAlwaysCutAreNoReasonToWaitForEver() async throws {
        let lab = FakeLab(.init(cut: .always))
        #expect(try await push(lab) == .unverified("the answer of the DNS server was cut"))
        #expect(lab.updates == ["192.0.2.8", "192.0.2.1", "192.0.2.8"])
    }

    @Test func aSuccessWithoutEffectIsCured() async throws {
        let lab = FakeLab(.init(faults: [.silentFailure]))
        #expect(try await push(lab) == .cured)
    }

    @Test func whatCannotBeCuredIsTransient() async throws {
        let lab = FakeLab(.init(faults: [.silentFailure, .silentFailure, .silentFailure]))
        let error = await serviceError { _ = try await push(lab) }
        #expect(error?.kind == .transient)
        #expect(error?.message == "nsupdate-web reports success, but DNS says no such name instead of 192.0.2.8")
    }

    @Test func afterAnErrorDNSIsAskedFirst() async throws {
        let warned = FakeLab(.init(faults: [.error("some harmless warning", written: true)]))
        #expect(try await push(warned) == .verifiedDespite("some harmless warning"))
        #expect(warned.updates.count == 1)
        let late = FakeLab(.init(faults: [.error("timeout", written: false)]))
        let error = await serviceError { _ = try await push(late) }
        #expect(error?.kind == .transient)
        #expect(error?.message == "timeout")
        #expect(late.updates.count == 1)
    }

    @Test func errorsThatStandAreNotAskedAbout() async throws {
        let lab = FakeLab(.init(faults: [.error("update failed: REFUSED", written: true)]))
        #expect(await serviceError { _ = try await push(lab) }?.kind == .site)
        #expect(lab.state.withLock { $0.questions } == 0)
    }

    @Test func aDNSServerInTroubleIsTransientAndCuresNothing() async throws {
        let lab = FakeLab(.init(code: 2))
        let error = await serviceError { _ = try await push(lab) }
        #expect(error?.kind == .transient)
        #expect(error?.message == "nsupdate-web reports success, but DNS says server failure instead of 192.0.2.8")
        #expect(lab.updates == ["192.0.2.8"])
    }

    @Test func withoutADNSServerTheWordOfNsupdateWebCounts() async throws {
        let lab = FakeLab(.init(memory: "192.0.2.8"))
        #expect(try await push(lab, asks: false) == .unverified("no DNS server is configured to ask"))
        #expect(lab.updates == ["192.0.2.8"])
    }

    static let parkings: [([UInt8]?, [IPAddress]?, DNSParking, [String])] = [
        ([192, 0, 2, 8], [ours], .parked, ["192.0.2.1"]),
        ([192, 0, 2, 8], nil, .parked, ["192.0.2.1"]),
        ([192, 0, 2, 9], [ours], .elsewhere([.v4(0xC000_0209)]), []),
        ([192, 0, 2, 1], [ours], .alreadyParked, []),
        (nil, [ours], .absent, []),
    ]

    @Test(arguments: parkings)
    func parksOnlyWhatIsOurs(
        zone: [UInt8]?, ours: [IPAddress]?, expected: DNSParking, updates: [String]
    ) async throws {
        let lab = FakeLab(.init(zone: zone))
        #expect(try await make(lab).park(try ShortName("ovh001"), from: ours, for: Call()) == expected)
        #expect(lab.updates == updates)
    }

    /// A name is written again only where it points elsewhere.
    @Test(arguments: [
        (zone: "192.0.2.10", from: nil as [IPAddress]?, written: true), ("192.0.2.77", nil, false), (nil, nil, true),
        ("192.0.2.10", [.v4(0xC000_020A)], true), ("192.0.2.10", [.v4(0xC000_020B)], false), (nil, [], false),
        // Parked, perhaps late.
        ("192.0.2.1", [], true), ("192.0.2.1", [.v4(0xC000_020B)], true),
    ])
    func correctsOnlyWhatIsWrong(zone: String?, from: [IPAddress]?, written: Bool) async throws {
        func bytes(_ text: String) -> [UInt8] { text.split(separator: ".").compactMap { UInt8($0) } }
        let lab = FakeLab(.init(zone: zone.map(bytes)))
        let corrected = try await make(lab).correct(
            try ShortName("ovh001"), to: .v4(0xC000_024D), from: from, wasWritten: false, for: Call())
        #expect(corrected == written)
        #expect(lab.updates.count == (written ? 1 : 0))
    }

    /// Parallel pushes of one name leave nsupdate-web and DNS in agreement because they follow each other.
    @Test func pushesOfOneNameFollowEachOther() async throws {
        let lab = FakeLab(.init())
        let dns = try make(lab)
        let name = try ShortName("ovh001")
        let results = try await withThrowingTaskGroup(of: DNSPush.self) { group in
            for last in 2..<10 as Range<UInt32> {
                group.addTask { try await dns.push(name, to: .v4(0xC000_0200 + last), for: Call()) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results == Array(repeating: .verified, count: 8))
        #expect(lab.updates.count == 8)
    }
}
