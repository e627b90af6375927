import CurlHTTP
import EventLoop
import HTTPKit
import TestSupport
import Testing
import World

@Suite(.timeLimit(.minutes(1))) struct FailureTests {
    private func failure(_ body: () async throws -> HTTPResponse) async throws -> HTTPFailure {
        do {
            let response = try await body()
            throw UnexpectedAnswer(response: response)
        } catch let failure as HTTPFailure {
            return failure
        }
    }

    private struct UnexpectedAnswer: Error {
        var response: HTTPResponse
    }

    @Test func nobodyListens() async throws {
        try await ScriptedServer.with { _ in
            .keep(answer())
        } _: { server in
            let port = try freePort()
            let failure = try await failure {
                try await server.execute(HTTPRequest(.post, "http://u:secret@127.0.0.1:\(port)/x?key=secret"))
            }
            #expect(failure.reason == .connect)
            #expect(!failure.mayHaveArrived)
            #expect(failure.description.hasPrefix("POST http://127.0.0.1:\(port)/x: "))
            #expect(failure.description.contains("refused") || failure.description.contains("connect"))
            #expect(!failure.description.contains("secret"))
        }
    }

    @Test func noSuchName() async throws {
        try await ScriptedServer.with { _ in
            .keep(answer())
        } _: { server in
            let failure = try await failure {
                try await server.execute(HTTPRequest(.get, "http://no.such.name.invalid/", timeout: .seconds(20)))
            }
            #expect(failure.reason == .resolve)
            #expect(!failure.mayHaveArrived)
            #expect(failure.description.contains("no.such.name.invalid"))
        }
    }

    @Test func noConnectionInTime() async throws {
        try await withLiveWorld(http: { try await CurlTransport(loop: $0) }) { world in
            let loop = try #require(world.executor as? EventLoop)
            let listener = try await Listener(loop: loop, backlog: 0)
            var filling: [any ByteStream] = []
            while let stream = try? await world.dial.connect(to: listener.endpoint, timeout: .milliseconds(50)) {
                filling.append(stream)
            }
            let failure = try await failure {
                try await world.http.execute(
                    HTTPRequest(.get, "http://127.0.0.1:\(listener.port)", timeout: .milliseconds(50)))
            }
            #expect(failure.reason == .connect)
            #expect(!failure.mayHaveArrived)
            for stream in filling { stream.close() }
        }
    }

    @Test func noTLS() async throws {
        try await withLiveWorld(http: { try await CurlTransport(loop: $0) }) { world in
            let listener = try await Listener(loop: try #require(world.executor as? EventLoop))
            let url = "https://127.0.0.1:\(listener.port)/"
            async let served: Void = {
                let stream: any ByteStream = try await listener.accept()
                stream.write(Array("220 not TLS\r\n".utf8))
                try await stream.drained()
                // The client ends it, one way or the other.
                while (try? await stream.read()) ?? nil != nil {}
                stream.close()
            }()
            let failure = try await failure { try await world.http.execute(HTTPRequest(.post, url)) }
            #expect(failure.reason == .notTLS)
            #expect(!failure.mayHaveArrived)
            try await served
            let noBundle = try await self.failure {
                try await world.http.execute(HTTPRequest(.get, url, certificateAuthority: "/no/such/bundle.pem"))
            }
            #expect(noBundle.reason == .tls)
            #expect(noBundle.description.contains("/no/such/bundle.pem"))
        }
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ])
    func theConnectionEnds(after text: String) async throws {
        try await ScriptedServer.with { _ in
            .close(text)
        } _: { server in
            let failure = try await failure { try await server.execute(HTTPRequest(.post, server.url, body: [1])) }
            #expect(failure.reason == .reset)
            #expect(failure.mayHaveArrived)
            #expect(server.seen.count == 1)
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"])
    func theConnectionIsReset(after text: String) async throws {
        try await ScriptedServer.with(resetting: true) { _ in
            .close(text)
        } _: { server in
            let failure = try await failure { try await server.execute(HTTPRequest(.post, server.url, body: [1])) }
            #expect(failure.reason == .reset)
            #expect(failure.mayHaveArrived)
            #expect(server.seen.count == 1)
        }
    }

    /// libcurl by itself would send both again.
    @Test func aKeptConnectionThatEndsWithoutAnswer() async throws {
        try await ScriptedServer.with {
            $0.number == 0 ? .keep(answer(200, "\($0.connection)")) : .close("")
        } _: { server in
            #expect(try await server.get("/first").text == "0")
            #expect(try await server.get("/again").text == "1")
            let failure = try await failure { try await server.execute(HTTPRequest(.post, server.url + "/once")) }
            #expect(failure.reason == .reset)
            #expect(failure.mayHaveArrived)
            #expect(server.seen.map(\.target) == ["/first", "/again", "/again", "/once"])
        }
    }

    @Test func noAnswerInTime() async throws {
        let answers = ["/silent": "", "/half": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"]
        try await ScriptedServer.with {
            .stall(answers[$0.target] ?? "")
        } _: { server in
            for path in ["/silent", "/half"] {
                let failure = try await failure { try await server.get(path, timeout: .milliseconds(100)) }
                #expect(failure.reason == .timeout)
                #expect(failure.mayHaveArrived)
            }
        }
    }

    @Test func anAnswerThatIsTooLarge() async throws {
        try await ScriptedServer.with { _ in
            .keep(answer(200, String(repeating: "x", count: 100_000)))
        } _: { server in
            var request = HTTPRequest(.get, server.url, maximumAnswer: 100_000)
            #expect(try await server.execute(request).body.count == 100_000)
            request.maximumAnswer = 99_999
            let failure = try await failure { try await server.execute(request) }
            #expect(failure.reason == .answerTooLarge)
            #expect(failure.mayHaveArrived)
            #expect(failure.detail == "the answer has more than 99999 bytes")
        }
    }

    @Test func whatIsNotHTTP() async throws {
        try await ScriptedServer.with { _ in
            .close("SSH-2.0-OpenSSH_9.2\r\n")
        } _: { server in
            let failure = try await failure { try await server.execute(HTTPRequest(.put, server.url)) }
            #expect(failure.reason == .malformed)
            #expect(failure.mayHaveArrived)
        }
    }

    @Test(arguments: [
        "", "host/path", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://a b/", "http://[::1/",
    ])
    func unusableURLs(url: String) async throws {
        try await ScriptedServer.with { _ in
            .keep(answer())
        } _: { server in
            let failure = try await failure { try await server.execute(HTTPRequest(.get, url)) }
            #expect(failure.reason == .badRequest)
            #expect(!failure.mayHaveArrived)
        }
    }

    @Test func unusableHeaders() async throws {
        try await ScriptedServer.with { _ in
            .keep(answer())
        } _: { server in
            for (name, value) in [("A", "secret\r\nB: 2"), ("A\n", "secret"), ("A: B", "secret"), ("", "secret")] {
                let failure = try await failure {
                    try await server.execute(
                        HTTPRequest(.get, server.url, headers: HTTPHeaders([.init(name: name, value: value)])))
                }
                #expect(failure.reason == .badRequest)
                #expect(!failure.description.contains("secret"))
            }
            #expect(server.seen.isEmpty)
        }
    }
}
