import HTTPKit
import Simulation
import Testing
import World

private let nova = "http://nova:8774"

@Suite struct HTTPTests {
    private func failure(_ body: () async throws -> HTTPResponse) async -> HTTPFailure? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? HTTPFailure
        }
    }

    @Test func answersTakeTheirTime() throws {
        let simulation = Simulation(seed: 1)
        simulation.http.setLatency(.milliseconds(10))
        simulation.http.serve(nova) { request, now in
            .response(HTTPResponse(status: 200, body: Array("\(request.url) \(now)".utf8)), after: .seconds(2))
        }
        try simulation.run { world in
            let start = world.time.now
            let response = try await world.http.execute(HTTPRequest(.get, "\(nova)/servers"))
            #expect(response.text == "\(nova)/servers 2026-01-01T00:00:00.010000Z")
            #expect(world.time.now - start == .milliseconds(2_020))
        }
    }

    @Test func failuresSayWhatArrived() throws {
        let simulation = Simulation(seed: 1)
        let seen = Locked(0)
        simulation.http.serve(nova) { request, _ in
            seen.withLock { $0 += 1 }
            return request.url.hasSuffix("never")
                ? .never : .failure(.reset, of: request, mayHaveArrived: true, after: .seconds(1))
        }
        try simulation.run { world in
            let refused = await failure { try await world.http.execute(HTTPRequest(.get, "http://other/x?token=1")) }
            #expect(refused?.reason == .connect)
            #expect(refused?.mayHaveArrived == false)
            #expect(refused?.request == "GET http://other/x")
            let start = world.time.now
            let silent = await failure {
                try await world.http.execute(HTTPRequest(.post, "\(nova)/never", timeout: .seconds(7)))
            }
            #expect(silent?.reason == .timeout)
            #expect(silent?.mayHaveArrived == true)
            #expect(world.time.now - start == .seconds(7))
            #expect(await failure { try await world.http.execute(HTTPRequest(.get, "\(nova)/x")) }?.reason == .reset)
        }
        #expect(seen.withLock { $0 } == 2)
    }

    @Test func requestsCanBeInterceptedByNumber() throws {
        let simulation = Simulation(seed: 1)
        let served = Locked([String]())
        simulation.http.serve(nova) { request, _ in
            served.withLock { $0.append(request.url) }
            return .response(HTTPResponse(status: 200))
        }
        let answered = Locked([Int]())
        simulation.http.onAnswer { exchange, _ in answered.withLock { $0.append(exchange.index) } }
        simulation.http.onRequest { exchange in
            switch exchange.index {
            case 2: .instead(.failure(.connect, of: exchange.request, mayHaveArrived: false))
            case 3: .deliverThen(.failure(.reset, of: exchange.request, mayHaveArrived: true))
            default: .deliver
            }
        }
        try simulation.run { world in
            var reasons: [HTTPFailure.Reason?] = []
            for index in 1...4 {
                reasons.append(
                    await failure { try await world.http.execute(HTTPRequest(.get, "\(nova)/\(index)")) }?.reason)
            }
            #expect(reasons == [nil, .connect, .reset, nil])
        }
        #expect(served.withLock { $0 } == ["\(nova)/1", "\(nova)/3", "\(nova)/4"])
        #expect(answered.withLock { $0 } == [1, 3, 4])
        #expect(simulation.http.requests == 4)
    }

    @Test func aCancelledRequestIsStillCarriedOut() throws {
        let simulation = Simulation(seed: 1)
        let created = Locked(false)
        simulation.http.setLatency(.seconds(1))
        simulation.http.serve(nova) { _, _ in
            created.withLock { $0 = true }
            return .response(HTTPResponse(status: 202))
        }
        try simulation.run { world in
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.milliseconds(500), doing: "create") {
                    try await world.http.execute(HTTPRequest(.post, "\(nova)/servers"))
                }
            }
            try await world.time.sleep(for: .seconds(1))
            #expect(created.withLock { $0 })
        }
    }

    @Test func longAnswersAreRefused() throws {
        let simulation = Simulation(seed: 1)
        simulation.http.serveEverything { _, _ in .response(HTTPResponse(status: 200, body: [1, 2, 3])) }
        try simulation.run { world in
            let request = HTTPRequest(.get, "http://anywhere/", maximumAnswer: 2)
            #expect(await failure { try await world.http.execute(request) }?.reason == .answerTooLarge)
        }
    }
}
