import HTTPKit
import Resilience
import Testing
import World

@testable import Lab

/// Requests and answers of facts/teuthology.md section 2.
@Suite struct NsupdateTests {
    private func client(
        _ answers: [@Sendable (HTTPRequest) throws -> HTTPResponse], url: String = "http://dns:18100/update",
        login: NsupdateLogin = .none
    ) throws -> (NsupdateClient, ScriptedHTTP) {
        let http = ScriptedHTTP(answers)
        let world = TestWorld(http: http).world
        return (try NsupdateClient(url: url, login: login, gate: .open("nsupdate-web", world)), http)
    }

    static let address = IPAddress.v4(0xC000_0208)

    @Test func sendsNameAndAddress() async throws {
        let (nsupdate, http) = try client([
            { _ in Answers.bare(200, "success") }, { _ in Answers.bare(200, "no-change\n") },
        ])
        let name = try ShortName("ovh001")
        #expect(try await nsupdate.set(name, to: Self.address, for: Call()) == .changed)
        #expect(try await nsupdate.set(name, to: .v6(high: 0x2001_0DB8_0000_0000, low: 1), for: Call()) == .noChange)
        #expect(
            http.script.asked.map(\.url) == [
                "http://dns:18100/update?name=ovh001&ip=192.0.2.8",
                "http://dns:18100/update?name=ovh001&ip=2001%3Adb8%3A%3A1",
            ])
        #expect(http.script.asked.allSatisfy { $0.method == .get && $0.headers["Authorization"] == nil })
    }

    @Test func keepsAQueryOfTheConfiguredURL() async throws {
        let (nsupdate, http) = try client([{ _ in Answers.bare(200, "success") }], url: "http://dns/update?zone=1")
        _ = try await nsupdate.set(try ShortName("a"), to: Self.address, for: Call())
        #expect(http.script.asked.map(\.url) == ["http://dns/update?zone=1&name=a&ip=192.0.2.8"])
    }

    @Test(arguments: [
        (NsupdateLogin.perHost(password: "pwd123"), "Basic dGVzdDpwd2QxMjM="),
        (.user("colon", password: "a:b"), "Basic Y29sb246YTpi"), (.user("a", password: ""), "Basic YTo="),
        (.user("a", password: "b"), "Basic YTpi"),
    ])
    func logsIn(login: NsupdateLogin, header: String) async throws {
        let (nsupdate, http) = try client([{ _ in Answers.bare(200, "success") }], login: login)
        _ = try await nsupdate.set(try ShortName("test"), to: Self.address, for: Call())
        #expect(http.script.asked.first?.headers["Authorization"] == header)
    }

    @Test(arguments: [200, 401, 500]) func anEchoShowsNeitherPasswordNorLogin(status: Int) async throws {
        let (nsupdate, _) = try client(
            [{ Answers.bare(status, "\($0.headers.fields) ovh:hush&12") }], login: .user("ovh", password: "hush&12"))
        let error = await serviceError {
            _ = try await nsupdate.set(try ShortName("test"), to: Self.address, for: Call())
        }
        #expect(error?.message.contains("(hidden)") == true)
        #expect(error?.message.contains("hush") == false)
        #expect(error?.message.contains(Base64.encode("ovh:hush&12".utf8)) == false)
    }

    /// Recorded: an address that is none is refused before anything is done, but after name and login were looked at.
    @Test(
        arguments: [
            (400, "broken address\n'none' does not appear to be an IPv4 or IPv6 address", nil),
            (400, "Must specify 'name'", .permanent), (401, "no auth", .site),
            (401, "no authHTTP/1.0 400 Bad Request\r\n\r\nbroken address", .site),
            (403, "test does not match the allow_hosts regex", .permanent),
        ] as [(Int, String, ErrorClass?)])
    func aRehearsalChangesNothing(status: Int, text: String, kind: ErrorClass?) async throws {
        let (nsupdate, http) = try client(
            [{ _ in Answers.bare(status, text) }], login: .perHost(password: "pwd123"))
        var refusal: ErrorClass?
        do { try await nsupdate.rehearse(try ShortName("test"), for: Call()) } catch {
            refusal = (error as? ServiceError)?.kind
        }
        #expect(refusal == kind)
        #expect(http.script.asked.map(\.url) == ["http://dns:18100/update?name=test&ip=none"])
        #expect(http.script.asked.first?.headers["Authorization"] == "Basic dGVzdDpwd2QxMjM=")
    }

    @Test func neverShowsAPassword() {
        for login in [NsupdateLogin.perHost(password: "hunter2"), .user("u", password: "hunter2")] {
            #expect(!"\(login) \(String(reflecting: login))".contains("hunter2"))
        }
    }

    @Test(arguments: [
        "", "-a", "a-", "OVH001", "a.b", "a.", "a b", "a;b", "a\nupdate delete b", "a_b", "*", "@", "é", "a\u{0}",
        String(repeating: "x", count: 64),
    ])
    func strangeNamesAreNeverSent(name: String) {
        let error = #expect(throws: ServiceError.self) { try ShortName(name) }
        #expect(error?.kind == .permanent)
    }

    static let verdicts: [(Int, String, ErrorClass, isOutage: Bool, String)] = [
        (
            400, "broken address\n'x' does not appear to be an IPv4 or IPv6 address", .permanent, false,
            "broken address 'x' does not appear to be an IPv4 or IPv6 address"
        ),
        (
            400, "Must specify 'name'HTTP/1.0 400 Bad Request\r\nServer: x\r\n\r\nno address", .permanent, false,
            "Must specify 'name'"
        ),
        (401, "no auth", .site, false, "no auth"),
        (
            403, "smithi001 does not match the allow_hosts regex", .permanent, false,
            "smithi001 does not match the allow_hosts regex"
        ),
        (302, "", .site, false, "redirected; nothing was written"),
        (404, "<html><title>Not Found</title>", .site, false, "an HTML page: Not Found"),
        (501, "<title>Error response</title>", .site, false, "an HTML page: Error response"),
        (500, "timeout", .transient, true, "timeout"),
        (
            500, "; Communication with 127.0.0.1#15399 failed: connection refused\n", .transient, true,
            "; Communication with 127.0.0.1#15399 failed: connection refused"
        ),
        (
            500, "; TSIG error with server: tsig indicates error\nupdate failed: NOTAUTH(BADSIG)\n", .site, false,
            "; TSIG error with server: tsig indicates error update failed: NOTAUTH(BADSIG)"
        ),
        (500, "update failed: REFUSED\n", .site, false, "update failed: REFUSED"),
        (
            500, "could not read key from /nonexistent.{private,key}: file not found\nupdate failed: REFUSED\n", .site,
            false, "could not read key from /nonexistent.{private,key}: file not found update failed: REFUSED"
        ),
        (
            500, "check-names failed: bad owner 'a_b.front.lab.test'\nsyntax error\n", .permanent, false,
            "check-names failed: bad owner 'a_b.front.lab.test' syntax error"
        ),
        (
            500, "invalid owner name: label too long\nsyntax error\n", .permanent, false,
            "invalid owner name: label too long syntax error"
        ),
        (500, "some harmless warning\n", .transient, false, "some harmless warning"),
        (503, "", .transient, true, "an empty answer"),
        (429, "later", .transient, false, "later"),
        (200, "", .ambiguous, false, "HTTP 200 with \"an empty answer\" instead of success or no-change"),
        (200, "succ", .ambiguous, false, "HTTP 200 with \"succ\" instead of success or no-change"),
    ]

    @Test(arguments: verdicts)
    func judges(status: Int, body: String, kind: ErrorClass, isOutage: Bool, text: String) throws {
        let verdict = try #require(NsupdateVerdicts.judge(Answers.bare(status, body)))
        #expect(verdict.kind == kind)
        #expect(verdict.isOutage == isOutage)
        #expect(verdict.message == text)
    }

    @Test func aClosedConnectionMayHaveHadItsEffect() async throws {
        let (nsupdate, _) = try client([
            { _ in
                throw HTTPFailure(
                    reason: .reset, request: "GET http://dns/update", detail: "empty reply", mayHaveArrived: true)
            }
        ])
        let error = await serviceError { _ = try await nsupdate.set(try ShortName("a"), to: Self.address, for: Call()) }
        #expect(error?.kind == .ambiguous)
        #expect(error?.request == "GET /update")
    }
}
