import Beanstalk
import Testing
import World

/// Traces: `>` is a command that we send, `<` is what the broker sends, and the lines between say what comes of it.
/// Each runs whole and with the broker's bytes cut at every byte.
@Suite struct ConnectionMachineTests {
    @Test func answersComeInOrder() {
        Trace {
            Trace.send("a", .touch(JobID(1)))
            Trace.send("b", .statsJob(JobID(1)))
            Trace.send("c", .delete(JobID(1)))
            Trace.receive("TOUCHED|OK 4|---\n|DELETED|", "a: TOUCHED", "b: OK", "c: DELETED")
        }.run()
    }

    @Test func aDroppedAnswerDoesNotShiftTheOthers() {
        Trace {
            Trace.send("a", .peek(JobID(1)))
            Trace.send("b", .touch(JobID(2)))
            Trace.send("c", .delete(JobID(3)))
            Trace.cancel("b", "b: forgotten")
            Trace.receive("FOUND 1 3|abc|NOT_FOUND|DELETED|", "a: FOUND", "c: DELETED")
        }.run()
    }

    @Test func nothingGoesBehindAWaitingReserve() {
        Trace {
            Trace.send("a", .touch(JobID(1)))
            Trace.send("b", .reserveWithTimeout(WireSeconds(5)))
            Trace.refuse("c", .touch(JobID(1)), "behindReserve")
            Trace.receive("TOUCHED|", "a: TOUCHED")
            Trace.refuse("c", .touch(JobID(1)), "behindReserve")
            Trace.receive("RESERVED 7 2|hi|", "b: RESERVED")
            Trace.send("d", .touch(JobID(7)))
            Trace.receive("TOUCHED|", "d: TOUCHED")
        }.run()
    }

    @Test func aReserveThatDoesNotWaitIsPipelined() {
        Trace {
            Trace.send("a", .reserveWithTimeout(WireSeconds(0)))
            Trace.send("b", .reserveWithTimeout(WireSeconds(0)))
            Trace.receive("RESERVED 7 2|hi|TIMED_OUT|", "a: RESERVED", "b: TIMED_OUT")
        }.run()
    }

    @Test(arguments: [
        Command.reserve, .reserveWithTimeout(WireSeconds(9)), .reserveWithTimeout(WireSeconds(0)),
        .reserveJob(JobID(1)),
    ])
    func aCancelledReserveClosesTheConnection(_ reserve: Command) {
        Trace {
            Trace.send("a", .touch(JobID(1)))
            Trace.send("b", reserve)
            Trace.cancel("b", "b: cancelled", "close: reserveCancelled", "a: failed")
            Trace.refuse("c", .stats, "ended")
        }.run()
    }

    @Test func cancellingWhatWasAnsweredDoesNothing() {
        Trace {
            Trace.send("a", .touch(JobID(1)))
            Trace.receive("TOUCHED|", "a: TOUCHED")
            Trace.cancel("a", "nothing")
        }.run()
    }

    @Test(arguments: [
        (Command.touch(JobID(1)), "DELETED|"), (.delete(JobID(1)), "TOUCHED|"), (.stats, "NOT_FOUND|"),
        (.peek(JobID(1)), "FOUND 2 1|a|"), (.reserveJob(JobID(1)), "RESERVED 2 1|a|"),
        (.use(.standard), "USING other|"),
        (.bury(JobID(1), priority: 0), "BURIED 1|"), (.kick(bound: 1), "KICKED|"), (.kickJob(JobID(1)), "KICKED 1|"),
        (.put(priority: 0, delay: WireSeconds(0), ttr: WireSeconds(1), body: []), "BURIED|"),
        (.reserve, "TIMED_OUT|"), (.touch(JobID(1)), "DRAINING|"), (.touch(JobID(1)), "JOB_TOO_BIG|"),
        (.listTubeUsed, "OK 4|---\n|"), (.quit, "DELETED|"), (.pauseTube(.standard, WireSeconds(1)), "TOUCHED|"),
    ])
    func anAnswerThatDoesNotFitEndsTheConnection(_ command: Command, _ reply: String) {
        Trace {
            Trace.send("a", command)
            Trace.receive(reply, "close: desynchronised", "a: failed")
        }.run()
    }

    @Test func anAnswerToNothingEndsTheConnection() {
        Trace { Trace.receive("TOUCHED|", "close: desynchronised") }.run()
        Trace {
            Trace.send("a", .touch(JobID(1)))
            Trace.receive("TOUCHED|T", "a: TOUCHED", "close: desynchronised")
        }.run()
    }

    @Test func whatIsNotTheProtocolEndsTheConnection() {
        Trace {
            Trace.send("a", .touch(JobID(1)))
            Trace.send("b", .touch(JobID(2)))
            Trace.receive("SSH-2.0-OpenSSH_9.2|", "close: violation", "a: failed", "b: failed")
            Trace.refuse("c", .stats, "ended")
        }.run()
    }

    static let put = Command.put(priority: 0, delay: WireSeconds(0), ttr: WireSeconds(1), body: [1, 2])

