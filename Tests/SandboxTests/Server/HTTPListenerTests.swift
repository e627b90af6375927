import HTTPKit
import HTTPServer
import Testing
import World

/// The server over real loopback sockets, seen by a client that shows every byte.
@Suite struct HTTPListenerTests {
    /// Runs `body` against a server with that handler, then stops the server.
    private func withServer(
        maximumBody: Int = 1 << 20, _ handler: @escaping @Sendable (HTTPRequest) async -> ServerAnswer,
        _ body: (RawClient) async throws -> Void
    ) async throws {
        try await Listening.run(maximumBody: maximumBody, { request, _ in await handler(request) }) { port in
            try await body(RawClient(port: port))
        }
    }

    private static func echo(_ request: HTTPRequest) -> ServerAnswer {
        let text = "\(request.method.rawValue) \(request.url) \(String(decoding: request.body, as: UTF8.self))"
        return .response(HTTPResponse(status: 200, headers: ["X-Test": "a"], body: Array(text.utf8)))
    }

    private func get(_ target: String, _ headers: String...) -> String {
        "GET \(target) HTTP/1.1\r\nHost: h\r\n" + headers.map { "\($0)\r\n" }.joined() + "\r\n"
    }

    @Test func answersPipelinedRequestsInOrderOnOneConnection() async throws {
        try await withServer { request in
            // The first answers last.
            let delay: Duration = request.url == "/1" ? .milliseconds(50) : .zero
            return .response(HTTPResponse(status: 200, body: Array(request.url.utf8)), after: delay)
        } _: { client in
            let outcome = try await client.send(get("/1") + get("/2") + get("/3", "Connection: close"))
            func answer(_ body: String) -> String { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\(body)" }
            #expect(
                outcome.text == answer("/1") + answer("/2")
                    + "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n/3")
            #expect(outcome.end == .closed)
        }
    }

    @Test func aClientThatEndsItsDirectionGetsItsAnswers() async throws {
        try await withServer({ Self.echo($0) }) { client in
            let outcome = try await client.send(get("/a") + get("/b"), thenEnds: true)
            #expect(outcome.text.hasSuffix("GET /b "))
            #expect(outcome.text.contains("GET /a "))
            #expect(outcome.end == .closed)
        }
    }

