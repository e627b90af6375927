import Beanstalk
import Configuration
import Jobs
import Sandbox
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// Jobs in the queue as operators see them, against the simulated broker.
@Suite struct QueuedJobsTests {
    private static func reader(_ bench: Bench, _ world: World) throws -> QueueReader {
        try QueueReader(
            broker: Broker(bench.configuration.broker, world: world), tubes: bench.configuration.tubes, world: world)
    }

    private static func body(_ node: String, _ more: String = "") -> String {
        "{action: provision, node: \(node), owner: me@lab, uuid: key-\(node), secret_token: hush\(more)}"
    }

    private static func bury(_ id: UInt64, in bench: Bench) {
        bench.broker.ask(Array("reserve-job \(id)\r\nbury \(id) 0\r\n".utf8))
    }

    /// One of each state but reserved, in the order of their puts: buried, delayed, ready, ready and urgent.
    private static func one(ofEach bench: Bench) throws -> [UInt64] {
        let buried = try #require(bench.put(.provision, body("ovh001")))
        bury(buried, in: bench)
        let delayed = try #require(bench.put(.provision, body("ovh002.front.lab.test"), delay: 500))
        let ready = try #require(bench.put(.destroy, "{action: destroy, node: ovh002, owner: me@lab, uuid: key-3}"))
        let urgent = try #require(
            bench.broker.put(Array(body("ovh003").utf8), tube: "cirrata.provision.ovh", priority: 1))
        return [buried, delayed, ready, urgent]
    }

    @Test func allStatesInTheirOrder() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let ids = try Self.one(ofEach: bench)
            bench.broker.put(Array("{action: provision}".utf8), tube: "smithi")
            let reader = try Self.reader(bench, world)
            let all = try await reader.jobs(QueueFilter(), limit: 10)
            #expect(all.jobs.map(\.id.number) == [ids[3], ids[2], ids[1], ids[0]])
            #expect(all.jobs.map(\.shortNode) == ["ovh003", "ovh002", "ovh002", "ovh001"])
            #expect(all.jobs.map(\.action) == ["provision", "destroy", "provision", "provision"])
            #expect(all.jobs.allSatisfy { $0.provider == "ovh" && $0.holder == nil && $0["secret_token"] == nil })
            #expect(all.total == 4 && all.notFound == 0 && all.buriedElsewhere == 0)

            func numbers(_ filter: QueueFilter, _ limit: Int = 10) async throws -> ([UInt64], Int) {
                let found = try await reader.jobs(filter, limit: limit)
                return (found.jobs.map(\.id.number), found.total)
            }
            #expect(try await numbers(QueueFilter(), 1) == ([ids[3]], 4))
            #expect(try await numbers(QueueFilter(state: .buried)) == ([ids[0]], 1))
            #expect(try await numbers(QueueFilter(state: .delayed)) == ([ids[1]], 1))
            #expect(try await numbers(QueueFilter(node: Glob("*2"))) == ([ids[2], ids[1]], 2))
            #expect(try await numbers(QueueFilter(provider: "nobody")) == ([], 0))
        }
    }

    @Test func whatAPersonMayMean() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let ids = try Self.one(ofEach: bench)
            let others = try #require(bench.broker.put(Array(Self.body("ovh009").utf8), tube: "smithi"))
            let reader = try Self.reader(bench, world)
            func numbers(_ reference: String) async throws -> [UInt64] {
                try await reader.find(reference).map(\.id.number)
            }
            #expect(try await numbers("\(ids[0])") == [ids[0]])
            #expect(try await numbers("key-ovh003") == [ids[3]])
            for name in ["ovh002", "ovh002.front.lab.test"] { #expect(try await numbers(name) == [ids[2], ids[1]]) }
            for name in ["ovh009", "\(others)", "99999", "ovh", ""] { #expect(try await numbers(name) == []) }
            let weak = try #require(bench.put(.destroy, "{action: destroy, node: ovh004, owner: me@lab}"))
            let key = try #require(try await reader.find("\(weak)").first?.key)
            #expect(key.hasPrefix("d-"))
            #expect(try await numbers(key) == [weak])
        }
    }

    @Test func whoHoldsItAndInWhichStep() throws {
        let bench = try Bench(sandbox: { $0.timings.boot = .seconds(300) })
        try bench.simulation.run { world in
            bench.worker("w1").start()
            bench.lock("ovh001")
            let id = try #require(
                bench.put(.provision, Self.body("ovh001", ", lock_description: run/1")))
            try await world.time.sleep(for: .seconds(100))
            let before = bench.broker.jobs
            let reader = try Self.reader(bench, world)
            let job = try #require(try await reader.jobs(QueueFilter(state: .reserved), limit: 5).jobs.first)
            let holder = try #require(job.holder)
            #expect(job.id.number == id && holder.step == "wait-active" && holder.isAlive)
            #expect(try await reader.find("ovh001").map(\.holder) == [holder])
            #expect(bench.broker.jobs == before)
            #expect(try await JobCancellation(reader, by: "me").cancel(job) == .running(job))
            #expect(bench.broker.jobs.count { $0.id == id && $0.state == "reserved" } == 1)
        }
    }
}

