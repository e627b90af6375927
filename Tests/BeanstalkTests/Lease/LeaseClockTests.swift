import Beanstalk
import Testing
import World

@Suite struct LeaseClockTests {
    private func at(_ seconds: Double) -> Moment { Moment(nanoseconds: Int64(seconds * 1e9)) }

    /// `#expect` cannot take what changes a value.
    private func expect(_ isTrue: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(isTrue, sourceLocation: sourceLocation)
    }

    @Test(arguments: [
        (300, 60.0, 15.0, 54.0), (60, 60, 15, 54), (20, 20, 5, 18), (2, 2, 0.5, 1.8), (1, 1, 0.25, 0.9),
        (0, 0, 0, 0), (-5, 0, 0, 0),
    ])
    func terms(_ ttr: Int, _ length: Double, _ interval: Double, _ reach: Double) {
        let terms = LeaseTerms(ttr: .seconds(ttr))
        #expect(terms.length.seconds == length)
        #expect(terms.interval.seconds == interval)
        #expect(terms.reach.seconds == reach)
    }

    @Test func itCountsFromTheSendingOfTheLastAnsweredTouch() {
        var clock = LeaseClock(LeaseTerms(ttr: .seconds(20)), touchSent: at(100))
        #expect(clock.end == at(118))
        #expect(clock.loss(at: at(117.9)) == nil)
        #expect(clock.loss(at: at(118)) == .expired)
        expect(clock.touched(sent: at(105), at: at(117)))
        #expect(clock.end == at(123))
        // An answer to an older touch does not shorten it.
        expect(clock.touched(sent: at(103), at: at(118)))
        #expect(clock.end == at(123))
    }

    @Test func whatEndedByOurOwnClockStaysEnded() {
        var clock = LeaseClock(LeaseTerms(ttr: .seconds(20)), touchSent: at(100))
        expect(!clock.touched(sent: at(117), at: at(118)))
        #expect(clock.loss(at: at(118)) == .expired)
        expect(clock.lose(.expired))
        expect(!clock.touched(sent: at(110), at: at(111)))
        #expect(clock.loss(at: at(111)) == .expired)
        expect(!clock.lose(.notFound))
        #expect(clock.end == nil)
    }

    @Test func onceItIsBeingSettledNothingMayBeChanged() {
        var clock = LeaseClock(LeaseTerms(ttr: .seconds(20)), touchSent: at(100))
        expect(clock.settle(at: at(101)) == nil)
        #expect(clock.loss(at: at(101)) == .settled)
        expect(clock.settle(at: at(101)) == .settled)
        clock.settled()
        expect(!clock.lose(.notFound))
        #expect(clock.loss(at: at(500)) == .settled)
    }

    @Test func anExpiredLeaseIsNotSettled() {
        var clock = LeaseClock(LeaseTerms(ttr: .seconds(20)), touchSent: at(100))
        expect(clock.settle(at: at(118)) == .expired)
    }
}
