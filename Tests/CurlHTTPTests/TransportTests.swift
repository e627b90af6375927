import CurlHTTP
import EventLoop
import HTTPKit
import TestSupport
import Testing
import World

@Suite(.timeLimit(.minutes(1))) struct TransportTests {
    @Test func anAnswerIsTakenAsItIs() async throws {
        try await ScriptedServer.with { _ in
            .keep(answer(404, "nothing here", "X-A: 1\r\nx-a: 2\r\n"))
        } _: { server in
            let response = try await server.get("/a%20b/../c?d=%2F")
            #expect(response.status == 404)
            #expect(response.text == "nothing here")
            #expect(response.headers.values("X-A") == ["1", "2"])
            #expect(server.seen.map(\.target) == ["/a%20b/../c?d=%2F"])
            #expect(server.seen.first?.headers["user-agent"] == "cirrata")
            #expect(server.seen.first?.headers["accept-encoding"] == nil)
        }
    }

    /// Some proxies compress although nobody asked for it.
    @Test func whatComesCompressedIsDecodedUpToTheLimit() async throws {
        let text = String(repeating: #"{"servers": []} "#, count: 1_000)
        let body = Gzip.compress(Array(text.utf8))
        try await ScriptedServer.with { _ in
            let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n"
            return .bytes(Array(head.utf8) + body)
        } _: { server in
            let response = try await server.get()
            #expect(response.text == text)
            #expect(server.seen.first?.headers["accept-encoding"] == nil)
            // What is counted is what is kept.
            let failure = await #expect(throws: HTTPFailure.self) {
                try await server.execute(HTTPRequest(.get, server.url, maximumAnswer: text.utf8.count - 1))
            }
            #expect(failure?.reason == .answerTooLarge)
        }
    }

    @Test func anEncodingThatIsNoneIsNamed() async throws {
        try await ScriptedServer.with { _ in
            .keep(answer(200, "nothing here", "Content-Encoding: gzip\r\n"))
        } _: { server in
            let failure = await #expect(throws: HTTPFailure.self) { try await server.get() }
            #expect(failure?.reason == .malformed)
            #expect(failure?.detail.contains("encoding") == true)
        }
    }

    @Test func methodsAndBodies() async throws {
        try await ScriptedServer.with { request in
            request.method == "HEAD"
                ? .keep("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") : .keep(answer(200, "hello"))
        } _: { server in
            let big = manyBytes(200_000)
            for (method, body) in [
                (HTTPMethod.post, Array("{}".utf8)), (.put, big), (.patch, [0, 1, 2]), (.delete, [1]), (.post, []),
                (.put, []), (.delete, []), (.get, []), (.head, []), (.options, []),
            ] {
                let response = try await server.execute(
                    HTTPRequest(method, server.url, headers: ["Content-Type": "x/y", "Empty": ""], body: body))
                #expect(response.status == 200)
                #expect(response.text == (method == .head ? "" : "hello"))
                let seen = try #require(server.seen.last)
                #expect(seen.method == method.rawValue)
                #expect(seen.body == body)
                #expect(seen.headers["content-type"] == "x/y")
                #expect(seen.headers["empty"] == "")
                #expect(seen.headers["expect"] == nil)
                let hasLength = !body.isEmpty || [.post, .put, .patch].contains(method)
                #expect(seen.headers["content-length"] == (hasLength ? "\(body.count)" : nil))
            }
            _ = try await server.execute(HTTPRequest(.post, server.url, body: [1]))
            #expect(server.seen.last?.headers["content-type"] == nil)
            // All that on one connection.
            #expect(server.seen.allSatisfy { $0.connection == 0 })
        }
    }

    @Test func redirectsAreAnswers() async throws {
        try await ScriptedServer.with { _ in
            .keep(answer(302, "", "Location: /elsewhere\r\n"))
        } _: { server in
            let response = try await server.execute(HTTPRequest(.put, server.url, body: [1]))
            #expect(response.status == 302)
            #expect(response.headers["location"] == "/elsewhere")
            #expect(server.seen.count == 1)
        }
    }

    @Test func everyWayToEndABody() async throws {
        let chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nLate: 1\r\n\r\n"
        let answers = [
            "/chunked": ScriptedServer.Answer.keep(
                "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nY: 2\r\n\(chunked)"),
            "/1.0": .close("HTTP/1.0 200 OK\r\nY: 2\r\n\r\nabcde"),
            "/0.9": .close("abcde"),
            "/empty": .keep("HTTP/1.1 204 No Content\r\nY: 2\r\n\r\n"),
        ]
        try await ScriptedServer.with {
            answers[$0.target] ?? .close("")
        } _: { server in
            for path in ["/chunked", "/1.0", "/0.9", "/chunked"] {
                let response = try await server.get(path)
                #expect(response.status == 200)
                #expect(response.text == "abcde")
                #expect(response.headers["y"] == (path == "/0.9" ? nil : "2"))
                #expect(response.headers["x"] == nil)
                #expect(response.headers["late"] == nil)
            }
            let empty = try await server.get("/empty")
            #expect(empty.status == 204)
            #expect(empty.body == [])
        }
    }

    @Test func fiveHundredAtOnce() async throws {
        let running = Locked((now: 0, most: 0))
        try await ScriptedServer.with { request in
            running.withLock { state in
                state.now += 1
                state.most = max(state.most, state.now)
            }
            for _ in 0..<20 { await Task.yield() }
            running.withLock { $0.now -= 1 }
            return .keep(answer(200, request.target))
        } _: { server in
            let texts = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<500 { group.addTask { try await server.get("/\(number)").text } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(texts.sorted() == (0..<500).map { "/\($0)" }.sorted())
            let most = running.withLock { $0.most }
            #expect(most <= 64)
            #expect(server.seen.allSatisfy { $0.connection < 64 })
        }
    }

    /// Those that wait for their turn do not use up their time.
    @Test func waitingForATurnIsNotCounted() async throws {
        try await ScriptedServer.with(perHost: 1) { _ in
            .keep(answer())
        } _: { server in
            let release = Signal<Void>()
            try await ScriptedServer.with(perHost: 1) { _ in
                _ = try await release.wait()
                return .keep(answer())
            } _: { slow in
                try await withThrowingTaskGroup(of: Int.self) { group in
                    group.addTask { try await slow.get(timeout: .seconds(30)).status }
                    for _ in 0..<3 { await Task.yield() }
                    group.addTask { try await slow.get(timeout: .seconds(2)).status }
                    // Longer than the second one's time-out.
                    try await slow.world.time.sleep(for: .milliseconds(2_100))
                    release.raise(())
                    let statuses = try await group.reduce(into: []) { $0.append($1) }
                    #expect(statuses == [200, 200])
                }
            }
            let other = try await server.get()
            #expect(other.status == 200)
        }
    }

    @Test func cancellingReturnsAtOnceAndFreesTheTurn() async throws {
        try await ScriptedServer.with(perHost: 1) {
            $0.target == "/stall" ? .stall("") : .keep(answer())
        } _: { server in
            let start = server.world.time.now
            await withThrowingTaskGroup(of: Void.self) { group in
                // One is on its way, the other waits for its turn.
                for _ in 0..<2 { group.addTask { _ = try await server.get("/stall") } }
                while server.seen.isEmpty { await Task.yield() }
                group.cancelAll()
                while let result = await group.nextResult() {
                    #expect(throws: CancellationError.self) { try result.get() }
                }
            }
            try await server.clientLeft()
            let next = try await server.get("/next")
            #expect(next.status == 200)
            #expect(server.world.time.now - start < .seconds(10))
        }
    }

    @Test func alreadyCancelled() async throws {
        try await ScriptedServer.with { _ in
            .keep(answer())
        } _: { server in
            await withThrowingTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask { _ = try await server.get() }
                await #expect(throws: CancellationError.self) { try await group.waitForAll() }
            }
            #expect(server.seen.isEmpty)
            _ = try await server.get()
        }
    }
}
