import HTTPKit
import HTTPServer
import Sandbox
import Testing
import World

@Suite struct SandboxStateTests {
    private func sandbox(_ change: (inout SandboxSettings) -> Void = { _ in }) throws -> SandboxState {
        var settings = SandboxSettings()
        settings.timings = .immediate
        settings.nodes = [SandboxSettings.NodeGroup(machineType: "ovh", count: 2)]
        change(&settings)
        return try SandboxState(settings)
    }

    private func post(_ path: String, _ json: JSONValue) -> HTTPRequest {
        HTTPRequest(.post, path, headers: ["Content-Type": "application/json"], body: json.bytes)
    }

    private func json(_ answer: ServerAnswer) throws -> JSONValue {
        try JSONValue(parsing: try #require(answer.response).body)
    }

    /// Logs in and answers the token and the catalog's URL of each service type.
    private func login(_ sandbox: inout SandboxState) throws -> (token: String, urls: [String: String]) {
        let answer = sandbox.answer(
            post(
                "/identity/v3/auth/tokens",
                [
                    "auth": [
                        "identity": [
                            "methods": ["password"],
                            "password": [
                                "user": ["name": "cirrata", "domain": ["id": "default"], "password": "secret"]
                            ],
                        ],
                        "scope": ["project": ["name": "lab", "domain": ["id": "default"]]],
                    ]
                ]), at: .recorded)
        let response = try #require(answer.response)
        #expect(response.status == 201)
        let catalog = try JSONValue(parsing: response.body)["token"]?["catalog"]?.array ?? []
        var urls: [String: String] = [:]
        for service in catalog {
            let endpoint = service["endpoints"]?.array?.first { $0["interface"]?.string == "public" }
            urls[service["type"]?.string ?? ""] = endpoint?["url"]?.string
        }
        return (try #require(response.headers["X-Subject-Token"]), urls)
    }

    @Test func theCatalogLeadsBackToTheSandbox() throws {
        var sandbox = try sandbox()
        sandbox.reached(at: "http://127.0.0.1:43210")
        let (token, urls) = try login(&sandbox)
        let paths = ["compute": "/flavors/detail", "image": "/v2/images", "network": "/v2.0/networks"]
        for (type, path) in paths.sorted(by: { $0.key < $1.key }) {
            let url = try #require(urls[type])
            #expect(url.hasPrefix("http://127.0.0.1:43210/"))
            let answer = sandbox.answer(
                HTTPRequest(.get, url + path, headers: ["X-Auth-Token": token]), at: .recorded)
            #expect(answer.response?.status == 200, Comment(rawValue: url + path))
        }
        let counts = sandbox.journal.counts
        #expect(counts[.compute]?.total == 1)
        #expect(counts[.identity]?.byStatus == [201: 1])
        #expect(counts[.paddles] == nil)
    }

    @Test func showsEverythingAsJSONAndAsAPage() throws {
        var sandbox = try sandbox()
        let added = sandbox.answer(
            post("/sandbox/control", ["do": "add-server", "name": "<ovh001>", "metadata": ["a": "b"]]), at: .recorded)
        #expect(added.response?.status == 200)
        _ = sandbox.answer(HTTPRequest(.get, "/nsupdate/update?name=ovh001&ip=192.0.2.8"), from: "p:1", at: .recorded)
        let state = try json(sandbox.answer(HTTPRequest(.get, "/sandbox/state"), at: .recorded))
        #expect(state["servers"]?.array?.first?["name"]?.string == "<ovh001>")
        #expect(state["volumes"]?.array?.isEmpty == true)
        #expect(
            state["nodes"]?.array?.map { $0["name"]?.string } == ["ovh001.front.lab.test", "ovh002.front.lab.test"])
        #expect(state["dns"]?["records"]?["ovh001.front.lab.test"]?.array?.first?.string == "A 192.0.2.8")
        #expect(state["requests"]?["nsupdate"]?["by_status"]?["200"]?.integer == 1)
        #expect(state["faults"]?.array?.isEmpty == true)

        let page = try #require(sandbox.answer(HTTPRequest(.get, "/sandbox/"), at: .recorded).response)
        #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
        #expect(page.text.contains("&lt;ovh001&gt;"))
        #expect(!page.text.contains("<ovh001>"))
        #expect(page.text.contains("GET /update?name=ovh001&amp;ip=192.0.2.8"))
        let root = sandbox.answer(HTTPRequest(.get, "/"), at: .recorded).response
        #expect(root?.headers["Location"] == "/sandbox/")
    }

    @Test func keepsAJournalOfWhoAskedWhat() throws {
        var sandbox = try sandbox()
        sandbox.faults.add(.breaking(.reset, takesEffect: false))
        _ = sandbox.answer(HTTPRequest(.get, "/paddles/nodes/?count=1"), from: "10.0.0.1:5", at: .recorded)
        sandbox.faults.removeAll()
        _ = sandbox.answer(HTTPRequest(.get, "/paddles/nodes/nosuch/"), from: "10.0.0.2:6", at: .recorded)
        _ = sandbox.answer(HTTPRequest(.get, "/sandbox/state"), at: .recorded)
        let all = try json(sandbox.answer(HTTPRequest(.get, "/sandbox/requests"), at: .recorded)).array ?? []
        #expect(all.count == 2)
        #expect(
            all.first == [
                "number": 1, "time": "2026-11-22T15:22:55.250000Z", "service": "paddles", "method": "GET",
                "path": "/nodes/?count=1", "status": nil, "peer": "10.0.0.1:5", "fault": true, "change": nil,
            ])
        let later = try json(sandbox.answer(HTTPRequest(.get, "/sandbox/requests?after=1&limit=5"), at: .recorded))
        #expect(later.array?.map { $0["status"]?.integer } == [404])
    }

