import HTTPKit
import Resilience
import Simulation
import Testing
import World

private let origin = "http://nova:8774"

private struct ClosedFence: Fence {
    func check() throws { throw FenceClosed(reason: "test") }
}

private final class Records: Sendable {
    private let state = Locked([RequestRecord]())

    var all: [RequestRecord] { state.withLock { $0 } }
    var call: Call { Call(observe: { record in self.state.withLock { $0.append(record) } }) }
}

extension Gate {
    fileprivate func get(_ intent: Intent = .look, for call: Call = Call()) async throws -> HTTPResponse {
        try await send(
            HTTPRequest(intent == .look ? .get : .post, "\(origin)/x", timeout: .seconds(10)), intent,
            operation: "test", path: "GET /x", for: call
        ) { response in
            switch response.status {
            case 200..<300: nil
            case 401: Verdict(.site, "refused", next: "mend it")
            case 403: Verdict(.capacity, "quota")
            default: Verdict(.transient, "HTTP \(response.status)", isOutage: response.status >= 500)
            }
        }
    }
}

/// The gate with virtual time and a server that is a closure.
@Suite struct GateTests {
    private func gate(_ world: World, _ change: (inout GateSettings) -> Void = { _ in }) -> Gate {
        var settings = GateSettings()
        change(&settings)
        return Gate(service: "nova", provider: "test", settings: settings, world: world)
    }

    /// When each request arrived, and which.
    private func arrivals(_ simulation: Simulation, answer: HTTPResponse = HTTPResponse(status: 200)) -> Locked<
        [Timestamp]
    > {
        let arrivals = Locked([Timestamp]())
        simulation.http.serve(origin) { _, now in
            arrivals.withLock { $0.append(now) }
            return .response(answer)
        }
        return arrivals
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func aHundredRequestsLeaveAtTheRate(seed: UInt64) throws {
        let simulation = Simulation(seed: seed, order: .shuffled)
        let arrivals = arrivals(simulation)
        let took = try simulation.run { world in
            let gate = gate(world) {
                $0.rate = 20
                $0.burst = 10
            }
            let began = world.time.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<100 { group.addTask { _ = try await gate.get() } }
                try await group.waitForAll()
            }
            return world.time.now - began
        }
        #expect(arrivals.withLock { $0.count } == 100)
        #expect(took == .milliseconds(4_500))
    }

    @Test func aPauseHoldsAllAndIsMeasured() throws {
        let simulation = Simulation(seed: 1)
        let count = Locked(0)
        simulation.http.serve(origin) { _, _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return .response(
                number == 1 ? HTTPResponse(status: 429, headers: ["Retry-After": "7"]) : HTTPResponse(status: 200))
        }
        let records = Records()
        try simulation.run { world in
            let gate = gate(world)
            await #expect(throws: ServiceError.self) { try await gate.get() }
            let state = gate.state
            #expect(state.name == "paused")
            let began = world.time.now
            _ = try await gate.get(for: records.call)
            #expect(world.time.now - began == .seconds(7))
            #expect(gate.closures.time(since: began) == .seconds(7))
            #expect(gate.state == .open)
        }
        #expect(records.all.map(\.waited) == [.seconds(7)])
        #expect(records.all.map(\.status) == [200])
    }

