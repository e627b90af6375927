import Beanstalk
import Testing
import World

@Suite struct ConnectionTests {
    @Test func callsOfSeveralTasksArePipelined() throws {
        let answers = try play { broker, _ in
            // All four are there before the first answer.
            var answers = ""
            for _ in 0..<4 { answers += try await broker.line().hasSuffix("1") ? "TOUCHED|" : "NOT_FOUND|" }
            let cut = answers.index(answers.startIndex, offsetBy: 15)
            broker.say(String(answers[..<cut]))
            broker.say(String(answers[cut...]))
        } _: { connection, _ in
            try await (0..<4).concurrentResults { try await connection.touch(JobID(UInt64($0))) }.map { try $0.get() }
        }
        #expect(answers == [false, true, false, false])
    }

    @Test func aPipelineIsOneWrite() throws {
        try play { broker, _ in
            for id in 1...3 { try await broker.expect("peek \(id)", say: "NOT_FOUND|") }
            #expect(broker.writes == 1)
        } _: { connection, _ in
            let replies = try await connection.pipeline([.peek(JobID(1)), .peek(JobID(2)), .peek(JobID(3))])
            #expect(replies == [.notFound, .notFound, .notFound])
            #expect(try await connection.pipeline([]).isEmpty)
        }
    }