    @Test func theJournalSaysWhatWasChangedWhateverTheClientWasTold() throws {
        var sandbox = try sandbox()
        let (token, urls) = try login(&sandbox)
        let root = try #require(urls["volume"] ?? urls["block-storage"])
        let create = HTTPRequest(
            .post, root + "/volumes", headers: ["X-Auth-Token": token, "Content-Type": "application/json"],
            body: JSONValue.object(["volume": ["name": "ovh001_0", "size": 1, "metadata": ["cirrata_key": "k"]]]).bytes)
        for takesEffect in [false, true] {
            sandbox.faults.removeAll()
            sandbox.faults.add(.breaking(.reset, takesEffect: takesEffect))
            _ = sandbox.answer(create, at: .recorded)
        }
        sandbox.faults.removeAll()
        _ = sandbox.answer(
            HTTPRequest(.put, "/paddles/nodes/ovh001.front.lab.test/", body: JSONValue.object(["up": false]).bytes),
            at: .recorded)
        let all = try json(sandbox.answer(HTTPRequest(.get, "/sandbox/requests"), at: .recorded)).array ?? []
        #expect(all.count == 4)
        // The login is secret.
        #expect(all[0]["change"]?.isNull == true)
        let asked: JSONValue = ["name": "ovh001_0", "metadata": ["cirrata_key": "k"]]
        #expect(all[1]["change"] == ["asked": asked, "served": false, "status": nil, "id": nil])
        let made = try #require(sandbox.cloud.volumes(named: "ovh001_0").first)
        #expect(all[2]["status"]?.isNull == true)
        #expect(all[2]["change"] == ["asked": asked, "served": true, "status": 202, "id": .string(made)])
        #expect(all[3]["change"]?["asked"] == ["up": false])
    }

    @Test func theJournalIsBounded() throws {
        var sandbox = try sandbox()
        for _ in 0..<RequestJournal.capacity + 5 {
            _ = sandbox.answer(HTTPRequest(.get, "/paddles/"), at: .recorded)
        }
        #expect(sandbox.journal.entries.count == RequestJournal.capacity)
        #expect(sandbox.journal.entries.first?.number == 6)
        #expect(sandbox.journal.counts[.paddles]?.total == RequestJournal.capacity + 5)
    }