    @Test(arguments: ErrorReply.allCases)
    func errorRepliesToPut(_ error: ErrorReply) {
        let fatal = [.badFormat, .unknownCommand, .expectedCRLF].contains(error)
        Trace {
            Trace.send("a", Self.put)
            Trace.send("b", .stats)
            if fatal {
                Trace.receive("\(error.rawValue)|", "a: \(error.rawValue)", "close: desynchronised", "b: failed")
            } else {
                Trace.receive("\(error.rawValue)|OK 4|---\n|", "a: \(error.rawValue)", "b: OK")
            }
        }.run()
    }

    @Test(arguments: [ErrorReply.outOfMemory, .internalError, .badFormat, .unknownCommand])
    func errorRepliesToOthersAreAnswers(_ error: ErrorReply) {
        for name in ConnectionMachineTests.everyCommand where name.name != .put {
            Trace {
                Trace.send("a", name)
                Trace.receive("\(error.rawValue)|", "a: \(error.rawValue)")
            }.run()
        }
    }

    static let everyCommand: [Command] = [
        put, .use(.standard), .reserve, .reserveWithTimeout(WireSeconds(1)), .reserveJob(JobID(1)), .delete(JobID(1)),
        .release(JobID(1), priority: 0, delay: WireSeconds(0)), .bury(JobID(1), priority: 0), .touch(JobID(1)),
        .watch(.standard), .ignore(.standard), .peek(JobID(1)), .peekReady, .peekDelayed, .peekBuried,
        .kick(bound: 1), .kickJob(JobID(1)), .statsJob(JobID(1)), .statsTube(.standard), .stats, .listTubes,
        .listTubeUsed, .listTubesWatched, .pauseTube(.standard, WireSeconds(1)), .quit,
    ]

    @Test func theEndOfTheStreamFailsWhatWaitsOldestFirst() {
        Trace {
            Trace.send("a", .touch(JobID(1)))
            Trace.send("b", .stats)
            Trace.send("c", .listTubes)
            Trace.cancel("b", "b: forgotten")
            Trace.end(.endedByBroker, "close: endedByBroker", "a: failed", "c: failed")
            Trace.end(.finished)
        }.run()
    }

    @Test func silenceIsMeasuredFromTheLastByteOrTheOldestCommand() {
        var machine = ConnectionMachine<String>(replyTimeout: .seconds(10))
        func at(_ seconds: Int64) -> Moment { Moment(nanoseconds: seconds * 1_000_000_000) }
        func send(_ command: Command, _ seconds: Int64) {
            let ticket = machine.newTicket()
            var bytes: [UInt8] = []
            let refusal = machine.submit(command, ticket, for: "", at: at(seconds), writing: &bytes)
            #expect(refusal == nil)
        }
        func isSilent(_ seconds: Int64) -> Bool { machine.silence(at: at(seconds)) != nil }
        let idle = machine.deadline
        #expect(idle == nil)
        send(.touch(JobID(1)), 100)
        send(.statsJob(JobID(1)), 105)
        var deadline = machine.deadline
        #expect(deadline == at(110))
        _ = machine.received(wire("TOUCHED|OK 4|---"), at: at(109))
        deadline = machine.deadline
        #expect(deadline == at(119))
        _ = machine.received(wire("\n|"), at: at(118))
        deadline = machine.deadline
        #expect(deadline == nil)
        send(.reserveWithTimeout(WireSeconds(60)), 200)
        deadline = machine.deadline
        #expect(deadline == at(270))
        let early = isSilent(269)
        #expect(!early)
        let late = isSilent(270)
        #expect(late)
        let end = machine.end
        #expect(end?.description.contains("no answer to reserve-with-timeout and nothing else for 1m10s") == true)
    }

    @Test func aReserveWithoutATimeoutMayWaitForEver() {
        var machine = ConnectionMachine<String>(replyTimeout: .seconds(10))
        let ticket = machine.newTicket()
        var bytes: [UInt8] = []
        let refusal = machine.submit(.reserve, ticket, for: "", at: Moment(nanoseconds: 0), writing: &bytes)
        #expect(refusal == nil)
        let deadline = machine.deadline
        #expect(deadline == nil)
        let action = machine.silence(at: .distantFuture) == nil
        #expect(action)
    }

    @Test func whatCannotBeSentTakesNoSlot() {
        var machine = ConnectionMachine<String>(replyTimeout: .seconds(10))
        let ticket = machine.newTicket()
        let huge = Command.put(
            priority: 0, delay: WireSeconds(0), ttr: WireSeconds(1),
            body: [UInt8](repeating: 0, count: Command.largestBody + 1))
        var bytes: [UInt8] = []
        guard case .unsendable = machine.submit(huge, ticket, for: "a", at: Moment(nanoseconds: 0), writing: &bytes)
        else {
            Issue.record("a body that no broker takes was sent")
            return
        }
        #expect(bytes.isEmpty)
        let inFlight = machine.inFlight
        #expect(inFlight == 0)
    }
}