    @Test func aCancelledCallReturnsAtOnceAndItsAnswerIsDropped() throws {
        try play { broker, time in
            #expect(try await broker.line() == "peek 1")
            #expect(try await broker.line() == "peek 2")
            try await time.sleep(for: .seconds(5))
            broker.say("FOUND 1 3|one|FOUND 2 3|two|")
        } _: { connection, world in
            let start = world.time.now
            let second = try await withThrowingTaskGroup(of: QueuedJob?.self) { group in
                group.addTask {
                    await #expect(throws: TimeoutError.self) {
                        try await world.time.withTimeout(.seconds(1), doing: "peek") {
                            _ = try await connection.peek(JobID(1))
                        }
                    }
                    #expect(world.time.now - start == .seconds(1))
                    return nil
                }
                group.addTask {
                    try await world.time.sleep(for: .milliseconds(500))
                    return try await connection.peek(JobID(2))
                }
                var found: QueuedJob?
                for try await job in group where job != nil { found = job }
                return found
            }
            #expect(second == QueuedJob(2, "two"))
            #expect(!connection.lost.isRaised)
        }
    }

    @Test func aCancelledPipelineReturnsAtOnce() throws {
        try play { broker, _ in
            #expect(try await broker.line() == "peek 1")
            #expect(try await broker.line() == "peek 2")
            try await broker.expect("touch 3", say: "NOT_FOUND|NOT_FOUND|TOUCHED|")
        } _: { connection, world in
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(1), doing: "peek") {
                    _ = try await connection.pipeline([.peek(JobID(1)), .peek(JobID(2))])
                }
            }
            let isTouched = try await connection.touch(JobID(3))
            #expect(isTouched)
        }
    }

    @Test func aCancelledReserveClosesTheConnection() throws {
        try play { broker, _ in
            let line = try await broker.line()
            #expect(line == "reserve-with-timeout 60")
        } _: { connection, world in
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(1), doing: "reserve") {
                    _ = try await connection.reserve(timeout: .seconds(60))
                }
            }
            #expect(connection.lost.value?.cause == .ended(.reserveCancelled))
            let error = await #expect(throws: BrokerError.self) { try await connection.touch(JobID(1)) }
            #expect(error?.isConnectionLost == true)
        }
    }

    @Test func nothingIsSentForACancelledTask() throws {
        try play { broker, _ in
            try await broker.expect("touch 2", say: "TOUCHED|")
        } _: { connection, _ in
            await withTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask {
                    await #expect(throws: CancellationError.self) { try await connection.touch(JobID(1)) }
                    await #expect(throws: CancellationError.self) { try await connection.pipeline([.stats]) }
                }
            }
            let isTouched = try await connection.touch(JobID(2))
            #expect(isTouched)
        }
    }

    @Test(arguments: [(0, 15, 30), (20, 35, 50)])
    func silenceEndsTheConnection(_ reserve: Int, _ earliest: Int, _ latest: Int) throws {
        let took = try play { broker, _ in
            _ = try await broker.line()
        } _: { connection, world in
            let start = world.time.now
            let error = await #expect(throws: BrokerError.self) {
                _ = try await connection.reserve(timeout: .seconds(reserve))
            }
            guard case .ended(.silent) = error?.cause else {
                Issue.record("ended by \(String(describing: error))")
                return Duration.zero
            }
            return world.time.now - start
        }
        #expect(took >= .seconds(earliest))
        #expect(took <= .seconds(latest))
    }

    @Test func anIdleConnectionIsNotSilent() throws {
        try play { broker, _ in
            try await broker.expect("touch 1", say: "TOUCHED|")
            try await broker.expect("touch 1", say: "TOUCHED|")
        } _: { connection, world in
            #expect(try await connection.touch(JobID(1)))
            try await world.time.sleep(for: .seconds(86_400))
            #expect(try await connection.touch(JobID(1)))
        }
    }

    @Test func theEndOfTheStreamIsToldToEverybodyAtOnce() throws {
        try play { broker, _ in
            _ = try await broker.line()
            _ = try await broker.line()
            broker.end()
        } _: { connection, _ in
            try await withThrowingTaskGroup(of: BrokerError?.self) { group in
                for id in 1...2 {
                    group.addTask {
                        await #expect(throws: BrokerError.self) { try await connection.touch(JobID(UInt64(id))) }
                    }
                }
                for try await error in group { #expect(error?.cause == .ended(.endedByBroker)) }
            }
            let error = try await connection.lost.wait()
            #expect(error.description.contains("beanstalkd at broker:11300"))
            #expect(error.description.contains("the broker closed the connection"))
        }
    }

    @Test func errorsNameCommandBrokerAndRemedy() throws {
        try play { broker, _ in
            try await broker.expect("use cirrata.reports", say: "USING cirrata.reports|")
            _ = try await broker.line()
            try await broker.expect("x", say: "DRAINING|")
            try await broker.expect("bury 9 5", say: "INTERNAL_ERROR|")
            try await broker.expect("stats-tube default", say: "OK 4|---\n|")
        } _: { connection, _ in
            let reports = try TubeName("cirrata.reports")
            let put = await #expect(throws: BrokerError.self) {
                try await connection.put([120], into: reports, priority: 0, ttr: .seconds(60))
            }
            #expect(put?.cause == .refused(.draining))
            #expect(put?.tube == reports)
            #expect(
                put?.description
                    == "beanstalkd at broker:11300, put into cirrata.reports: DRAINING; "
                    + "the broker takes no new jobs until it is restarted; put into another one or restart it")
            let bury = await #expect(throws: BrokerError.self) { try await connection.bury(JobID(9), priority: 5) }
            #expect(bury?.job == JobID(9))
            #expect(bury?.description.contains("bury of job 9: INTERNAL_ERROR; check memory and the disk") == true)
            let statistics = await #expect(throws: BrokerError.self) { try await connection.statistics(of: .standard) }
            #expect(statistics?.description.contains("statistics without 'name'") == true)
        }
    }

    @Test func aDeclaredConnectionIsAppliedInOnePieceAndProved() throws {
        let tubes = Tubes(
            use: try TubeName("out"), watching: [try TubeName("a"), try TubeName("b"), try TubeName("a")])
        try play { broker, _ in
            try await broker.expect("use out", say: "USING out|")
            try await broker.expect("watch a", say: "WATCHING 2|")
            try await broker.expect("watch b", say: "WATCHING 3|")
            try await broker.expect("ignore default", say: "WATCHING 2|")
            try await broker.expect("list-tubes-watched", say: "OK 12|---\n- b\n- a\n|")
            #expect(broker.writes == 1)
        } _: { connection, _ in
            try await connection.apply(tubes)
        }
    }

    @Test func aWatchListThatIsNotTheDeclaredOneIsAnError() throws {
        try play { broker, _ in
            try await broker.expect("watch a", say: "WATCHING 2|")
            try await broker.expect("ignore default", say: "WATCHING 1|")
            try await broker.expect("list-tubes-watched", say: "OK 14|---\n- default\n|")
        } _: { connection, _ in
            let a = try TubeName("a")
            let error = await #expect(throws: BrokerError.self) { try await connection.apply(Tubes(watching: [a])) }
            #expect(error?.cause == .watchesDiffer(wanted: [a], found: [.standard]))
        }
    }

    @Test func afterDeadlineSoonTheNextReserveComesLater() throws {
        let took = try play { broker, _ in
            for _ in 0..<5 { try await broker.expect("reserve-with-timeout 3", say: "DEADLINE_SOON|") }
            try await broker.expect("reserve-with-timeout 3", say: "TIMED_OUT|")
            try await broker.expect("reserve-with-timeout 3", say: "RESERVED 1 0||")
        } _: { connection, world in
            let start = world.time.now
            let job = try await connection.nextJob(poll: .seconds(3))
            #expect(job == QueuedJob(1, ""))
            return world.time.now - start
        }
        #expect(took == .milliseconds(500))
    }
}
