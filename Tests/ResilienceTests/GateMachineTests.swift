import Resilience
import Testing
import World

private func at(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

/// The gate's decisions as traces: what arrives and ends, what is admitted.
@Suite struct GateMachineTests {
    private typealias Answer = GateMachine.Answer

    private func machine(_ change: (inout GateSettings) -> Void = { _ in }) -> GateMachine {
        var settings = GateSettings(concurrency: 4, rate: 0, burst: 1)
        change(&settings)
        return GateMachine(settings, random: FixedRandom())
    }

    @Test func firstComeFirstServedUpToTheConcurrency() {
        var gate = machine()
        let tickets = (0..<6).map { _ in gate.arrive(.look) }
        #expect(gate.admit(at: at(0)).admitted == Array(tickets[0..<4]))
        #expect(gate.admit(at: at(0)).admitted == [])
        gate.finished(tickets[1], .answered(Answer()), at: at(1))
        #expect(gate.admit(at: at(1)).admitted == [tickets[4]])
        gate.leave(tickets[5])
        gate.finished(tickets[0], .cut, at: at(2))
        #expect(gate.admit(at: at(2)).admitted == [])
    }

    @Test func removalsPassFirst() {
        var gate = machine { $0.concurrency = 1 }
        let running = gate.arrive(.look)
        _ = gate.admit(at: at(0))
        let look = gate.arrive(.look)
        let create = gate.arrive(.create)
        let remove = gate.arrive(.remove)
        var order: [GateMachine.Ticket] = []
        var current = running
        for time in 1...3 {
            gate.finished(current, .answered(Answer()), at: at(Int64(time)))
            let admitted = gate.admit(at: at(Int64(time))).admitted
            #expect(admitted.count == 1)
            current = admitted.first ?? current
            order += admitted
        }
        #expect(order == [remove, look, create])
    }

    @Test func theBucketSaysWhenToComeBack() {
        var gate = machine {
            $0.rate = 10
            $0.burst = 2
        }
        let tickets = (0..<3).map { _ in gate.arrive(.look) }
        let first = gate.admit(at: at(0))
        #expect(first.admitted == Array(tickets[0..<2]))
        #expect(first.alarm == at(100))
        #expect(gate.admit(at: at(100)).admitted == [tickets[2]])
    }

    @Test func anUnusedTurnCostsNothing() {
        var gate = machine {
            $0.rate = 1
            $0.burst = 1
        }
        let first = gate.arrive(.create)
        #expect(gate.admit(at: at(0)).admitted == [first])
        gate.finished(first, .unused, at: at(0))
        let second = gate.arrive(.create)
        #expect(gate.admit(at: at(0)).admitted == [second])
    }

    @Test func retryAfterPausesEverybodyAndIsCapped() {
        var gate = machine { $0.retryAfterLimit = .seconds(60) }
        let ticket = gate.arrive(.look)
        _ = gate.admit(at: at(0))
        gate.finished(
            ticket,
            .answered(Answer(kind: .transient, why: "429", asksForPause: true, retryAfter: .seconds(3_600))), at: at(0))
        #expect(gate.state(at: at(1)) == .paused(until: at(60_000), why: "429"))
        let removal = gate.arrive(.remove)
        let admitted = gate.admit(at: at(1))
        #expect(admitted.admitted == [] && admitted.alarm == at(60_000))
        #expect(gate.admit(at: at(60_000)).admitted == [removal])
        #expect(gate.state(at: at(60_000)) == .open)
        #expect(gate.closures(at: at(90_000)).time(since: at(0)) == .seconds(60))
    }

    @Test func pausesWithoutATimeGrowOncePerRefusalAndNotPerRequest() {
        var gate = machine {
            $0.pauseFirst = .seconds(1)
            $0.pauseLimit = .seconds(8)
        }
        let busy = GateMachine.Ending.answered(Answer(kind: .transient, why: "503", asksForPause: true))
        let tickets = (0..<4).map { _ in gate.arrive(.look) }
        _ = gate.admit(at: at(0))
        for ticket in tickets { gate.finished(ticket, busy, at: at(10)) }
        guard case .paused(let first, _) = gate.state(at: at(10)) else {
            return #expect(Bool(false), "it should be paused")
        }
        #expect(first - at(10) <= .seconds(1))
        let next = gate.arrive(.look)
        #expect(gate.admit(at: first).admitted == [next])
        gate.finished(next, busy, at: first)
        guard case .paused(let second, _) = gate.state(at: first) else {
            return #expect(Bool(false), "it should be paused")
        }
        #expect(second - first > .seconds(1))
        #expect(second - first <= .seconds(2))
    }

    @Test func aBrokenServiceGetsOneProbeAndThatIsALook() {
        var gate = machine { $0.breakerThreshold = 2 }
        let both = [gate.arrive(.look), gate.arrive(.look)]
        _ = gate.admit(at: at(0))
        for ticket in both { gate.finished(ticket, .unreachable(why: "refused"), at: at(0)) }
        guard case .broken(_, "refused", let nextProbe) = gate.state(at: at(0)) else {
            return #expect(Bool(false), "it should be broken")
        }
        let create = gate.arrive(.create)
        let remove = gate.arrive(.remove)
        let look = gate.arrive(.look)
        #expect(gate.admit(at: at(0)).alarm == nextProbe)
        #expect(gate.admit(at: nextProbe).admitted == [look])
        let answer = nextProbe + .seconds(60)
        #expect(gate.admit(at: answer).admitted == [])
        gate.finished(look, .answered(Answer()), at: answer)
        #expect(gate.state(at: answer) == .open)
        #expect(gate.admit(at: answer).admitted == [remove, create])
        #expect(gate.closures(at: answer + .seconds(5)).time(since: at(0)) == answer - at(0))
    }

    @Test func aRefusedLoginClosesUntilAProbeIsWelcome() {
        var gate = machine { $0.configurationProbe = .seconds(30) }
        let login = gate.arrive(.login)
        _ = gate.admit(at: at(0))
        gate.finished(login, .answered(Answer(kind: .site, why: "401")), at: at(0))
        #expect(gate.state(at: at(0)) == .closedForConfiguration(since: at(0), why: "401"))
        let second = gate.arrive(.login)
        let third = gate.arrive(.login)
        #expect(gate.admit(at: at(0)).alarm == at(30_000))
        #expect(gate.admit(at: at(30_000)).admitted == [second])
        gate.finished(second, .answered(Answer(kind: .site, why: "401")), at: at(30_000))
        #expect(gate.admit(at: at(30_000)).alarm == at(60_000))
        #expect(gate.admit(at: at(60_000)).admitted == [third])
        gate.finished(third, .answered(Answer()), at: at(60_000))
        #expect(gate.state(at: at(60_000)) == .open)
    }

    @Test func whatIsClosedByHandOpensByHandOnly() {
        var gate = machine()
        gate.closeForConfiguration("burial brake", probing: false, at: at(0))
        let look = gate.arrive(.look)
        let held = gate.admit(at: at(3_600_000))
        #expect(held.admitted == [] && held.alarm == nil)
        gate.reopen(at: at(3_600_000))
        #expect(gate.admit(at: at(3_600_000)).admitted == [look])
    }

    @Test func withoutCapacityOneCreateAtATimeThenTwiceAsMany() {
        var gate = machine {
            $0.concurrency = 16
            $0.capacityFirst = .seconds(4)
        }
        let full = GateMachine.Ending.answered(Answer(kind: .capacity, why: "quota"))
        let first = gate.arrive(.create)
        _ = gate.admit(at: at(0))
        gate.finished(first, full, at: at(0))
        guard case .noCapacity(_, "quota", let nextProbe) = gate.state(at: at(0)) else {
            return #expect(Bool(false), "it should be out of capacity")
        }
        let creates = (0..<20).map { _ in gate.arrive(.create) }
        let look = gate.arrive(.look)
        let held = gate.admit(at: at(1))
        #expect(held.admitted == [look] && held.alarm == nextProbe)
        #expect(gate.admit(at: nextProbe).admitted == [creates[0]])
        #expect(gate.admit(at: nextProbe).admitted == [])
        gate.finished(creates[0], .answered(Answer()), at: nextProbe)
        #expect(gate.admit(at: nextProbe).admitted == Array(creates[1...2]))
        gate.finished(creates[1], .answered(Answer()), at: nextProbe)
        #expect(gate.admit(at: nextProbe).admitted == Array(creates[3...5]))
        gate.finished(creates[2], full, at: nextProbe)
        // Those that left before the refusal are refused too: no news.
        guard case .noCapacity(_, _, let later) = gate.state(at: nextProbe) else {
            return #expect(Bool(false), "it should be out of capacity")
        }
        gate.finished(creates[3], full, at: nextProbe + .nanoseconds(1))
        #expect(gate.state(at: nextProbe) == .noCapacity(since: at(0), why: "quota", nextProbe: later))
    }

    @Test func manyFaultsOfOneCauseAreOneRefusal() {
        var gate = machine { $0.capacityFirst = .seconds(4) }
        gate.closeForCapacity("no valid host", at: at(0))
        let first = gate.state(at: at(0))
        for time in 1...50 { gate.closeForCapacity("no valid host", at: at(Int64(time))) }
        #expect(gate.state(at: at(50)) == first)
    }

    @Test func somethingRemovedMakesRoomForAProbeAtOnce() {
        var gate = machine { $0.capacityFirst = .seconds(60) }
        gate.closeForCapacity("no valid host", at: at(0))
        let create = gate.arrive(.create)
        #expect(gate.admit(at: at(1)).admitted == [])
        gate.capacityFreed(at: at(2))
        #expect(gate.admit(at: at(2)).admitted == [create])
    }

    @Test func hangingCreatesLeaveRoomForOthers() {
        var gate = machine { $0.concurrency = 8 }
        let creates = (0..<8).map { _ in gate.arrive(.create) }
        #expect(gate.admit(at: at(0)).admitted == Array(creates[0..<6]))
        let remove = gate.arrive(.remove)
        #expect(gate.admit(at: at(0)).admitted == [remove])
    }
}
