import HTTPKit
import Sandbox
import Testing
import World

/// Every request of the recording of the real nsupdate-web, in its order, against ours; each port of the recording was
/// a bridge with other settings or another trouble behind it.
@Suite struct NsupdateRecordingTests {
    /// Where ours answers otherwise, and why.
    static let intendedDifferences: [String: String] = [
        "HTTP/0.9": "a request line without a version is HTTPServer's 400",
        "garbage": "the same",
    ]

    @Test func answersAsRecorded() throws {
        var bridge = try bridge(port: "18100")
        var compared = 0
        var looked = 0
        for exchange in try Recording("nsupdate-web.txt").exchanges {
            for label in exchange.labels where label.hasPrefix("=== port ") {
                bridge = try self.bridge(port: String(label.dropFirst(9).prefix(5)), zone: bridge.zone)
            }
            if exchange.labels.contains(where: { $0.hasPrefix("someone else") }) {
                let name = try #require(DNSName("ovh001.front.lab.test"))
                bridge.zone.replace(name, with: [])
            }
            let label = exchange.labels.last ?? ""
            if let request = exchange.sent, Self.intendedDifferences[label] == nil {
                let what = Comment(rawValue: "\(label) > \(exchange.request.first ?? "")")
                try compare(bridge.handle(request, at: .recorded), with: exchange, what)
                compared += 1
            }
            for look in exchange.looks {
                try compare(look, bridge.zone)
                looked += 1
            }
        }
        #expect(compared > 70)
        #expect(looked > 35)
    }

    private func bridge(port: String, zone: DNSZone? = nil) throws -> NsupdateWeb {
        var settings = NsupdateWeb.Settings(domain: "front.lab.test", ttl: 300)
        var trouble: NsupdateWeb.Trouble?
        switch port {
        case "18100":
            settings.allowHosts = "ovh|target"
            settings.ttl = 60
        case "18101":
            settings.hostPasswords = ["test": "pwd123", "elder": "mogic", "colon": "a:b"]
            settings.ttl = 60
        case "18102": trouble = .wrongKey
        case "18103": trouble = .nameServerDown(at: "127.0.0.1#15399")
        case "18104": trouble = .timeout(applied: false)
        case "18106": trouble = .warning("some harmless warning")
        case "18107": trouble = .silentFailure
        case "18108": trouble = .zoneRefuses
        case "18109": trouble = .nameServerDown(at: "192.0.2.1#53")
        case "18110": trouble = .keyFileMissing
        case "18111": trouble = .programMissing
        default: break
        }
        var zone = try zone ?? #require(DNSZone(origin: "front.lab.test"))
        let fixed = try #require(DNSName("static1.front.lab.test"))
        let address = try #require(NetworkAddress(parsing: "192.0.2.10"))
        zone.replace(fixed, with: [.address(address, ttl: 300), .text("keep me?", ttl: 300)])
        var bridge = NsupdateWeb(zone: zone, settings: settings)
        bridge.trouble = trouble
        return bridge
    }

    private func compare(_ answer: ServerAnswer, with exchange: Recording.Exchange, _ what: Comment) throws {
        switch answer.form {
        case .closeDelimited(let response):
            #expect(response.status == exchange.status, what)
            #expect(response.comparable == exchange.headers, what)
            if exchange.sent?.method == .head { return }
            #expect(timeless(response.text) == timeless(exchange.body), what)
        case .raw(let bytes):
            // Two whole responses in a row, or none at all.
            let lines = String(decoding: bytes, as: UTF8.self).split(
                separator: "\r\n", omittingEmptySubsequences: false)
            let kept = lines.map(String.init).filter { !$0.hasPrefix("Date: ") }
            let recorded = exchange.answer.map { $0 == "= plain" ? "Server: BaseHTTP/0.6 Python/3.11.7" : $0 }
            let wanted = recorded.filter { !$0.hasPrefix("Date: ") }
            #expect(kept == (wanted.isEmpty ? [""] : wanted), what)
        case .response, .truncated, .reset, .stall:
            Issue.record("not an answer of nsupdate-web: \(answer)")
        }
        if answer.after > .zero { #expect(exchange.body == "timeout", what) }
    }

    /// `dig NAME TYPE -> STATUS ['NAME. TTL IN TYPE DATA', …]`, asked over the zone's own wire format too.
    private func compare(_ look: String, _ zone: DNSZone) throws {
        let match = try #require(try /dig (\S+) (\S+) -> (\S+) \[(.*)/.firstMatch(in: look))
        let name = try #require(DNSName(String(match.1)))
        let found = zone.records(name).filter { $0.type.name == match.2 }
        let texts = found.map { "\(name). \($0.ttl) IN \($0.type.name) \($0.text)" }
        let recorded = match.4.matches(of: /'([^']*)'/).map { String($0.1) }
        let wildcard = name.description == "anything.front.lab.test"
        if !wildcard, match.4.hasSuffix("]") { #expect(texts.sorted() == recorded.sorted(), Comment(rawValue: look)) }

        let type: UInt16 = ["A": 1, "TXT": 16, "AAAA": 28][String(match.2)] ?? 0
        let query = DNSQuery.bytes(name.description, type: type)
        let answer = try #require(zone.answer(query))
        #expect(answer[3] & 0x0F == (match.3 == "NXDOMAIN" ? 3 : 0), Comment(rawValue: look))
        // dig asks again over TCP when an answer is too long for a datagram.
        let truncated = answer[2] & 0x02 != 0
        #expect(truncated == (recorded.count > 27), Comment(rawValue: look))
        if !truncated { #expect(answer[7] == UInt8(recorded.count), Comment(rawValue: look)) }
    }

    /// BIND prints the time and a pointer with one of its messages.
    private func timeless(_ body: String) -> String {
        body.replacing(/^\S+ \S+ dns_rdata_fromtext: buffer-0x[0-9a-f]+/, with: "dns_rdata_fromtext")
    }
}

enum DNSQuery {
    static func bytes(_ name: String, type: UInt16, id: UInt16 = 0x1234) -> [UInt8] {
        var out: [UInt8] = [UInt8(id >> 8), UInt8(id & 0xFF), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.split(separator: ".") { out += [UInt8(label.utf8.count)] + Array(label.utf8) }
        return out + [0, UInt8(type >> 8), UInt8(type & 0xFF), 0, 1]
    }
}
