import HTTPKit
import Sandbox
import Testing
import World

@Suite struct NsupdateWebTests {
    private func bridge(_ change: (inout NsupdateWeb.Settings) -> Void = { _ in }) throws -> NsupdateWeb {
        var settings = NsupdateWeb.Settings(domain: "front.lab.test")
        change(&settings)
        return NsupdateWeb(zone: try #require(DNSZone(origin: "front.lab.test")), settings: settings)
    }

    private func get(_ query: String) -> HTTPRequest { HTTPRequest(.get, "/update?\(query)") }

    /// The recorded injection: it must work here, so that a test can prove that we never send it.
    @Test func aNewlineInTheNameIsMoreScript() throws {
        var bridge = try bridge { $0.allowHosts = "ovh" }
        let fixed = try #require(DNSName("static1.front.lab.test"))
        bridge.zone.replace(fixed, with: [.text("keep me?", ttl: 300)])
        let name =
            "ovh031.front.lab.test.%0Aupdate%20delete%20static1.front.lab.test.%20TXT%0A"
            + "update%20add%20pwned.front.lab.test.%2060%20A%20203.0.113.66%0Asend%0Aquit%0A"
        let answer = bridge.handle(get("name=\(name)&ip=192.0.2.1"), at: .recorded)
        #expect(answer.response?.text == "success")
        #expect(bridge.zone.records(fixed).isEmpty)
        #expect(bridge.zone.addresses(of: "pwned.front.lab.test") == ["203.0.113.66"])
    }

    @Test func anAnchoredPatternStopsIt() throws {
        var bridge = try bridge { $0.allowHosts = "^ovh[0-9]{3}$" }
        #expect(bridge.handle(get("name=ovh001&ip=192.0.2.1"), at: .recorded).response?.status == 200)
        #expect(bridge.handle(get("name=ovh0011&ip=192.0.2.1"), at: .recorded).response?.status == 403)
        #expect(bridge.handle(get("name=ovh001%0Asend&ip=192.0.2.1"), at: .recorded).response?.status == 403)
        // Python's `$` matches before a last newline; nsupdate then chokes on the second half.
        #expect(bridge.handle(get("name=ovh001%0A&ip=192.0.2.1"), at: .recorded).response?.status == 500)
    }

    @Test func noChangeIsAboutItsOwnMemory() throws {
        var bridge = try bridge()
        let request = get("name=ovh001&ip=192.0.2.8")
        #expect(bridge.handle(request, at: .recorded).response?.text == "success")
        bridge.zone.replace(try #require(DNSName("ovh001.front.lab.test")), with: [])
        #expect(bridge.handle(request, at: .recorded).response?.text == "no-change")
        #expect(bridge.zone.addresses(of: "ovh001.front.lab.test").isEmpty)
        bridge.restart()
        #expect(bridge.handle(request, at: .recorded).response?.text == "success")
        #expect(bridge.zone.addresses(of: "ovh001.front.lab.test") == ["192.0.2.8"])
    }

    @Test(arguments: [true, false])
    func aTimeoutMayHaveBeenApplied(applied: Bool) throws {
        var bridge = try bridge()
        bridge.trouble = .timeout(applied: applied)
        bridge.troubledUpdates = 1
        let answer = bridge.handle(get("name=ovh001&ip=192.0.2.8"), at: .recorded)
        #expect(answer.response?.status == 500)
        #expect(answer.response?.text == "timeout")
        #expect(answer.after == .seconds(3))
        #expect(bridge.zone.addresses(of: "ovh001.front.lab.test") == (applied ? ["192.0.2.8"] : []))
        #expect(bridge.handle(get("name=ovh001&ip=192.0.2.8"), at: .recorded).response?.text == "success")
    }

    @Test(arguments: [
        ("1.2.3.4", "1.2.3.4"), ("::", "::"), ("2001:DB8::0001", "2001:db8::1"), ("::ffff:1.2.3.4", "::ffff:102:304"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("fe80::1%eth0", "fe80::1%eth0"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ])
    func readsAddresses(text: String, written: String) {
        #expect(NetworkAddress(parsing: text)?.description == written)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.+4", "1:2", ":::", "1::2::3", "12345::", "::1%",
        "1.2.3.4%eth0", "1:2:3:4:5:6:7:8:9", "::1.2.3", "g::",
    ])
    func refusesOtherAddresses(text: String) {
        #expect(NetworkAddress(parsing: text) == nil)
    }
}

@Suite struct DNSZoneTests {
    private func zone() throws -> DNSZone {
        var zone = try #require(DNSZone(origin: "front.lab.test"))
        let name = try #require(DNSName("ovh001.front.lab.test"))
        let address = try #require(NetworkAddress(parsing: "192.0.2.8"))
        zone.replace(name, with: [.address(address, ttl: 60)])
        return zone
    }

    @Test func answersAnAddress() throws {
        let query = DNSQuery.bytes("OVH001.front.lab.test", type: 1, id: 0xABCD)
        let answer = try #require(try zone().answer(query))
        // Id, then QR, AA and RD, NOERROR; one question, one answer.
        #expect(Array(answer[..<12]) == [0xAB, 0xCD, 0x85, 0, 0, 1, 0, 1, 0, 0, 0, 0])
        // The question comes back as it was written.
        #expect(Array(answer[12..<query.count]) == Array(query[12...]))
        #expect(Array(answer[query.count...]) == [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 8])
    }

    @Test(arguments: [
        ("ovh001.front.lab.test", UInt16(28), UInt8(0), UInt8(0), UInt8(1)),  // there, but no AAAA: SOA
        ("nosuch.front.lab.test", 1, 3, 0, 1),
        ("front.lab.test", 6, 0, 1, 0),
        ("example.org", 1, 5, 0, 0),
        ("ovh001.front.lab.test", 255, 0, 1, 0),
    ])
    func codesAndCounts(name: String, type: UInt16, code: UInt8, answers: UInt8, authority: UInt8) throws {
        let answer = try #require(try zone().answer(DNSQuery.bytes(name, type: type)))
        #expect(answer[3] & 15 == code)
        #expect(answer[7] == answers)
        #expect(answer[9] == authority)
    }

    @Test func aNameAboveAnotherExists() throws {
        var zone = try zone()
        zone.replace(try #require(DNSName("a.b.front.lab.test")), with: [.text("x", ttl: 60)])
        let answer = try #require(zone.answer(DNSQuery.bytes("b.front.lab.test", type: 1)))
        #expect(answer[3] & 15 == 0)
        #expect(answer[7] == 0)
    }

    @Test func troubles() throws {
        var zone = try zone()
        let query = DNSQuery.bytes("ovh001.front.lab.test", type: 1)
        zone.trouble = .silent
        #expect(zone.answer(query) == nil)
        zone.trouble = .servfail
        #expect(zone.answer(query)?[3] == 2)
        zone.trouble = .refused
        #expect(zone.answer(query)?[3] == 5)
        zone.trouble = .truncated
        #expect(zone.answer(query).map { $0[2] & 2 } == 2)
        #expect(zone.answer(query)?[7] == 0)
        zone.trouble = .garbage
        #expect(zone.answer(query)?.count == 4)
    }

    @Test func neverReadsPastAQuery() throws {
        let zone = try zone()
        let query = DNSQuery.bytes("ovh001.front.lab.test", type: 1)
        for length in 0..<query.count {
            let answer = zone.answer(Array(query[..<length]))
            if length < 12 { #expect(answer == nil) } else { #expect(answer?[3] == 1) }
        }
        #expect(zone.answer(Array(query[..<2]) + [0x81] + Array(query[3...])) == nil)
    }
}