    /// Debug pages repeat the request.
    @Test func anEchoOfARequestShowsNoSecret() throws {
        let simulation = Simulation(seed: 1)
        simulation.http.serve(origin) { request, _ in
            let echo = request.headers.fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
            return .response(
                HTTPResponse(status: 500, headers: ["X-OpenStack-Request-Id": echo], body: Array(echo.utf8)))
        }
        let records = Records()
        try simulation.run { world in
            let gate = gate(world)
            var request = HTTPRequest(.get, "\(origin)/x", headers: ["X-Auth-Token": "gAAAA-token"])
            request.secrets = ["gAAAA-token"]
            let error = await #expect(throws: ServiceError.self) {
                try await gate.send(request, .look, operation: "test", path: "GET /x", for: records.call) {
                    Verdict(.transient, $0.text)
                }
            }
            #expect(error?.message == "X-Auth-Token: (hidden)")
            #expect(error.map { !"\($0)".contains("gAAAA") } == true)
        }
        #expect(records.all.map(\.failure) == ["X-Auth-Token: (hidden)"])
        #expect(records.all.allSatisfy { $0.requestID?.contains("gAAAA") == false })
    }

    /// nginx, Go, Apache, TLS itself.
    @Test(arguments: [
        (400, "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>"),
        (400, "Client sent an HTTP request to an HTTPS server.\n"),
        (400, "<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />"),
        (200, "\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}F"),
    ])
    func clearTextAtAPortOfTLSIsNamed(status: Int, body: String) throws {
        let simulation = Simulation(seed: 1)
        simulation.http.serve(origin) { _, _ in .response(HTTPResponse(status: status, body: Array(body.utf8))) }
        try simulation.run { world in
            let gate = gate(world)
            let error = await #expect(throws: ServiceError.self) { try await gate.get() }
            #expect(error?.kind == .site)
            #expect(error?.next.contains("write https:// instead of http:// for nova") == true)
            #expect(gate.state.name == "configuration")
        }
    }

    @Test func anAnswerThatIsTooLargeIsTheSitesFault() throws {
        let simulation = Simulation(seed: 1)
        simulation.http.serve(origin) { _, _ in
            .response(HTTPResponse(status: 200, body: [UInt8](repeating: 0x20, count: 1 << 20 + 1)))
        }
        try simulation.run { world in
            let gate = gate(world)
            let error = await #expect(throws: ServiceError.self) { try await gate.get() }
            #expect(error?.kind == .site && error?.message.contains("1048576 bytes") == true)
            // Other questions may still be answered.
            #expect(gate.state == .open)
        }
    }

    @Test func aPortWithoutTLSIsNamed() throws {
        let simulation = Simulation(seed: 1)
        simulation.http.serve(origin) { request, _ in
            .failure(HTTPFailure(reason: .notTLS, request: "", detail: "wrong version number", mayHaveArrived: false))
        }
        try simulation.run { world in
            let gate = gate(world)
            let error = await #expect(throws: ServiceError.self) { try await gate.get() }
            #expect(error?.kind == .site)
            #expect(error?.next.contains("write http:// instead of https:// for nova") == true)
        }
    }

    @Test func drainTakesWaitersOutOfTheQueue() throws {
        let simulation = Simulation(seed: 1)
        let arrivals = arrivals(simulation)
        try simulation.run { world in
            let gate = gate(world)
            gate.closeForConfiguration("test")
            let drain = Signal<Void>()
            let held = Call(drain: drain)
            try await withThrowingTaskGroup(of: String.self) { group in
                for intent in [Intent.create, .change, .remove] {
                    group.addTask {
                        do { _ = try await gate.get(intent, for: held) } catch is Drained { return "drained" }
                        return "sent"
                    }
                }
                group.addTask {
                    _ = try await gate.get(.look, for: held)
                    return "looked"
                }
                try await world.time.sleep(for: .seconds(5))
                drain.raise(())
                for _ in 0..<3 { #expect(try await group.next() == "drained") }
                gate.reopen()
                #expect(try await group.next() == "looked")
            }
            await #expect(throws: Drained.self) { try await gate.get(.create, for: held) }
        }
        #expect(arrivals.withLock { $0.count } == 1)
    }

    @Test func aClosedFenceLetsNothingOutAndCostsNoToken() throws {
        let simulation = Simulation(seed: 1)
        let arrivals = arrivals(simulation)
        try simulation.run { world in
            let gate = gate(world) {
                $0.rate = 1
                $0.burst = 1
            }
            let fenced = Call(fence: ClosedFence())
            await #expect(throws: FenceClosed.self) { try await gate.get(.create, for: fenced) }
            let began = world.time.now
            _ = try await gate.get(.look, for: fenced)
            #expect(world.time.now == began)
        }
        #expect(arrivals.withLock { $0.count } == 1)
    }

    @Test func theFenceIsTestedAfterTheWait() throws {
        let simulation = Simulation(seed: 1)
        let arrivals = arrivals(simulation)
        let isClosed = Locked(false)
        struct Switched: Fence {
            let isClosed: Locked<Bool>
            func check() throws { if isClosed.withLock({ $0 }) { throw FenceClosed(reason: "over") } }
        }
        try simulation.run { world in
            let gate = gate(world) {
                $0.rate = 1
                $0.burst = 1
            }
            _ = try await gate.get()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await #expect(throws: FenceClosed.self) {
                        try await gate.get(.change, for: Call(fence: Switched(isClosed: isClosed)))
                    }
                }
                try await world.time.sleep(for: .milliseconds(500))
                isClosed.withLock { $0 = true }
                try await group.waitForAll()
            }
        }
        #expect(arrivals.withLock { $0.count } == 1)
    }

    @Test func whatWaitedForTooLongDoesNotLeave() throws {
        let simulation = Simulation(seed: 1)
        let arrivals = arrivals(simulation)
        try simulation.run { world in
            let gate = gate(world) {
                $0.rate = 1
                $0.burst = 1
            }
            _ = try await gate.get()
            let decided = Call().good(until: world.time.now + .milliseconds(500))
            await #expect(throws: Outdated.self) { try await gate.get(.change, for: decided) }
            _ = try await gate.get(.change, for: Call().good(until: world.time.now + .seconds(2)))
            // A look decides nothing.
            _ = try await gate.get(.look, for: decided)
        }
        #expect(arrivals.withLock { $0.count } == 3)
    }

    @Test func aBrokenServiceIsProbedByOneAndThenServesAll() throws {
        let simulation = Simulation(seed: 4, order: .shuffled)
        let isUp = Locked(false)
        let whileDown = Locked(0)
        simulation.http.serve(origin) { request, _ in
            if isUp.withLock({ $0 }) { return .response(HTTPResponse(status: 200)) }
            whileDown.withLock { $0 += 1 }
            return .failure(.connect, of: request, mayHaveArrived: false)
        }
        try simulation.run { world in
            let gate = gate(world) { $0.breakerThreshold = 3 }
            for _ in 0..<3 {
                await #expect(throws: ServiceError.self) { try await gate.get() }
            }
            #expect(gate.state.name == "broken")
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        do {
                            _ = try await gate.get()
                            return true
                        } catch is ServiceError {
                            return false
                        }
                    }
                }
                try await world.time.sleep(for: .seconds(10))
                isUp.withLock { $0 = true }
                var served = 0
                for try await isServed in group where isServed { served += 1 }
                #expect(served == 53 - whileDown.withLock { $0 })
            }
            #expect(gate.state == .open)
        }
        // Three that opened it, then a probe now and then.
        #expect((4...12).contains(whileDown.withLock { $0 }))
    }

    @Test func configurationIsTriedNowAndThen() throws {
        let simulation = Simulation(seed: 1)
        let status = Locked(401)
        simulation.http.serve(origin) { _, _ in .response(HTTPResponse(status: status.withLock { $0 })) }
        let states = Locked([String]())
        try simulation.run { world in
            let gate = Gate(service: "nova", provider: "test", settings: GateSettings(), world: world) { state in
                states.withLock { $0.append(state.name) }
            }
            await #expect(throws: ServiceError.self) { try await gate.get() }
            status.withLock { $0 = 200 }
            let began = world.time.now
            _ = try await gate.get()
            #expect(world.time.now - began == .seconds(30))
        }
        #expect(states.withLock { $0 } == ["configuration", "open"])
    }

    /// A 503 is a plea for rest only if it says so or the service's own judgement does: paddles answers 503 when too few
    /// nodes are free (facts/teuthology.md 1.2).
    @Test(
        arguments: [
            (429, nil, nil, true), (429, nil, Verdict(.transient, "slow"), true),
            (503, nil, nil, false), (503, nil, Verdict(.capacity, "only 0 nodes available"), false),
            (503, nil, Verdict(.transient, "down", isOutage: true), true),
            (503, "7", Verdict(.transient, "later"), true), (503, "7", nil, true),
            (413, nil, Verdict(.transient, "over limit"), true), (413, nil, Verdict(.permanent, "too large"), false),
            (500, nil, Verdict(.transient, "oops", isOutage: true), false), (200, nil, nil, false),
        ] as [(Int, String?, Verdict?, Bool)])
    func pausesOnlyWhenAskedTo(status: Int, retryAfter: String?, verdict: Verdict?, pauses: Bool) throws {
        let simulation = Simulation(seed: 1)
        var response = HTTPResponse(status: status)
        if let retryAfter { response.headers["Retry-After"] = retryAfter }
        _ = arrivals(simulation, answer: response)
        try simulation.run { world in
            let gate = gate(world)
            _ = try? await gate.send(
                HTTPRequest(.get, "\(origin)/x"), .look, operation: "test", path: "GET /x", for: Call()
            ) { _ in verdict }
            #expect((gate.state.name == "paused") == pauses)
        }
    }

    @Test func whoWaitsForAnotherStateHearsOfIt() throws {
        let simulation = Simulation(seed: 1)
        simulation.http.serve(origin) { _, _ in
            .response(HTTPResponse(status: 429, headers: ["Retry-After": "60"]))
        }
        try simulation.run { world in
            let gate = gate(world)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let paused = try await gate.state(otherThan: .open)
                    #expect(paused.name == "paused")
                    #expect(try await gate.state(otherThan: paused) == .open)
                    let began = world.time.now - .seconds(100)
                    #expect(gate.closures.time(since: began) == .seconds(60))
                }
                try await world.time.sleep(for: .seconds(1))
                await #expect(throws: ServiceError.self) { try await gate.get() }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64]) func cancelledWaitersLeaveNothingBehind(seed: UInt64) throws {
        let simulation = Simulation(seed: seed, order: .shuffled)
        let arrivals = arrivals(simulation)
        try simulation.run { world in
            let gate = gate(world) {
                $0.rate = 10
                $0.burst = 1
                $0.concurrency = 1
            }
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try? await gate.get() } }
                try? await world.time.sleep(for: .milliseconds(450))
                group.cancelAll()
            }
            let began = world.time.now
            _ = try await gate.get()
            _ = try await gate.get()
            #expect(world.time.now - began <= .milliseconds(200))
        }
        #expect(arrivals.withLock { $0.count } <= 8)
    }

    @Test func aRequestThatStandsForLongIsParked() throws {
        let simulation = Simulation(seed: 1)
        _ = arrivals(simulation)
        try simulation.run { world in
            let gate = gate(world)
            gate.closeForConfiguration("the login is refused")
            let began = world.time.now
            await #expect(throws: Parked.self) { try await gate.get(for: Call(parkAfter: .seconds(40))) }
            #expect(world.time.now - began == .seconds(40))
        }
    }

    @Test func errorsSayWhatAndWhereAndWhatNext() throws {
        let simulation = Simulation(seed: 1)
        simulation.http.serve(origin) { request, _ in
            request.method == .get
                ? .response(HTTPResponse(status: 401, headers: ["X-Openstack-Request-Id": "req-1"]))
                : .failure(.timeout, of: request, mayHaveArrived: true)
        }
        try simulation.run { world in
            let gate = gate(world)
            do {
                _ = try await gate.get(.change)
                #expect(Bool(false), "it should fail")
            } catch let error as ServiceError {
                #expect(error.kind == .ambiguous)
            }
            do {
                _ = try await gate.get()
                #expect(Bool(false), "it should fail")
            } catch let error as ServiceError {
                #expect(error.kind == .site)
                #expect(error.description == "nova: test failed (HTTP 401): refused [req-1]")
                #expect(error.next == "mend it")
            }
        }
    }

    @Test func theSameSeedGivesTheSameTrace() throws {
        func trace() throws -> UInt64 {
            let simulation = Simulation(seed: 99, order: .shuffled)
            _ = arrivals(simulation)
            try simulation.run { world in
                let gate = gate(world) { $0.rate = 50 }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<60 {
                        group.addTask {
                            _ = try await gate.get(Intent.allCases[index % Intent.allCases.count])
                        }
                    }
                    try await group.waitForAll()
                }
            }
            return UInt64(simulation.jobs)
        }
        #expect(try trace() == trace())
    }
}
