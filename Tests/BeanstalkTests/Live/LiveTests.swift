import Beanstalk
import Glibc
import TestSupport
import Testing
import World

/// Against a real beanstalkd.
@Suite struct LiveTests {
    private func withBroker<Value: Sendable>(
        _ options: Beanstalkd.Options = .init(),
        _ body: @Sendable (Broker, Beanstalkd, World) async throws -> Value
    ) async throws -> Value {
        try await withLiveWorld { world in
            try await withBeanstalkd(options, in: world) { server in
                try await body(Broker(server.endpoint, world: world), server, world)
            }
        }
    }

    private func work(_ name: String = "work") throws -> Tubes {
        Tubes(use: try TubeName(name), watching: [try TubeName(name)])
    }

    @Test func everyCommandAndWhatItAnswers() async throws {
        try await withBroker { broker, _, _ in try await Self.tryEverything(broker) }
    }

    @Test func overAUnixSocket() async throws {
        try await withTemporaryFolder { folder in
            try await withBroker(.init(socket: folder + "/broker")) { broker, _, _ in
                try await Self.tryEverything(broker)
            }
        }
    }

    @Test func byHostName() async throws {
        try await withBroker { _, server, world in
            let named = Broker(try BrokerAddress.parse("tcp://localhost:\(server.port)"), world: world)
            try await Self.tryEverything(named)
        }
    }

    @Test func overIPv6() async throws {
        try await withBroker(.init(host: "::1")) { _, server, world in
            let broker = Broker(try BrokerAddress.parse("[::1]:\(server.port)"), world: world)
            try await Self.tryEverything(broker)
        }
    }

    private static func tryEverything(_ broker: Broker) async throws {
        let work = try TubeName("work")
        let spare = try TubeName("spare/1.5;$_()")
        try await broker.connect(Tubes(use: work, watching: [work])) { connection in
            #expect(try await connection.tubeInUse() == work)
            #expect(try await connection.watchedTubes() == [work])
            #expect(try await connection.watch(spare) == 2)
            #expect(Set(try await connection.tubes()) == [.standard, work, spare])
            #expect(try await connection.ignore(spare) == 1)
            #expect(try await connection.ignore(work) == nil)

            // Nothing there.
            let nobody = JobID(1_000_000)
            #expect(try await connection.reserve(timeout: .zero) == .timedOut)
            #expect(try await connection.reserve(job: nobody) == nil)
            #expect(try await connection.delete(nobody) == false)
            #expect(try await connection.release(nobody, priority: 0, delay: .zero) == .notFound)
            #expect(try await connection.bury(nobody, priority: 0) == false)
            #expect(try await connection.touch(nobody) == false)
            #expect(try await connection.kick(nobody) == false)
            #expect(try await connection.peek(nobody) == nil)
            #expect(try await connection.statistics(of: nobody) == nil)
            #expect(try await connection.statistics(of: try TubeName("absent")) == nil)
            #expect(try await connection.pause(try TubeName("absent"), for: .seconds(1)) == false)
            for target in [PeekTarget.ready, .delayed, .buried] {
                #expect(try await connection.peek(target) == nil)
            }

            // One job's life.
            let body = Array("line\r\nRESERVED 1 1\r\n\0\u{FF}".utf8)
            let id = try await connection.put(body, priority: 5, ttr: .seconds(60)).id
            #expect(try await connection.peek(.ready) == QueuedJob(id: id, body: body))
            #expect(try await connection.peek(id)?.body == body)
            #expect(try await connection.reserve(timeout: .seconds(5)) == .job(QueuedJob(id: id, body: body)))
            #expect(try await connection.touch(id))
            #expect(try await connection.bury(id, priority: 7))
            #expect(try await connection.peek(.buried)?.id == id)
            #expect(try await connection.kick(bound: 10) == 1)
            #expect(try await connection.reserve(job: id)?.id == id)
            #expect(try await connection.release(id, priority: 8, delay: .seconds(100)) == .released)
            #expect(try await connection.peek(.delayed)?.id == id)
            let statistics = try #require(try await connection.statistics(of: id))
            #expect(statistics.tube == work)
            #expect(statistics.state == .delayed)
            #expect(statistics.priority == 8)
            #expect(statistics.ttr == .seconds(60))
            #expect(statistics.delay == .seconds(100))
            #expect((statistics.reserves, statistics.releases, statistics.buries, statistics.kicks) == (2, 1, 1, 1))
            #expect(try await connection.kick(id))
            #expect(try await connection.delete(id))

            // Into another tube, and a pause.
            let other = try await connection.put([], into: spare, priority: 2_000, ttr: .zero).id
            #expect(try await connection.tubeInUse() == spare)
            #expect(try await connection.statistics(of: other)?.ttr == .seconds(1))
            let tube = try #require(try await connection.statistics(of: spare))
            #expect((tube.jobs.ready, tube.jobs.urgent, tube.using, tube.totalJobs) == (1, 0, 1, 1))
            #expect(try await connection.pause(spare, for: .seconds(50)))
            try await connection.watch(spare)
            #expect(try await connection.reserve(timeout: .zero) == .timedOut)
            #expect(try await connection.statistics(of: spare)?.pause == .seconds(50))
            #expect(try await connection.pause(spare, for: .zero))
            #expect(try await connection.reserve(timeout: .seconds(5)) == .job(QueuedJob(id: other, body: [])))
            #expect(try await connection.delete(other))

            let server = try await connection.statistics()
            #expect(server.maximumJobSize == 65_535)
            #expect(server.connections >= 1)
            #expect(!server.isDraining)
            #expect(!server.binlog.isActive)
            #expect(server.count(of: .put) == 2)
            #expect(server.version.hasPrefix("1."))

            let ended = try await connection.lostAfterQuit()
            #expect(ended.cause == .ended(.endedByBroker))
        }
    }

