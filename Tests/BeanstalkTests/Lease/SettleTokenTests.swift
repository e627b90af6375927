import Beanstalk
import Testing
import World

@Suite struct SettleTokenTests {
    enum Way: String, CaseIterable { case delete, release, bury }

    private static func settle(_ token: consuming SettleToken, _ way: Way) async -> Settlement {
        switch way {
        case .delete: await token.delete()
        case .release: await token.release(priority: 9, delay: .milliseconds(1_500))
        case .bury: await token.bury(priority: 9)
        }
    }

    private static func command(_ way: Way) -> String {
        switch way {
        case .delete: "delete 7"
        case .release: "release 7 9 2"
        case .bury: "bury 7 9"
        }
    }

    private static func done(_ way: Way) -> (String, Settlement.Ending) {
        switch way {
        case .delete: ("DELETED|", .deleted)
        case .release: ("RELEASED|", .released)
        case .bury: ("BURIED|", .buried)
        }
    }

    @Test(arguments: Way.allCases)
    func theCommandGoesOnlyAfterTouched(_ way: Way) throws {
        try play { broker, time in
            try await broker.hand()
            #expect(try await broker.line() == "touch 7")
            try await time.sleep(for: .seconds(3))
            #expect(broker.unread.isEmpty)
            broker.say("TOUCHED|")
            try await broker.expect(Self.command(way), say: Self.done(way).0)
        } _: { connection, _ in
            let token = try await connection.acceptedJob()
            let lease = token.lease
            let settlement = await Self.settle(token, way)
            #expect(settlement == .settled(Self.done(way).1))
            #expect(!lease.isLive)
            #expect(!lease.lost.isRaised)
            #expect(!connection.lost.isRaised)
        }
    }

    @Test(arguments: Way.allCases)
    func nothingIsSentAfterTheEndOfTheLease(_ way: Way) throws {
        try play { broker, time in
            try await broker.hand(out: 7, ttr: 2)
            try await time.sleep(for: .seconds(10))
            #expect(broker.unread.isEmpty)
            #expect(broker.isClosed)
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            try await world.time.sleep(for: .milliseconds(1_800))
            let settlement = await Self.settle(token, way)
            #expect(settlement == .leaseLost(.expired))
            try await world.time.sleep(for: .seconds(10))
        }
    }

    @Test(arguments: Way.allCases)
    func aTouchAnsweredTooLateIsNotFollowedByTheCommand(_ way: Way) throws {
        try play { broker, time in
            try await broker.hand(out: 7, ttr: 2)
            #expect(try await broker.line() == "touch 7")
            try await time.sleep(for: .milliseconds(1_800))
            broker.say("TOUCHED|")
            try await time.sleep(for: .seconds(10))
            #expect(broker.unread.isEmpty)
            #expect(broker.isClosed)
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let settlement = await Self.settle(token, way)
            #expect(settlement == .leaseLost(.expired))
            try await world.time.sleep(for: .seconds(20))
        }
    }

    @Test(arguments: Way.allCases)
    func notFoundAtTheTouch(_ way: Way) throws {
        try play { broker, time in
            try await broker.hand()
            try await broker.expect("touch 7", say: "NOT_FOUND|")
            try await time.sleep(for: .seconds(1))
            #expect(broker.unread.isEmpty)
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let settlement = await Self.settle(token, way)
            #expect(settlement == .leaseLost(.notFound))
            #expect(connection.lost.isRaised)
            try await world.time.sleep(for: .seconds(2))
        }
    }

    @Test(arguments: Way.allCases)
    func notFoundAtTheCommand(_ way: Way) throws {
        try play { broker, _ in
            try await broker.hand()
            try await broker.expect("touch 7", say: "TOUCHED|")
            try await broker.expect(Self.command(way), say: "NOT_FOUND|")
        } _: { connection, _ in
            let token = try await connection.acceptedJob()
            let settlement = await Self.settle(token, way)
            #expect(settlement == .leaseLost(.notFound))
        }
    }