// MARK: - Finding

extension QueuedJobsTests {
    /// Numbers are far apart when a broker has done much, and its count of jobs says nothing after a restart.
    @Test(arguments: [false, true]) func farApart(restarted: Bool) throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let first = try #require(bench.put(.provision, Self.body("ovh001")))
            let hidden = try #require(bench.put(.provision, Self.body("ovh002")))
            for _ in 0..<3_000 {
                let id = try #require(bench.broker.put([], tube: "smithi"))
                bench.broker.ask(Array("delete \(id)\r\n".utf8))
            }
            let last = try #require(bench.put(.provision, Self.body("ovh003"), delay: 1_000))
            let later = try #require(bench.put(.provision, Self.body("ovh004"), delay: 2_000))
            if restarted { bench.broker.restart(isPersistent: true) }
            let found = try await Self.reader(bench, world).jobs(QueueFilter(), limit: 10)
            #expect(found.jobs.map(\.id.number) == [first, hidden, last, later] && found.notFound == 0)
        }
    }

    /// Nobody knows the last number: what lies above everything known is found as well.
    @Test func aboveEverythingKnown() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            _ = try #require(bench.put(.provision, Self.body("ovh001"), delay: 10))
            for _ in 0..<9_000 {
                let id = try #require(bench.broker.put([], tube: "smithi"))
                bench.broker.ask(Array("delete \(id)\r\n".utf8))
            }
            let far = try #require(bench.put(.provision, Self.body("ovh002"), delay: 20))
            // After a restart the broker's own count begins anew, and the head of the tube is far below.
            bench.broker.restart(isPersistent: true)
            let found = try await Self.reader(bench, world).jobs(QueueFilter(), limit: 10)
            #expect(found.jobs.last?.id.number == far && found.total == 2 && found.notFound == 0)
        }
    }

    /// Neither a job put nor one deleted while it is looked for makes the books balance by accident.
    @Test func whileTheQueueMoves() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            for number in 0..<9_000 { bench.put(.provision, Self.body("ovh1", ", n: \(number)")) }
            let kept = try #require(bench.put(.destroy, "{action: destroy, node: ovh002, owner: me@lab}", delay: 900))
            var looks = 0
            let found = try await Self.reader(bench, world).jobs(QueueFilter(), limit: 20_000) { _ in
                looks += 1
                if looks == 2 {
                    for id in 1...500 { bench.broker.ask(Array("delete \(8_990 - id)\r\n".utf8)) }
                    bench.put(.provision, Self.body("ovh003"))
                }
            }
            #expect(looks > 2)
            let numbers = Set(found.jobs.map(\.id.number))
            let open = Set(bench.broker.jobs.filter { $0.tube.hasPrefix("cirrata.") }.map(\.id))
            #expect(numbers == open && numbers.contains(kept) && open.count == 8_502)
        }
    }

    @Test func buriedWithoutAReport() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let ids = try (1...3).map { try #require(bench.put(.provision, Self.body("ovh00\($0)"))) }
            for id in ids { Self.bury(id, in: bench) }
            bench.put(.provision, Self.body("ovh004"))
            let others = try #require(bench.broker.put([], tube: "smithi"))
            Self.bury(others, in: bench)
            let reader = try Self.reader(bench, world)
            let before = bench.broker.jobs
            let found = try await reader.buriedJobs(except: [JobID(ids[1])], QueueFilter(), limit: 1)
            #expect(found.jobs.map(\.id.number) == [ids[2]] && found.total == 2 && found.buriedElsewhere == 1)
            let one = try await reader.buriedJobs(except: [], QueueFilter(node: Glob("*1")), limit: 9)
            #expect(one.jobs.map(\.id.number) == [ids[0]] && one.total == 1)
            #expect(bench.broker.jobs == before)
        }
    }

    /// What no client sees is compared as well: the broker's own counters, but for those of looking.
    @Test func lookingChangesNoCounter() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            _ = try Self.one(ofEach: bench)
            let reader = try Self.reader(bench, world)
            func counters() -> [String] {
                let looks = ["peek", "stats", "list", "use:", "watch"].map { "cmd-\($0)" }
                let words = ["total-connections", "uptime", "current-connections"]
                return ["stats", "stats-tube cirrata.provision.ovh", "stats-tube cirrata.destroy.ovh"].flatMap {
                    bench.broker.ask(Array("\($0)\r\n".utf8)).split(separator: "\n").map(String.init)
                }.filter { line in
                    !(looks + words).contains { line.hasPrefix($0) } && !line.hasPrefix("OK")
                }
            }
            let before = (counters(), bench.broker.jobs)
            _ = try await reader.jobs(QueueFilter(node: Glob("*")), limit: 10)
            _ = try await reader.find("ovh002")
            _ = try await reader.find("1")
            _ = try await reader.buriedJobs(except: [], QueueFilter(), limit: 10)
            _ = try await reader.view()
            _ = try await reader.workforce()
            // Closing is seen a moment later.
            try await world.time.sleep(for: .seconds(1))
            #expect(counters() == before.0 && before.0.count > 40)
            #expect(bench.broker.jobs == before.1)
        }
    }
}