    @Test func bodiesUpToTheBrokersLimit() async throws {
        try await withBroker { broker, _, _ in
            try await broker.connect { connection in
                let largest = manyBytes(65_535)
                let id = try await connection.put(largest, priority: 0, ttr: .seconds(60)).id
                #expect(try await connection.peek(id)?.body == largest)
                let error = await #expect(throws: BrokerError.self) {
                    try await connection.put(largest + [0], priority: 0, ttr: .seconds(60))
                }
                #expect(error?.cause == .refused(.jobTooBig))
                #expect(try await connection.delete(id))
            }
        }
    }

    @Test func largeBodiesOfABrokerThatAllowsThem() async throws {
        try await withBroker(.init(maximumJobSize: 8 << 20)) { broker, _, _ in
            try await broker.connect { connection in
                let body = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                let id = try await connection.put(body, priority: 0, ttr: .seconds(60)).id
                #expect(try await connection.peek(id)?.body == body)
            }
        }
    }

    @Test func tenThousandCommandsInFlight() async throws {
        try await withBroker { broker, _, _ in
            try await broker.connect(work()) { connection in
                let count = 10_000
                let puts = (0..<count).map { number in
                    Command.put(
                        priority: 0, delay: WireSeconds(0), ttr: WireSeconds(60), body: Array("job \(number)".utf8))
                }
                let ids = try await connection.pipeline(puts).compactMap { reply -> JobID? in
                    if case .inserted(let id) = reply { id } else { nil }
                }
                #expect(ids.count == count)
                let peeked = try await connection.pipeline(ids.map(Command.peek))
                #expect(peeked == zip(ids, 0...).map { .found(QueuedJob($0.number, "job \($1)")) })
                let statistics = try await connection.pipeline(ids.map(Command.statsJob))
                for (id, reply) in zip(ids, statistics) {
                    guard case .ok(let document) = reply else {
                        Issue.record("\(reply.keyword) for job \(id)")
                        return
                    }
                    #expect(try JobStatistics(parsing: document).id == id)
                }
                #expect(try await connection.pipeline(ids.map(Command.kickJob)).allSatisfy { $0 == .notFound })
                #expect(try await connection.pipeline(ids.map(Command.delete)).allSatisfy { $0 == .deleted })
            }
        }
    }

    @Test func manyTasksShareOneConnection() async throws {
        try await withBroker { broker, _, _ in
            try await broker.connect(work()) { connection in
                let mismatches = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<1_000 {
                        group.addTask {
                            let body = Array("job \(number)".utf8)
                            let id = try await connection.put(body, priority: 0, ttr: .seconds(60)).id
                            let found = try await connection.peek(id)
                            return try await connection.delete(id) && found?.body == body
                        }
                    }
                    return try await group.reduce(0) { $0 + ($1 ? 0 : 1) }
                }
                #expect(mismatches == 0)
            }
        }
    }

    @Test func aBrokerThatIsKilledDuringAReserveAndComesBack() async throws {
        try await withLiveWorld { world in
            try await withBeanstalkd(in: world) { server in
                let events = Locked([BrokerEvent]())
                let broker = Broker(
                    server.endpoint, backoff: ReconnectBackoff(base: .milliseconds(5), limit: .milliseconds(20)),
                    world: world
                ) { event in events.withLock { $0.append(event) } }
                let tubes = Tubes(use: try TubeName("in"), watching: [try TubeName("in"), try TubeName("more")])
                let error = try await withThrowingTaskGroup(of: Void.self) { group in
                    let waiting = Signal<Void>()
                    group.addTask {
                        try await waiting.wait()
                        try await server.stop(SIGKILL)
                        try await server.start()
                    }
                    let error = await #expect(throws: BrokerError.self) {
                        try await broker.connect(tubes) { connection in
                            waiting.raise(())
                            _ = try await connection.reserve(timeout: .seconds(60))
                        }
                    }
                    // Begins while it is down.
                    let watched = try await broker.connectPatiently(tubes, unless: Signal()) { connection in
                        try await connection.watchedTubes()
                    }
                    #expect(Set(watched ?? []) == Set(tubes.watching))
                    try await group.waitForAll()
                    return error
                }
                #expect(error?.isConnectionLost == true)
                let seen = events.withLock { $0 }
                #expect(seen.first == .connected(server.endpoint))
                #expect(seen.contains { if case .lost = $0 { true } else { false } })
                #expect(seen.last == .connected(server.endpoint))
            }
        }
    }

    @Test func drainMode() async throws {
        try await withBroker { broker, server, _ in
            try await broker.connect { connection in
                let id = try await connection.put([1], priority: 0, ttr: .seconds(60)).id
                await server.signal(SIGUSR1)
                while try await !connection.statistics().isDraining {}
                let error = await #expect(throws: BrokerError.self) {
                    try await connection.put([2], priority: 0, ttr: .seconds(60))
                }
                #expect(error?.cause == .refused(.draining))
                #expect(try await connection.reserve(timeout: .zero) == .job(QueuedJob(id: id, body: [1])))
            }
        }
    }

    @Test func aBrokerThatDoesNotAnswerIsGivenUp() async throws {
        try await withLiveWorld { world in
            try await withBeanstalkd(in: world) { server in
                let settings = ConnectionSettings(replyTimeout: .milliseconds(200))
                try await Broker(server.endpoint, settings: settings, world: world).connect { connection in
                    await server.signal(SIGSTOP)
                    let error = await #expect(throws: BrokerError.self) { try await connection.statistics() }
                    await server.signal(SIGCONT)
                    guard case .ended(.silent(let time, let question)) = error?.cause else {
                        Issue.record("ended by \(String(describing: error))")
                        return
                    }
                    #expect(time >= .milliseconds(200))
                    #expect(question.name == .stats)
                }
            }
        }
    }

    @Test func theBrokerGivesAnExpiredJobToOthersAndOurStaleDeleteIsNeverSent() async throws {
        try await withBroker { broker, _, world in
            let tubes = try work()
            try await broker.connect(tubes) { first in
                try await broker.connect(tubes) { second in
                    let id = try await first.put([1], priority: 3, ttr: .seconds(2)).id
                    let token = try await first.accept(first.nextJob(poll: .seconds(5)))
                    guard let token else {
                        Issue.record("the job was not accepted")
                        return
                    }
                    #expect(token.delivery.id == id)
                    #expect(token.delivery.statistics.state == .reserved)
                    // Nobody touches it again, so that after its time it comes to the other connection. If it was touched
                    // once, beanstalkd 1.12 may notice that only when its holder says something.
                    try await world.time.sleep(for: .milliseconds(2_100))
                    _ = try await first.tubeInUse()
                    #expect(try await second.nextJob(poll: .seconds(5)).id == id)
                    #expect(try await second.release(id, priority: 3, delay: .seconds(100)) == .released)
                    let settlement = await token.delete()
                    #expect(settlement == .leaseLost(.expired))
                    #expect(try await second.statistics(of: id)?.state == .delayed)
                }
            }
        }
    }

    @Test func aTokenSettlesARealJob() async throws {
        try await withBroker { broker, _, _ in
            try await broker.connect(work()) { connection in
                for way in ["delete", "release", "bury"] {
                    let id = try await connection.put(Array(way.utf8), priority: 3, ttr: .seconds(60)).id
                    guard let token = try await connection.accept(connection.nextJob(poll: .seconds(5))) else {
                        Issue.record("the job was not accepted")
                        return
                    }
                    let settlement: Settlement
                    switch way {
                    case "delete": settlement = await token.delete()
                    case "release": settlement = await token.release(priority: 3, delay: .seconds(100))
                    default: settlement = await token.bury(priority: 3)
                    }
                    let state = try await connection.statistics(of: id)?.state
                    switch way {
                    case "delete": #expect((settlement, state) == (.settled(.deleted), nil))
                    case "release": #expect((settlement, state) == (.settled(.released), .delayed))
                    default: #expect((settlement, state) == (.settled(.buried), .buried))
                    }
                }
            }
        }
    }

    @Test func closingGivesTheJobBackUncounted() async throws {
        try await withBroker { broker, _, _ in
            let tubes = try work()
            try await broker.connect(tubes) { other in
                let id = try await other.put([1], priority: 3, ttr: .seconds(600)).id
                try await broker.connect(tubes) { connection in
                    let token = try await connection.accept(connection.nextJob(poll: .seconds(5)))
                    token?.abandon(because: "the test says so")
                }
                #expect(try await other.nextJob(poll: .seconds(5)).id == id)
                let statistics = try #require(try await other.statistics(of: id))
                #expect((statistics.reserves, statistics.timeouts, statistics.releases) == (2, 0, 0))
            }
        }
    }

    @Test func deadlineSoon() async throws {
        try await withBroker { broker, _, _ in
            try await broker.connect(work()) { connection in
                let id = try await connection.put([1], priority: 3, ttr: .seconds(1)).id
                #expect(try await connection.reserve(timeout: .zero) == .job(QueuedJob(id: id, body: [1])))
                #expect(try await connection.reserve(timeout: .seconds(5)) == .deadlineSoon)
            }
        }
    }
}

extension Connection {
    fileprivate func lostAfterQuit() async throws -> BrokerError {
        await #expect(throws: BrokerError.self) { try await self.call(.quit) }
        return try await lost.wait()
    }
}
