import Beanstalk
import Testing
import World

@Suite struct LeaseTests {
    @Test func itIsKeptByTouchingEveryQuarterOfTheCappedLease() throws {
        try play { broker, time in
            try await broker.hand(out: 7, ttr: 86_400)
            for _ in 0..<8 {
                let before = time.now
                try await broker.expect("touch 7", say: "TOUCHED|")
                #expect(time.now - before == .seconds(15))
            }
            try await broker.expect("touch 7", say: "TOUCHED|")
            try await broker.expect("delete 7", say: "DELETED|")
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let lease = token.lease
            #expect(token.delivery.body == Array("body".utf8))
            #expect(token.delivery.statistics.ttr == .seconds(86_400))
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await lease.keep() }
                group.addTask {
                    try? await world.time.sleep(for: .seconds(121))
                    #expect(lease.isLive)
                    #expect(lease.remaining == .seconds(53))
                }
                await group.next()
                group.cancelAll()
            }
            let settlement = await token.delete()
            #expect(settlement == .settled(.deleted))
            #expect(!lease.lost.isRaised)
            #expect(throws: LeaseLost.self) { try lease.check() }
        }
    }

    @Test(arguments: [1, 2])
    func aBrokerThatFallsSilentEndsTheLeaseBeforeTheTimeToRun(_ ttr: Int) throws {
        try play { broker, _ in
            try await broker.hand(out: 7, ttr: ttr)
            #expect(try await broker.line() == "touch 7")
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let lease = token.lease
            let start = world.time.now
            await lease.keep()
            #expect(world.time.now - start == .milliseconds(ttr * 900))
            #expect(lease.lost.value == .expired)
            #expect(lease.remaining == .zero)
            let lost = #expect(throws: LeaseLost.self) { try lease.check() }
            #expect(lost?.description == "no lease on job 7: no touch was answered in time")
            #expect(connection.lost.value?.cause == .ended(.gaveBack(JobID(7), .expired)))
            let settlement = await token.delete()
            #expect(settlement == .leaseLost(.expired))
        }
    }

    @Test func theFenceNeedsNobodyToHaveNoticed() throws {
        try play { broker, _ in
            try await broker.hand(out: 7, ttr: 2)
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            try token.lease.check()
            try await world.time.sleep(for: .milliseconds(1_799))
            try token.lease.check()
            try await world.time.sleep(for: .milliseconds(1))
            #expect(throws: LeaseLost.self) { try token.lease.check() }
            #expect(token.lease.lost.value == .expired)
            #expect(connection.lost.isRaised)
        }
    }

    @Test func aLateTouchedDoesNotReviveIt() throws {
        try play { broker, time in
            try await broker.hand(out: 7, ttr: 2)
            #expect(try await broker.line() == "touch 7")
            try await time.sleep(for: .milliseconds(1_400))
            // Just after the end, for a touch that was sent well before it.
            broker.say("TOUCHED|")
        } _: { connection, _ in
            let token = try await connection.acceptedJob()
            await token.lease.keep()
            #expect(token.lease.lost.value == .expired)
            #expect(!token.lease.isLive)
            #expect(connection.lost.isRaised)
        }
    }

    @Test func notFoundEndsItAtOnce() throws {
        try play { broker, _ in
            try await broker.hand(out: 7, ttr: 60)
            try await broker.expect("touch 7", say: "NOT_FOUND|")
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let start = world.time.now
            await token.lease.keep()
            #expect(world.time.now - start == .seconds(15))
            #expect(token.lease.lost.value == .notFound)
            #expect(connection.lost.isRaised)
            let settlement = await token.release(priority: 1, delay: .zero)
            #expect(settlement == .leaseLost(.notFound))
        }
    }

    @Test func confirmingAsksTheBroker() throws {
        try play { broker, time in
            try await broker.hand(out: 7, ttr: 60)
            try await time.sleep(for: .seconds(10))
            try await broker.expect("touch 7", say: "TOUCHED|")
            try await broker.expect("touch 7", say: "OUT_OF_MEMORY|")
            try await broker.expect("touch 7", say: "NOT_FOUND|")
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let lease = token.lease
            try await world.time.sleep(for: .seconds(10))
            try await lease.confirm()
            #expect(lease.remaining == .seconds(54))
            // Refused: what was confirmed before still counts.
            try await lease.confirm()
            #expect(lease.isLive)
            try await lease.confirm()
            #expect(lease.lost.value == .notFound)
            #expect(throws: LeaseLost.self) { try lease.check() }
            let settlement = await token.delete()
            #expect(settlement == .leaseLost(.notFound))
        }
    }

    @Test func aLostConnectionEndsItAtOnce() throws {
        try play { broker, time in
            try await broker.hand(out: 7, ttr: 60)
            try await time.sleep(for: .seconds(1))
            broker.end()
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let start = world.time.now
            await token.lease.keep()
            #expect(world.time.now - start == .seconds(1))
            guard case .connectionLost(let error) = token.lease.lost.value else {
                Issue.record("lost by \(String(describing: token.lease.lost.value))")
                return
            }
            #expect(error.cause == .ended(.endedByBroker))
        }
    }

    @Test func aRefusedTouchLeavesItToTheClock() throws {
        try play { broker, _ in
            try await broker.hand(out: 7, ttr: 60)
            try await broker.expect("touch 7", say: "OUT_OF_MEMORY|")
            try await broker.expect("touch 7", say: "TOUCHED|")
            try await broker.expect("touch 7", say: "NOT_FOUND|")
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let start = world.time.now
            await token.lease.keep()
            #expect(world.time.now - start == .seconds(45))
        }
    }

    @Test func aJobThatIsNotOursAnyMoreIsNotAccepted() throws {
        try play { broker, _ in
            try await broker.expect("reserve-with-timeout 0", say: "RESERVED 7 4|body|")
            try await broker.expect("touch 7", say: "NOT_FOUND|")
            try await broker.expect("stats-job 7", say: statsJob(7, state: "ready"))
        } _: { connection, _ in
            guard case .job(let job) = try await connection.reserve(timeout: .zero) else { return }
            let isAccepted = try await connection.accept(job) != nil
            #expect(!isAccepted)
            #expect(!connection.lost.isRaised)
        }
    }

    @Test(arguments: ["INTERNAL_ERROR|", "OK 4|---\n|", "OK 0||"])
    func aJobThatCannotBeReadAboutIsGivenBack(_ answer: String) throws {
        try play { broker, _ in
            try await broker.expect("reserve-with-timeout 0", say: "RESERVED 7 4|body|")
            try await broker.expect("touch 7", say: "TOUCHED|")
            try await broker.expect("stats-job 7", say: answer)
        } _: { connection, _ in
            guard case .job(let job) = try await connection.reserve(timeout: .zero) else { return }
            let error = await #expect(throws: BrokerError.self) { _ = try await connection.accept(job) }
            #expect(error?.job == JobID(7))
            #expect(connection.lost.isRaised)
        }
    }
}
