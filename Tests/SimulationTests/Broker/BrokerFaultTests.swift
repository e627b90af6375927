import Simulation
import Testing
import World

/// What no script can do to a real broker within seconds.
@Suite struct BrokerFaultTests {
    /// A client that waits for each answer.
    private struct Client {
        let stream: any ByteStream

        init(_ world: World, _ broker: SimulatedBroker) async throws {
            stream = try await world.dial.connect(to: broker.endpoint, timeout: .seconds(1))
        }

        /// The answer's first line.
        func say(_ line: String) async throws -> String {
            stream.write(Array("\(line)\r\n".utf8))
            guard let bytes = try await stream.read() else { return "end" }
            return String(decoding: bytes.prefix { $0 != 13 }, as: UTF8.self)
        }
    }

    @Test func aFullDiskPutsJobsIntoLimbo() throws {
        let simulation = Simulation(seed: 1)
        let broker = simulation.broker()
        for _ in 0..<4 { broker.put([1], tube: "default") }
        try simulation.run { world in
            let client = try await Client(world, broker)
            for id in 1...4 { #expect(try await client.say("reserve") == "RESERVED \(id) 1") }
            broker.setDiskFull(true)
            #expect(try await client.say("put 1 0 1 1\r\nx") == "OUT_OF_MEMORY")
            #expect(try await client.say("bury 1 5") == "INTERNAL_ERROR")
            #expect(try await client.say("release 2 5 30") == "OUT_OF_MEMORY")
            #expect(try await client.say("release 3 5 0") == "RELEASED")
            #expect(try await client.say("delete 4") == "DELETED")
            #expect(try await client.say("delete 1") == "NOT_FOUND")
            #expect(broker.jobs.map(\.state) == ["reserved", "reserved", "ready"])
            #expect(broker.ask(Array("stats-tube default\r\n".utf8)).contains("current-jobs-reserved: 0"))
            #expect(!broker.restart())
            #expect(await (try? Client(world, broker)) == nil)
            broker.setDiskFull(false)
            #expect(broker.start())
            #expect(broker.jobs.map(\.state) == ["ready", "ready", "ready"])
        }
    }

    @Test func withoutALogARestartForgets() throws {
        let simulation = Simulation(seed: 1)
        let broker = simulation.broker()
        broker.put([1], tube: "t")
        broker.restart(isPersistent: false)
        #expect(broker.jobs.isEmpty)
        #expect(broker.put([1], tube: "t") == 1)
        #expect(broker.ask(Array("stats\r\n".utf8)).contains("binlog-current-index: 0"))
    }

    @Test func drainModeLastsUntilARestart() throws {
        let broker = Simulation(seed: 1).broker()
        broker.drain()
        #expect(broker.put([1], tube: "t") == nil)
        #expect(broker.ask(Array("put 1 0 1 0\r\n\r\n".utf8)) == "DRAINING\r\n")
        broker.restart()
        #expect(broker.put([1], tube: "t") == 1)
    }

    @Test func droppedConnectionsGiveTheirJobsBack() throws {
        let simulation = Simulation(seed: 1)
        let broker = simulation.broker()
        broker.put([1], tube: "default")
        try simulation.run { world in
            let client = try await Client(world, broker)
            #expect(try await client.say("reserve") == "RESERVED 1 1")
            broker.dropConnections()
            #expect(try await client.say("touch 1") == "end")
            let again = try await Client(world, broker)
            #expect(try await again.say("reserve-with-timeout 0") == "RESERVED 1 1")
            #expect(broker.jobs.map(\.timeouts) == [0])
        }
    }

    @Test(arguments: [BrokerSettings.Expiry.prompt, .late])
    func silentConnectionsMayKeepWhatRanOut(expiry: BrokerSettings.Expiry) throws {
        let simulation = Simulation(seed: 1)
        var settings = BrokerSettings()
        settings.expiry = expiry
        let broker = simulation.broker(settings)
        broker.put([1], tube: "default", timeToRun: 10)
        try simulation.run { world in
            let silent = try await Client(world, broker)
            let other = try await Client(world, broker)
            #expect(try await silent.say("reserve") == "RESERVED 1 1")
            try await world.time.sleep(for: .seconds(500))
            let isLate = expiry == .late
            #expect(try await other.say("reserve-with-timeout 0") == (isLate ? "TIMED_OUT" : "RESERVED 1 1"))
            #expect(try await silent.say("touch 1") == (isLate ? "TOUCHED" : "NOT_FOUND"))
            silent.stream.close()
            try await world.time.sleep(for: .seconds(1))
            #expect(try await other.say("reserve-with-timeout 0") == (isLate ? "RESERVED 1 1" : "TIMED_OUT"))
        }
    }

    @Test func aStepOfTheBrokersClockFiresItsDeadlines() throws {
        let simulation = Simulation(seed: 1)
        let broker = simulation.broker()
        broker.put([1], tube: "default", timeToRun: 300)
        broker.put([2], tube: "default", delay: 600)
        try simulation.run { world in
            let client = try await Client(world, broker)
            #expect(try await client.say("reserve") == "RESERVED 1 1")
            broker.stepClock(by: .seconds(400))
            #expect(broker.jobs.map(\.state) == ["ready", "delayed"])
            #expect(try await client.say("touch 1") == "NOT_FOUND")
            broker.stepClock(by: .seconds(-10_000))
            try await world.time.sleep(for: .seconds(1_000))
            #expect(broker.jobs.map(\.state) == ["ready", "delayed"])
        }
    }

    /// As the real one was measured with a stepped `gettimeofday`: ages are below zero, times left are longer than what
    /// was asked for, and a touch counts from the new time.
    @Test func aStepBackMakesAgesNegative() throws {
        let simulation = Simulation(seed: 1)
        let broker = simulation.broker()
        broker.put([1], tube: "default", timeToRun: 300)
        broker.put([2], tube: "default", delay: 600, timeToRun: 300)
        try simulation.run { world in
            let client = try await Client(world, broker)
            #expect(try await client.say("reserve") == "RESERVED 1 1")
            try await world.time.sleep(for: .milliseconds(10))
            broker.stepClock(by: .seconds(-3_600))
            func statistics(_ id: Int) -> String { broker.ask(Array("stats-job \(id)\r\n".utf8)) }
            #expect(statistics(1).contains("age: -3599\ndelay: 0\nttr: 300\ntime-left: 3899\n"))
            #expect(statistics(2).contains("age: -3599\ndelay: 600\nttr: 300\ntime-left: 4199\n"))
            #expect(try await client.say("touch 1") == "TOUCHED")
            #expect(statistics(1).contains("time-left: 299\n"))
            broker.stepClock(by: .seconds(3_600))
            #expect(try await client.say("touch 1") == "NOT_FOUND")
            #expect(broker.jobs.map(\.timeouts) == [1, 0])
            broker.restart()
            broker.stepClock(by: .seconds(-3_600))
            #expect(statistics(1).contains("state: ready") && statistics(1).contains("age: -3599\n"))
        }
    }

    @Test func theNewerVersionQuotesAndIsStrict() throws {
        var settings = BrokerSettings()
        settings.version = .newer
        let broker = Simulation(seed: 1).broker(settings)
        broker.put([1], tube: "1.5")
        #expect(broker.ask(Array("stats-job 1\r\n".utf8)).contains("tube: \"1.5\"\n"))
        #expect(broker.ask(Array("list-tubes\r\n".utf8)).contains("- 1.5\n"))
        #expect(broker.ask(Array("reserve-with-timeout -1\r\n".utf8)) == "BAD_FORMAT\r\n")
        #expect(broker.ask(Array("reserve-with-timeout x\r\n".utf8)) == "BAD_FORMAT\r\n")
    }

    @Test func aVanishedHostKeepsItsJobUntilTheTimeToRunIsOver() throws {
        let simulation = Simulation(seed: 1)
        let broker = simulation.broker()
        let process = simulation.process("worker")
        broker.put([1], tube: "default", timeToRun: 300)
        try simulation.run { world in
            process.start { world in
                let client = try await Client(world, broker)
                _ = try await client.say("reserve")
                try await world.time.sleep(for: .seconds(100_000))
            }
            try await world.time.sleep(for: .seconds(1))
            process.losePower()
            try await world.time.sleep(for: .seconds(290))
            #expect(broker.jobs.map(\.state) == ["reserved"])
            try await world.time.sleep(for: .seconds(10))
            #expect(broker.jobs.map(\.state) == ["ready"])
        }
    }

    /// A job is never lost and never held twice, whatever is asked in whatever order.
    @Test(arguments: 0..<50)
    func everyJobIsInOnePlace(seed: Int) throws {
        let simulation = Simulation(seed: UInt64(seed))
        var settings = BrokerSettings()
        settings.expiry = .asMeasured
        let broker = simulation.broker(settings)
        try simulation.run { world in
            var clients: [Client] = []
            for _ in 0..<4 { clients.append(try await Client(world, broker)) }
            let verbs = [
                "put 5 0 2 1\r\nx", "put 9 1 2 1\r\nx", "reserve-with-timeout 0", "release ID 3 0", "release ID 3 1",
                "bury ID 1", "kick 2", "kick-job ID", "delete ID", "touch ID", "reserve-job ID",
            ]
            var inserted = 0
            var deleted = 0
            for _ in 0..<400 {
                let client = clients[Int(world.random.next() % 4)]
                let id = 1 + world.random.next() % UInt64(max(1, inserted))
                let verb = verbs[Int(world.random.next() % UInt64(verbs.count))].replacing("ID", with: "\(id)")
                let answer = try await client.say(verb)
                if answer.hasPrefix("INSERTED") { inserted += 1 }
                if answer == "DELETED" { deleted += 1 }
                if world.random.next() % 8 == 0 { try await world.time.sleep(for: .milliseconds(700)) }
                if world.random.next() % 90 == 0 { #expect(broker.restart()) }
                if try await client.say("list-tube-used") == "end" {
                    clients = []
                    for _ in 0..<4 { clients.append(try await Client(world, broker)) }
                }
            }
            #expect(broker.jobs.count == inserted - deleted)
            let statistics = broker.ask(Array("stats-tube default\r\n".utf8))
            for state in ["ready", "reserved", "delayed", "buried"] {
                let count = broker.jobs.count { $0.state == state }
                #expect(statistics.contains("current-jobs-\(state): \(count)\n"))
            }
        }
    }
}