    @Test func takesFaultsAndNodesOverHTTP() throws {
        var sandbox = try sandbox()
        let added = try json(
            sandbox.answer(
                post("/sandbox/faults", [["service": "paddles", "status": 500], ["wire": "stall"]]), at: .recorded))
        #expect(added == ["ids": [1, 2]])
        #expect(sandbox.answer(HTTPRequest(.get, "/paddles/nodes/"), at: .recorded).response?.status == 500)
        #expect(sandbox.answer(HTTPRequest(.delete, "/sandbox/faults/1"), at: .recorded).response?.status == 200)
        #expect(sandbox.answer(HTTPRequest(.delete, "/sandbox/faults/1"), at: .recorded).response?.status == 404)
        #expect(sandbox.answer(HTTPRequest(.get, "/paddles/nodes/"), at: .recorded).form == .stall)
        #expect(try json(sandbox.answer(HTTPRequest(.get, "/sandbox/faults"), at: .recorded)).array?.count == 1)
        #expect(sandbox.answer(HTTPRequest(.delete, "/sandbox/faults"), at: .recorded).response?.status == 200)

        let group: JSONValue = ["machine_type": "smithi", "prefix": "smi", "first": 9, "count": 2]
        let nodes = try json(sandbox.answer(post("/sandbox/nodes", group), at: .recorded))
        #expect(nodes == ["created": ["smi009.front.lab.test", "smi010.front.lab.test"]])
        #expect(sandbox.paddles.node("smi010.front.lab.test")?.machineType == "smithi")
        let named: JSONValue = ["machine_type": "ovh", "names": ["x.front.lab.test"]]
        _ = sandbox.answer(post("/sandbox/nodes", named), at: .recorded)
        #expect(sandbox.paddles.node("x.front.lab.test")?.up == true)

        let wrong = sandbox.answer(post("/sandbox/faults", ["status": 1]), at: .recorded)
        #expect(wrong.response?.status == 400)
        #expect(try json(wrong)["error"]?.string?.contains("100 to 999") == true)
    }