    @Test(arguments: Way.allCases, [ErrorReply.outOfMemory, .internalError])
    func anErrorReplyLeavesTheFateUnknown(_ way: Way, _ error: ErrorReply) throws {
        try play { broker, _ in
            try await broker.hand()
            try await broker.expect("touch 7", say: "TOUCHED|")
            try await broker.expect(Self.command(way), say: "\(error.rawValue)|")
        } _: { connection, _ in
            let token = try await connection.acceptedJob()
            let settlement = await Self.settle(token, way)
            #expect(settlement == .fateUnknown(.answered(.error(error))))
            #expect(connection.lost.isRaised)
        }
    }

    @Test(arguments: Way.allCases)
    func aConnectionLostDuringTheCommandLeavesTheFateUnknown(_ way: Way) throws {
        try play { broker, _ in
            try await broker.hand()
            try await broker.expect("touch 7", say: "TOUCHED|")
            _ = try await broker.line()
            broker.end()
        } _: { connection, _ in
            let token = try await connection.acceptedJob()
            let settlement = await Self.settle(token, way)
            guard case .fateUnknown(.unanswered(let error)) = settlement else {
                Issue.record("the answer was lost")
                return
            }
            #expect(error.job == JobID(7))
            #expect(error.cause == .ended(.endedByBroker))
        }
    }

    @Test func aConnectionLostDuringTheTouchHasSettledNothing() throws {
        try play { broker, _ in
            try await broker.hand()
            _ = try await broker.line()
            broker.end()
        } _: { connection, _ in
            let token = try await connection.acceptedJob()
            let settlement = await token.delete()
            guard case .leaseLost(.connectionLost) = settlement else {
                Issue.record("nothing can have been settled")
                return
            }
        }
    }

    @Test func aReleaseThatEndsBuriedSaysSo() throws {
        try play { broker, _ in
            try await broker.hand()
            try await broker.expect("touch 7", say: "TOUCHED|")
            try await broker.expect("release 7 9 0", say: "BURIED|")
        } _: { connection, _ in
            let token = try await connection.acceptedJob()
            let settlement = await token.release(priority: 9, delay: .zero)
            #expect(settlement == .settled(.buried))
        }
    }

    @Test(arguments: [false, true])
    func cancelledWhileSettlingItClosesTheConnection(_ answersTouch: Bool) throws {
        try play { broker, _ in
            try await broker.hand()
            #expect(try await broker.line() == "touch 7")
            if answersTouch {
                broker.say("TOUCHED|")
                #expect(try await broker.line() == "delete 7")
            }
        } _: { connection, world in
            let seen = Locked(Settlement?.none)
            await #expect(throws: TimeoutError.self) {
                try await world.time.withTimeout(.seconds(1), doing: "settle") {
                    let token = try await connection.acceptedJob()
                    let settlement = await token.delete()
                    seen.withLock { $0 = settlement }
                    try Task.checkCancellation()
                }
            }
            switch seen.withLock({ $0 }) {
            case .leaseLost(.abandoned): #expect(!answersTouch)
            case .fateUnknown(.cancelled): #expect(answersTouch)
            case let other: Issue.record("settled as \(String(describing: other))")
            }
            #expect(connection.lost.isRaised)
        }
    }

    @Test func abandoningGivesTheJobBack() throws {
        try play { broker, time in
            try await broker.hand()
            try await time.sleep(for: .seconds(1))
            #expect(broker.isClosed)
        } _: { connection, world in
            let token = try await connection.acceptedJob()
            let lease = token.lease
            token.abandon(because: "second signal")
            #expect(lease.lost.value == .abandoned("second signal"))
            #expect(connection.lost.value?.cause == .ended(.gaveBack(JobID(7), .abandoned("second signal"))))
            try await world.time.sleep(for: .seconds(2))
        }
    }

    @Test func aDroppedTokenIsLoudAndGivesTheJobBack() throws {
        try play { broker, _ in
            try await broker.hand()
        } _: { connection, _ in
            let token = try await connection.acceptedJob()
            let lease = Self.drop(token)
            #expect(lease.lost.value == .dropped)
            #expect(connection.lost.value?.cause == .ended(.tokenDropped(JobID(7))))
        }
    }

    private static func drop(_ token: consuming SettleToken) -> Lease { token.lease }
}
