import HTTPKit
import Resilience
import Testing
import World

@testable import Lab

/// Requests and answers of facts/teuthology.md section 1.
@Suite struct PaddlesTests {
    private func client(
        _ answers: [@Sendable (HTTPRequest) throws -> HTTPResponse], base: String = "http://paddles:8080"
    ) throws -> (PaddlesClient, ScriptedHTTP) {
        let http = ScriptedHTTP(answers)
        let world = TestWorld(http: http).world
        return (try PaddlesClient(baseURL: base, gate: .open("paddles", world), world: world), http)
    }

    @Test(arguments: [
        ("http://paddles:8080", "http://paddles:8080/nodes/a.lab/"),
        ("http://paddles:8080/", "http://paddles:8080/nodes/a.lab/"),
        ("https://lab.test/paddles//", "https://lab.test/paddles/nodes/a.lab/"),
    ])
    func everyPathEndsInASlash(base: String, url: String) async throws {
        let (paddles, http) = try client([{ _ in Answers.message(404, "node not found") }], base: base)
        #expect(try await paddles.node("a.lab", for: Call()) == nil)
        #expect(http.script.asked.map(\.url) == [url])
    }

    @Test(arguments: ["", "paddles:8080", "ftp://paddles/", "http://", "http://pad dles/", "http://h/#x"])
    func refusesWhatIsNoAddress(base: String) throws {
        let error = #expect(throws: ServiceError.self) { try client([], base: base) }
        #expect(error?.kind == .site)
        #expect(error?.next == "correct lock_server in the configuration")
    }