// MARK: - Cancelling

extension QueuedJobsTests {
    private static let reply = ", reply_to: answers"

    @Test func cancelledWithAReply() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let reader = try Self.reader(bench, world)
            let cancellation = JobCancellation(reader, by: "me at host")
            bench.put(.provision, Self.body("ovh001", Self.reply))
            bench.put(.provision, Self.body("ovh002", Self.reply), delay: 100)
            Self.bury(try #require(bench.put(.provision, Self.body("ovh003"))), in: bench)
            for (node, reply) in [("ovh001", "answers"), ("ovh002", "answers"), ("ovh003", nil)] {
                let job = try #require(try await reader.find(node).first)
                #expect(try await cancellation.cancel(job) == .done(reply: reply))
                #expect(try await cancellation.cancel(job) == .skipped("it is gone"))
            }
            #expect(bench.openJobs == 0 && bench.buried == 0)
            let replies = bench.replies("answers")
            #expect(replies.map(\.uuid) == ["key-ovh001", "key-ovh002"])
            #expect(
                replies.allSatisfy { $0.outcome == "cancelled" && $0.error?.message.contains("me at host") == true })
        }
    }

    /// The number has gone to another job, or a worker has taken it: what was found is not acted on any more.
    @Test func lookedAtAgain() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let reader = try Self.reader(bench, world)
            let id = try #require(bench.put(.provision, Self.body("ovh001", Self.reply)))
            var job = try #require(try await reader.find("ovh001").first)
            let broker = Broker(bench.configuration.broker, world: world)
            try await broker.connect(Tubes(watching: [job.statistics.tube])) { connection in
                _ = try await connection.reserve(timeout: .zero)
                guard case .running(let now) = try await JobCancellation(reader, by: "me").cancel(job) else {
                    Issue.record("a reserved job was cancelled")
                    return
                }
                #expect(now.id.number == id && now.holder == nil)
            }
            job.digest = "another body"
            #expect(try await JobCancellation(reader, by: "me").cancel(job) == .skipped("it is gone"))
            #expect(bench.replies("answers") == [] && bench.openJobs == 1)
        }
    }

    /// Between the reply and the delete somebody else gets the job: a reply that nobody has read is taken back.
    @Test(arguments: [false, true]) func somebodyIsFaster(replyIsRead: Bool) throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let reader = try Self.reader(bench, world)
            bench.put(.provision, Self.body("ovh001", Self.reply))
            let job = try #require(try await reader.find("ovh001").first)
            bench.broker.onBytes { _, bytes in
                guard bytes.starts(with: Array("delete \(job.id)\r".utf8)) else { return }
                let read = bench.broker.jobs.filter { $0.tube == "answers" && replyIsRead }.map(\.id)
                for id in read + [job.id.number] { bench.broker.ask(Array("delete \(id)\r\n".utf8)) }
            }
            let result = try await JobCancellation(reader, by: "me").cancel(job)
            let more = replyIsRead ? ", and a reply that says 'cancelled' was read already" : ""
            #expect(result == .skipped("somebody else was faster\(more)"))
            #expect(bench.replies("answers") == [])
        }
    }

    /// A broker that takes no reply loses no job.
    @Test func aDrainingBroker() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let reader = try Self.reader(bench, world)
            bench.put(.provision, Self.body("ovh001", Self.reply))
            bench.put(.provision, Self.body("ovh002"))
            bench.broker.drain()
            #expect(try await reader.jobs(QueueFilter(), limit: 9).total == 2)
            let cancellation = JobCancellation(reader, by: "me")
            let first = try #require(try await reader.find("ovh001").first)
            guard case .failed(let why) = try await cancellation.cancel(first) else {
                Issue.record("cancelled without its reply")
                return
            }
            #expect(why.contains("DRAINING"))
            #expect(try await reader.find("ovh001").count == 1)
            let second = try #require(try await reader.find("ovh002").first)
            #expect(try await cancellation.cancel(second) == .done(reply: nil))
        }
    }
}
