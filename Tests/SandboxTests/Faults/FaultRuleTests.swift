import HTTPKit
import Sandbox
import Testing
import World

@Suite struct FaultRuleTests {
    private func rule(_ json: String) throws -> FaultRule {
        try FaultRule(json: JSONValue(parsing: Array(json.utf8)))
    }

    private func sandbox(_ rules: String...) throws -> SandboxState {
        var settings = SandboxSettings()
        settings.nodes = [SandboxSettings.NodeGroup(machineType: "ovh", count: 3)]
        var sandbox = try SandboxState(settings)
        for text in rules { sandbox.faults.add(try rule(text)) }
        return sandbox
    }

    private let lock = HTTPRequest(
        .put, "/paddles/nodes/ovh001.front.lab.test/lock/",
        body: Array(#"{"locked": true, "locked_by": "me@host", "description": "d"}"#.utf8))
    private let list = HTTPRequest(.get, "/paddles/nodes/?count=1")

    private func isLocked(_ sandbox: SandboxState) -> Bool? {
        sandbox.paddles.node("ovh001.front.lab.test")?.locked
    }

    @Test func anAnswerBeforeTheEffectKeepsTheServiceUntouched() throws {
        var sandbox = try sandbox(
            #"{"method": "PUT", "count": 1, "status": 503, "retry_after": 7, "body": {"message": "x"}}"#)
        let response = try #require(sandbox.answer(lock, at: .recorded).response)
        #expect(response.status == 503)
        #expect(response.headers["Retry-After"] == "7")
        #expect(response.headers["Content-Type"] == "application/json")
        #expect(response.text == #"{"message":"x"}"#)
        #expect(isLocked(sandbox) == false)
        #expect(sandbox.answer(lock, at: .recorded).response?.status == 200)
        #expect(isLocked(sandbox) == true)
    }

    @Test(arguments: [
        (#"{"status": 502, "when": "after", "body": "<html>"}"#, true),
        (#"{"wire": "reset"}"#, false), (#"{"wire": "reset", "when": "after"}"#, true),
        (#"{"wire": "stall"}"#, false), (#"{"wire": "close", "when": "after"}"#, true),
        (#"{"wire": "truncate", "keep": 3}"#, true), (#"{"wire": "close-delimited"}"#, true),
        (#"{"delay": 1.5}"#, true), (#"{"body": "{\"broken"}"#, true),
    ])
    func theEffectIsAsTold(json: String, effect: Bool) throws {
        var sandbox = try sandbox(json)
        _ = sandbox.answer(lock, at: .recorded)
        #expect(isLocked(sandbox) == effect)
    }

    @Test func formsOfTheWire() throws {
        func answer(_ json: String) throws -> ServerAnswer {
            var sandbox = try sandbox(json)
            return sandbox.answer(lock, at: .recorded)
        }
        #expect(try answer(#"{"wire": "reset"}"#).form == .reset)
        #expect(try answer(#"{"wire": "stall"}"#).form == .stall)
        #expect(try answer(#"{"wire": "close"}"#).form == .raw([]))
        guard case .truncated(let whole, keep: 3) = try answer(#"{"wire": "truncate", "keep": 3}"#).form else {
            Issue.record("not truncated")
            return
        }
        #expect(whole.text.hasPrefix(#"{"name": "ovh001"#))
        guard case .closeDelimited = try answer(#"{"wire": "close-delimited"}"#).form else {
            Issue.record("not close-delimited")
            return
        }
        #expect(try answer(#"{"delay": 1.5}"#).after == .milliseconds(1_500))
        let malformed = try #require(try answer(#"{"body": "{\"broken"}"#).response)
        #expect(malformed.status == 200)
        #expect(malformed.text == #"{"broken"#)
    }

    @Test func skipCountAndOrder() throws {
        var sandbox = try sandbox(
            #"{"skip": 1, "count": 2, "status": 500}"#, #"{"method": "GET", "count": 1, "status": 429}"#)
        let statuses = (0..<5).map { _ in sandbox.answer(list, at: .recorded).response?.status }
        // The second rule strikes where the first lets pass; both count every request.
        #expect(statuses == [429, 500, 500, 200, 200])
        let faults = sandbox.faults.json.array ?? []
        #expect(faults.map { $0["struck"]?.integer } == [2, 1])
        #expect(faults.map { $0["seen"]?.integer } == [5, 5])
    }

    @Test func matchesByServiceMethodPathAndPattern() throws {
        var sandbox = try sandbox(
            #"{"service": "paddles", "path": "/nodes/ovh002", "status": 501}"#,
            #"{"match": "count=1$", "status": 502}"#, #"{"service": "image", "status": 503}"#)
        func status(_ url: String) -> Int? { sandbox.answer(HTTPRequest(.get, url), at: .recorded).response?.status }
        #expect(status("/paddles/nodes/ovh001.front.lab.test/") == 200)
        #expect(status("/paddles/nodes/ovh002.front.lab.test/") == 501)
        #expect(status("/paddles/nodes/?count=1") == 502)
        #expect(status("/paddles/nodes/?count=12") == 200)
        #expect(status("/image/v2/images") == 503)
    }

    @Test func probabilityFollowsTheSeed() throws {
        func run(seed: UInt64) throws -> [Int?] {
            var settings = SandboxSettings()
            settings.seed = seed
            var sandbox = try SandboxState(settings)
            sandbox.faults.add(try rule(#"{"probability": 0.3, "status": 500}"#))
            return (0..<200).map { _ in sandbox.answer(list, at: .recorded).response?.status }
        }
        let first = try run(seed: 1)
        #expect(try run(seed: 1) == first)
        #expect(try run(seed: 2) != first)
        #expect((30...90).contains(first.count { $0 == 500 }))
    }

    @Test(arguments: [
        #"{"service":"compute","method":"POST","path":"/v2.1/servers","skip":1,"count":2,"when":"after","status":503}"#,
        #"{"headers":{"Retry-After":"2"},"body":"busy","delay":0.5,"when":"before","status":503}"#,
        #"{"match":"a.*b","probability":0.25,"wire":"truncate","keep":7,"when":"after"}"#,
        #"{"wire":"close-delimited","when":"after"}"#,
    ])
    func whatIsShownCanBeGivenAgain(json: String) throws {
        let rule = try rule(json)
        #expect(rule.json == (try JSONValue(parsing: Array(json.utf8))))
        #expect(try FaultRule(json: rule.json) == rule)
    }

    @Test(arguments: [
        (#"[]"#, "a JSON object"), (#"{}"#, "nothing goes wrong"), (#"{"status": 99}"#, "status"),
        (#"{"service": "nova", "status": 500}"#, "one of identity"), (#"{"statuss": 500}"#, "statuss is not known"),
        (#"{"status": 500, "cuont": 1}"#, "cuont is not known"), (#"{"match": "(", "status": 500}"#, "regular"),
        (#"{"delay": -1}"#, "delay"), (#"{"delay": 1, "when": "before"}"#, "needs a status"),
        (#"{"keep": 3, "status": 200}"#, "keep belongs"), (#"{"count": 0, "status": 500}"#, "count"),
        (#"{"method": "BREW", "status": 500}"#, "method"), (#"{"headers": {"a": 1}, "status": 500}"#, "headers"),
    ])
    func saysWhatIsWrong(json: String, part: String) throws {
        let mistake = #expect(throws: SandboxMistake.self) { try rule(json) }
        #expect(mistake?.description.contains(part) == true)
    }
}