    @Test func readsARecord() async throws {
        let host = Answers.node("smithi001.front.lab.test", type: "smithi")
        let body = Answers.node(up: "null", locked: true, since: #""2026-11-22 15:22:56.288681""#, by: #""me@host""#)
            .replacing(#""vm_host": null"#, with: #""vm_host": \#(host)"#)
        let (paddles, _) = try client([{ _ in Answers.json(200, body) }])
        let node = try #require(try await paddles.node("ovh001.front.lab.test", for: Call()))
        #expect(
            node
                == NodeRecord(
                    name: "ovh001.front.lab.test", machineType: "ovh", isVM: true,
                    locked: true,
                    lockedSince: Timestamp(parsing: "2026-11-22T15:22:56.288681Z"), lockedBy: "me@host"))
    }

    @Test func readsAMomentWithoutAFraction() async throws {
        let (paddles, _) = try client([
            { _ in Answers.json(200, Answers.node(locked: true, since: #""2026-01-01 00:00:00""#)) }
        ])
        let node = try await paddles.node("ovh001.front.lab.test", for: Call())
        #expect(node?.lockedSince == Timestamp(parsing: "2026-01-01T00:00:00Z"))
    }

    @Test(arguments: [#"{"name": "x"}"#, "[]", "<html></html>", "", #"{"name": "x", "locked": "yes"}"#])
    func aRecordThatIsNoneIsAnError(body: String) async throws {
        let (paddles, _) = try client([{ _ in Answers.json(200, body) }])
        let error = await serviceError { _ = try await paddles.node("n", for: Call()) }
        #expect(error?.kind == .transient)
    }

    @Test func listsAndFiltersAgain() async throws {
        let body = [
            Answers.node("a"), Answers.node("b", type: "smithi"), Answers.node("c", up: "null"),
            Answers.node("d", locked: true),
        ].joined(separator: ",")
        let (paddles, http) = try client([{ _ in Answers.json(200, "[\(body)]") }])
        let found = try await paddles.nodes(machineType: "ovh", locked: false, up: true, for: Call())
        #expect(found.map(\.name) == ["a"])
        #expect(http.script.asked.map(\.url) == ["http://paddles:8080/nodes/?machine_type=ovh&locked=0&up=1"])
    }

    /// What nothing rests on is not read strictly, and one odd node does not hide the others.
    @Test func oneOddNodeDoesNotSpoilTheList() async throws {
        let odd = Answers.node("odd").replacing(#""locked": false"#, with: #""locked": "no""#)
        let unneeded = Answers.node("b", since: "7").replacing(#""vm_host": null"#, with: #""vm_host": "x""#)
            .replacing(#""arch": null"#, with: #""arch": 64"#)
        let list = "[\(Answers.node("a")),null,\(odd),\(unneeded)]"
        let other = "[\(Answers.node("a")),\(odd.replacing(#""ovh""#, with: #""smithi""#))]"
        let (paddles, _) = try client([
            { _ in Answers.json(200, list) }, { _ in Answers.json(200, list) }, { _ in Answers.json(200, other) },
        ])
        #expect(try await paddles.nodes(machineType: "ovh", for: Call()).map(\.name) == ["a", "b"])
        // Where absence proves something, the odd one is named.
        let error = await serviceError {
            _ = try await paddles.nodes(machineType: "ovh", complete: true, for: Call())
        }
        #expect(error?.kind == .site && error?.message.contains("unexpected value at 1") == true)
        #expect(try await paddles.nodes(machineType: "ovh", complete: true, for: Call()).map(\.name) == ["a"])
    }

    @Test func anAnswerAboutAnotherNodeIsNoAnswer() async throws {
        let lock = #"{"name": "other", "locked": true, "locked_by": "me@host", "machine_type": "ovh", "is_vm": true}"#
        let (paddles, _) = try client([
            { _ in Answers.json(200, Answers.node("other")) }, { _ in Answers.json(200, lock) },
        ])
        let looked = await serviceError { _ = try await paddles.node("n", for: Call()) }
        #expect(looked?.kind == .transient && looked?.message == "the answer is about node other and not about n")
        let locked = await serviceError {
            _ = try await paddles.lock("n", owner: "me@host", description: "d", for: Call())
        }
        #expect(locked?.kind == .ambiguous)
    }

    @Test func writesOnlyWhatWasSet() async throws {
        var changes = NodeChanges()
        changes.osType = .set("ubuntu")
        changes.macAddress = .clear
        changes.up = .set(true)
        let (paddles, http) = try client([{ _ in Answers.json(200, "{}") }])
        try await paddles.update("a.lab", changes, for: Call())
        try await paddles.update("a.lab", NodeChanges(), for: Call())
        let request = try #require(http.script.asked.first)
        #expect(http.script.asked.count == 1)
        #expect(request.method == .put)
        #expect(request.url == "http://paddles:8080/nodes/a.lab/")
        #expect(String(decoding: request.body, as: UTF8.self) == #"{"mac_address":null,"os_type":"ubuntu","up":true}"#)
    }

    @Test func anUpdateThatWasAnsweredLikeAReadIsNoSuccess() async throws {
        let (paddles, _) = try client([{ _ in Answers.json(200, Answers.node()) }])
        var changes = NodeChanges()
        changes.arch = .set("x86_64")
        let error = await serviceError { try await paddles.update("a", changes, for: Call()) }
        #expect(error?.kind == .ambiguous)
    }

    @Test(arguments: [
        (PaddlesText.name, 256), (.machineType, 32), (.arch, 16), (.osType, 32), (.osVersion, 16), (.lockedBy, 64),
        (.macAddress, 17),
    ])
    func textThatDoesNotFitIsNeverSent(column: PaddlesText, limit: Int) throws {
        #expect(try column.checked(String(repeating: "é", count: limit), for: "test").count == limit)
        let error = #expect(throws: ServiceError.self) {
            try column.checked(String(repeating: "x", count: limit + 1), for: "test")
        }
        #expect(error?.kind == .permanent)
        #expect(throws: ServiceError.self) { try column.checked("a\u{0}", for: "test") }
    }

    @Test(arguments: ["", "a/b", "a b", "a;b", "a%2Fb", "..", "é", String(repeating: "x", count: 257)])
    func strangeNamesAreNeverSent(name: String) async throws {
        let (paddles, http) = try client([])
        let error = await serviceError { _ = try await paddles.node(name, for: Call()) }
        #expect(error?.kind == .permanent)
        #expect(http.script.asked.isEmpty)
    }

    static let lockRefusals: [(String, LockRefusal)] = [
        ("Cannot lock an already-locked node", .alreadyLocked),
        ("Cannot unlock an already-unlocked node", .alreadyUnlocked),
        ("Cannot unlock - locked_by values must match", .otherOwner),
        ("Cannot unlock - description values must match", .otherDescription),
    ]

    @Test(arguments: lockRefusals)
    func refusedLocksAreAnswers(text: String, refusal: LockRefusal) async throws {
        let (paddles, _) = try client(Array(repeating: { _ in Answers.message(403, text) }, count: 2))
        #expect(
            try await paddles.lock("n", owner: "me@host", description: "run/1", for: Call()) == .refused(refusal))
        #expect(try await paddles.unlock("n", owner: "me@host", for: Call()) == .refused(refusal))
    }

    @Test func locksAndUnlocks() async throws {
        let five = { @Sendable (locked: Bool, by: String) in
            Answers.json(
                200,
                #"{"name": "n", "locked": \#(locked), "locked_by": \#(by), "machine_type": "ovh", "is_vm": true}"#)
        }
        let (paddles, http) = try client([
            { _ in five(true, #""me@host""#) }, { _ in five(false, "null") }, { _ in five(true, #""other@host""#) },
        ])
        #expect(try await paddles.lock("n", owner: "me@host", description: "run/1", for: Call()) == .locked)
        #expect(try await paddles.unlock("n", owner: "me@host", description: "", for: Call()) == .unlocked)
        let stolen = await serviceError {
            _ = try await paddles.lock("n", owner: "me@host", description: "run/1", for: Call())
        }
        #expect(stolen?.kind == .ambiguous)
        #expect(http.script.asked.map(\.url).allSatisfy { $0 == "http://paddles:8080/nodes/n/lock/" })
        #expect(
            http.script.asked.prefix(2).map { String(decoding: $0.body, as: UTF8.self) } == [
                #"{"description":"run/1","locked":true,"locked_by":"me@host"}"#,
                #"{"description":"","locked":false,"locked_by":"me@host"}"#,
            ])
    }

    @Test func locksAnyFreeNodes() async throws {
        let (paddles, http) = try client([
            { _ in Answers.json(200, "[\(Answers.node(locked: true, by: #""me""#))]") },
            { _ in Answers.message(503, "only 3 nodes available") },
            { _ in Answers.message(503, "encountered a DB error") },
            { _ in Answers.message(403, "Cannot lock an already-locked node") },
            { _ in Answers.json(200, "[]") },
            { _ in Answers.json(200, "[\(Answers.node(type: "smithi", locked: true, by: #""me""#))]") },
            { _ in Answers.json(200, "[\(Answers.node(locked: true, by: #""other""#))]") },
        ])
        func lock() async throws -> LockManyAnswer {
            try await paddles.lockMany(count: 1, owner: "me", machineType: "ovh", description: "d", for: Call())
        }
        guard case .locked(let nodes) = try await lock() else {
            Issue.record("not locked")
            return
        }
        #expect(nodes.map(\.name) == ["ovh001.front.lab.test"])
        #expect(try await lock() == .notEnough(available: 3))
        #expect(await serviceError { _ = try await lock() }?.kind == .transient)
        #expect(try await lock() == .lostRace)
        // None, of another type, of another owner.
        for _ in 0..<3 { #expect(await serviceError { _ = try await lock() }?.kind == .ambiguous) }
        #expect(
            http.script.asked.first.map { String(decoding: $0.body, as: UTF8.self) }
                == #"{"count":1,"description":"d","locked_by":"me","machine_type":"ovh"}"#)
    }

    static let verdicts: [(HTTPResponse, ErrorClass, isOutage: Bool, text: String)] = [
        (Answers.crash, .transient, true, "an HTML page: Internal Server Error"),
        (Answers.bare(500, "A server error occurred."), .transient, true, "A server error occurred."),
        (Answers.html(404, "404 Not Found"), .site, false, "an HTML page: 404 Not Found"),
        (
            Answers.message(404, "attempted to update a non-existent node"), .permanent, false,
            "attempted to update a non-existent node"
        ),
        (Answers.message(400, "could not decode JSON body"), .permanent, false, "could not decode JSON body"),
        (Answers.json(400, #"{"message": ["Node with name x", "boo"]}"#), .permanent, false, "Node with name x; boo"),
        (Answers.json(400, #"{"message": {"a": 1}}"#), .permanent, false, #"{"a":1}"#),
        (Answers.html(400, "400 Bad Request"), .permanent, false, "an HTML page: 400 Bad Request"),
        (
            Answers.message(403, "Cannot lock an already-locked node"), .site, false,
            "Cannot lock an already-locked node"
        ),
        (Answers.html(401, "Login"), .site, false, "an HTML page: Login"),
        (Answers.message(503, "encountered a DB error"), .transient, false, "encountered a DB error"),
        (Answers.html(503, "Service Unavailable"), .transient, true, "an HTML page: Service Unavailable"),
        (Answers.html(502, "Bad Gateway"), .transient, true, "an HTML page: Bad Gateway"),
        (Answers.html(429, "Slow down"), .transient, false, "an HTML page: Slow down"),
        (Answers.bare(405, ""), .site, false, "an empty answer"),
    ]

    @Test(arguments: verdicts)
    func judges(response: HTTPResponse, kind: ErrorClass, isOutage: Bool, text: String) throws {
        let verdict = try #require(PaddlesVerdicts.judge(response, expecting: .nothing))
        #expect(verdict.kind == kind)
        #expect(verdict.isOutage == isOutage)
        #expect(verdict.message == text)
    }

    @Test func aRedirectIsAnErrorThatSaysWhereTo() throws {
        var response = Answers.html(302, "302 Found")
        response.headers["Location"] = "http://other/nodes/n/"
        let verdict = try #require(PaddlesVerdicts.judge(response, expecting: .missingNode))
        #expect(verdict.kind == .site)
        #expect(verdict.message == "redirected to http://other/nodes/n/; nothing was read or written")
    }
}