    @Test func obeysCommands() throws {
        var sandbox = try sandbox()
        func run(_ command: JSONValue) -> Int? {
            sandbox.answer(post("/sandbox/control", command), at: .recorded).response?.status
        }
        #expect(
            run(["do": "set-node", "name": "ovh001.front.lab.test", "fields": ["locked": true, "locked_by": "a"]])
                == 200)
        #expect(sandbox.paddles.node("ovh001.front.lab.test")?.lockedBy == "a")
        #expect(run(["do": "set-node", "name": "nosuch", "fields": [:]]) == 400)
        #expect(run(["do": "set-node", "name": "ovh001.front.lab.test", "fields": ["up": "maybe"]]) == 400)
        #expect(run(["do": "set-record", "name": "a.front.lab.test", "addresses": ["192.0.2.1", "::1"]]) == 200)
        #expect(sandbox.nsupdate.zone.addresses(of: "a.front.lab.test") == ["192.0.2.1", "::1"])
        #expect(run(["do": "set-record", "name": "a.front.lab.test", "addresses": []]) == 200)
        #expect(sandbox.nsupdate.zone.addresses(of: "a.front.lab.test").isEmpty)
        #expect(run(["do": "paddles", "database_down": true]) == 200)
        #expect(sandbox.answer(HTTPRequest(.get, "/paddles/nodes/"), at: .recorded).response?.status == 500)
        #expect(run(["do": "nsupdate", "trouble": "timeout-applied", "count": 1]) == 200)
        #expect(sandbox.nsupdate.trouble == .timeout(applied: true))
        #expect(run(["do": "dns", "trouble": "silent"]) == 200)
        #expect(sandbox.answerDNS(DNSQuery.bytes("a.front.lab.test", type: 1)) == nil)
        #expect(run(["do": "dns", "trouble": "none"]) == 200)
        #expect(sandbox.answerDNS(DNSQuery.bytes("a.front.lab.test", type: 1))?[3] == 3)
        #expect(run([["do": "add-server", "name": "s"], ["do": "add-volume", "name": "s_0", "server": "s"]]) == 200)
        #expect(sandbox.cloud.volumes(named: "s_0").count == 1)
        #expect(run(["do": "remove-server", "name": "s"]) == 200)
        #expect(run(["do": "remove-server", "name": "s"]) == 400)
        #expect(run(["do": "server-fault", "fault": "no-valid-host", "prefix": "ovh", "times": 2]) == 200)
        #expect(run(["do": "volume-fault", "fault": "attach-fails"]) == 200)
        #expect(run(["do": "quotas", "quotas": ["instances": 1]]) == 200)
        #expect(run(["do": "timings", "timings": ["boot": 3]]) == 200)
        #expect(abs(sandbox.cloud.timings.boot.seconds - 3) < 1e-6)
        #expect(run(["do": "timings", "timings": ["boto": 3]]) == 400)
        #expect(run(["do": "revoke-tokens"]) == 200)
        #expect(run(["do": "dance"]) == 400)
    }

    @Test func equalRequestsGiveEqualAnswers() throws {
        func run() throws -> [ServerAnswer] {
            var sandbox = try sandbox { $0.seed = 9 }
            sandbox.faults.add(try FaultRule(json: ["probability": .number(0.5), "status": 500]))
            let (_, urls) = try loginOrNil(&sandbox)
            return (0..<50).map { number in
                sandbox.answer(
                    HTTPRequest(.get, (urls["compute"] ?? "/compute") + "/servers"),
                    at: .recorded + .milliseconds(number))
            } + [sandbox.answer(HTTPRequest(.get, "/sandbox/state"), at: .recorded + .seconds(1))]
        }
        #expect(try run() == run())
    }

    /// The faults above may hit the login itself.
    private func loginOrNil(_ sandbox: inout SandboxState) throws -> (String, [String: String]) {
        let faults = sandbox.faults
        sandbox.faults.removeAll()
        defer { sandbox.faults = faults }
        return try login(&sandbox)
    }

    @Test(arguments: [
        (#"{"seed": 3, "nodes": [{"machine_type": "ovh", "count": 2}], "boot": 2, "quotas": {"instances": 5}}"#, ""),
        (#"{"seeds": 3}"#, "seeds is not known"), (#"{"nodes": [{"count": 2}]}"#, "machine_type is missing"),
        (#"{"quotas": {"instances": "many"}}"#, "quotas: instances"), (#"{"boot": "soon"}"#, "boot: seconds"),
    ])
    func readsSettings(json: String, problem: String) throws {
        do {
            let settings = try SandboxSettings(json: JSONValue(parsing: Array(json.utf8)))
            #expect(problem.isEmpty)
            #expect(settings.timings.boot == .seconds(2))
            #expect(settings.quotas.instances == 5)
            #expect(
                try SandboxState(settings).paddles.nodes.map(\.name) == [
                    "ovh001.front.lab.test", "ovh002.front.lab.test",
                ])
        } catch let mistake as SandboxMistake {
            #expect(!problem.isEmpty)
            #expect(mistake.description.contains(problem), Comment(rawValue: mistake.description))
        }
    }

    /// The same value behind real sockets.
    @Test func servesOverSockets() async throws {
        let shared = SharedSandbox(try sandbox())
        try await Listening.run({ request, peer in shared.answer(request, from: peer, at: .recorded) }) { port in
            shared.withState { $0.reached(at: "http://127.0.0.1:\(port)") }
            let client = RawClient(port: port)
            let update = try await client.send(
                "GET /nsupdate/update?name=ovh001&ip=192.0.2.8 HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(
                update.text == "HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6 Python/3.11.7\r\n"
                    + "Date: Sun, 22 Nov 2026 15:22:55 GMT\r\n\r\nsuccess")
            let twice = try await client.send("GET /nsupdate/ HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(twice.text.matches(of: /HTTP\/1\.0 400 Bad Request/).count == 2)
            let moved = try await client.send(
                "PUT /paddles/nodes/x HTTP/1.1\r\nHost: lab:7\r\nContent-Length: 0\r\n\r\n")
            #expect(moved.lines.contains("Location: http://lab:7/paddles/nodes/x/"))
            #expect(moved.lines.contains("Connection: close"))
            let state = try await client.send("GET /sandbox/state HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let json = try JSONValue(parsing: Array(state.body.utf8))
            #expect(json["requests"]?["paddles"]?["total"]?.integer == 1)
        }
    }
}