    @Test func bodiesWithLengthAndChunked() async throws {
        try await withServer({ Self.echo($0) }) { client in
            let whole = try await client.send(
                "PUT /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            #expect(whole.body == "PUT /a?x=1 hello")
            let chunked = try await client.send(
                "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    + "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
            #expect(chunked.body == "POST /b hello")
            let asked = try await client.send(
                "POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nhi"
            )
            #expect(asked.text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func headHasLengthButNoBody() async throws {
        try await withServer({ Self.echo($0) }) { client in
            let outcome = try await client.send("HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(outcome.lines.contains("Content-Length: 8"))
            #expect(outcome.text.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func bodilessStatusesHaveNoLength() async throws {
        try await withServer { _ in
            .response(HTTPResponse(status: 204, body: [1]))
        } _: { client in
            let outcome = try await client.send(get("/", "Connection: close"))
            #expect(outcome.text == "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        }
    }

    @Test func speaksHTTP10() async throws {
        try await withServer({ Self.echo($0) }) { client in
            let plain = try await client.send("GET /a HTTP/1.0\r\n\r\n")
            #expect(plain.lines.first == "HTTP/1.0 200 OK")
            #expect(plain.lines.contains("Connection: close"))
            #expect(plain.end == .closed)
            let kept = try await client.send(
                "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n")
            #expect(kept.lines.contains("Connection: keep-alive"))
            #expect(kept.text.hasSuffix("GET /b "))
        }
    }

    @Test func closeDelimitedHasNoLengthAndOnlyItsHeaders() async throws {
        try await withServer { _ in
            ServerAnswer(.closeDelimited(HTTPResponse(status: 200, headers: ["Server": "x"], body: Array("yes".utf8))))
        } _: { client in
            let outcome = try await client.send(get("/"))
            #expect(outcome.text == "HTTP/1.0 200 OK\r\nServer: x\r\n\r\nyes")
            #expect(outcome.end == .closed)
        }
    }

    @Test func brokenAnswers() async throws {
        try await withServer { request in
            let response = HTTPResponse(status: 200, body: Array("0123456789".utf8))
            return switch request.url {
            case "/truncated": ServerAnswer(.truncated(response, keep: 4))
            case "/raw": ServerAnswer(.raw(Array("junk".utf8)))
            case "/nothing": ServerAnswer(.raw([]))
            default: ServerAnswer(.reset)
            }
        } _: { client in
            let truncated = try await client.send(get("/truncated"))
            #expect(truncated.text == "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123")
            #expect(truncated.end == .closed)
            let raw = try await client.send(get("/raw"))
            #expect(raw.text == "junk")
            #expect(raw.end == .closed)
            let nothing = try await client.send(get("/nothing"))
            #expect(nothing.text.isEmpty)
            #expect(nothing.end == .closed)
            let reset = try await client.send(get("/reset"))
            #expect(reset.text.isEmpty)
            #expect(reset.end == .reset)
        }
    }

    @Test func stallsUntilTheClientLeavesAndThenServesOthers() async throws {
        try await withServer { request in
            request.url == "/stall" ? ServerAnswer(.stall) : Self.echo(request)
        } _: { client in
            let stalled = try await client.send(get("/stall"), patience: .milliseconds(100))
            #expect(stalled.text.isEmpty)
            #expect(stalled.end == .silent)
            let other = try await client.send(get("/", "Connection: close"))
            #expect(other.body == "GET / ")
        }
    }

    @Test(arguments: [
        ("\u{1}\u{2}\u{3}\r\n\r\n", "400"),
        ("GET / FTP/9\r\n\r\n", "400"),
        ("GET /\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"),
        ("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", "400"),
        ("TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", "501"),
        ("GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 70_000))\r\n\r\n", "431"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n\(String(repeating: "x", count: 200))", "413"),
    ])
    func refusesJunk(sent: String, status: String) async throws {
        try await withServer(maximumBody: 100, { Self.echo($0) }) { client in
            let outcome = try await client.send(sent)
            #expect(outcome.lines.first?.split(separator: " ").dropFirst().first ?? "" == status)
            #expect(outcome.end == .closed)
        }
    }

    @Test func lineBreaksCannotSplitAnAnswer() async throws {
        try await withServer { _ in
            .response(HTTPResponse(status: 200, headers: ["X": "a\r\nSet-Cookie: b"]))
        } _: { client in
            let outcome = try await client.send(get("/", "Connection: close"))
            #expect(outcome.lines.contains("X: aSet-Cookie: b"))
        }
    }

    @Test func twoHundredConnectionsAtOnce() async throws {
        try await withServer { request in
            var answer = Self.echo(request)
            answer.after = .milliseconds(20)
            return answer
        } _: { client in
            let bodies = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<200 {
                    group.addTask { try await client.send(get("/\(number)", "Connection: close")).body }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(bodies.count == 200)
        }
    }

    /// Neither a stalled client nor one whose answer is an hour away keeps the server from ending.
    @Test func endsWithClientsStillWaiting() async throws {
        let arrived = [Signal<Bool>(), Signal<Bool>()]
        let bound = Signal<Int>()
        try await withThrowingTaskGroup(of: RawClient.Outcome?.self) { group in
            group.addTask {
                try await withThrowingTaskGroup(of: Void.self) { server in
                    server.addTask {
                        try await HTTPListener.run(port: 0, onBound: { bound.raise($0) }) { request, _ in
                            let isStalled = request.url == "/stall"
                            arrived[isStalled ? 0 : 1].raise(true)
                            return isStalled ? ServerAnswer(.stall) : ServerAnswer(.raw([1]), after: .seconds(3_600))
                        }
                    }
                    for signal in arrived { _ = try await signal.wait() }
                    server.cancelAll()
                    try await server.waitForAll()
                }
                return nil
            }
            let client = RawClient(port: try await bound.wait())
            for path in ["/stall", "/later"] { group.addTask { try await client.send(get(path)) } }
            for try await outcome in group {
                if let outcome { #expect(outcome.text.isEmpty && outcome.end != .silent) }
            }
        }
    }

    @Test func saysWhyItCannotListen() async throws {
        try await Listening.run({ _, _ in ServerAnswer(.stall) }) { port in
            await #expect(throws: HTTPListener.Failure.self) {
                try await HTTPListener.run(port: port) { _, _ in ServerAnswer(.stall) }
            }
        }
    }

    @Test func tellsThePeer() async throws {
        try await Listening.run({ _, peer in .response(HTTPResponse(status: 200, body: Array(peer.utf8))) }) { port in
            let outcome = try await RawClient(port: port).send(get("/", "Connection: close"))
            #expect(outcome.body.hasPrefix("127.0.0.1:"))
        }
    }
}

/// A server for the time of a test.
enum Listening {
    static func run(
        maximumBody: Int = 1 << 20, _ handler: @escaping @Sendable (HTTPRequest, String) async -> ServerAnswer,
        _ body: (Int) async throws -> Void
    ) async throws {
        let bound = Signal<Int>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await HTTPListener.run(
                    port: 0, maximumBody: maximumBody, onBound: { bound.raise($0) }, handler: handler)
            }
            try await body(try await bound.wait())
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
