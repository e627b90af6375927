import HTTPKit
import Resilience
import Simulation
import Testing
import World

private func at(_ milliseconds: Int64) -> Moment { Moment(nanoseconds: milliseconds * 1_000_000) }

/// Always the same fraction of what is drawn from.
struct FixedRandom: RandomSource {
    var value: UInt64 = .max

    func next() -> UInt64 { value }
}

@Suite struct TokenBucketTests {
    @Test func aBurstThenAtTheRate() {
        var bucket = TokenBucket(rate: 10, burst: 3)
        #expect((0..<3).allSatisfy { _ in bucket.take(at: at(0)) })
        #expect(bucket.take(at: at(0)) == false)
        #expect(bucket.next(at: at(0)) == at(100))
        #expect(bucket.take(at: at(99)) == false)
        #expect(bucket.take(at: at(100)) == true)
        #expect(bucket.next(at: at(100)) == at(200))
    }

    @Test func fillsUpToTheBurstAndNoFurther() {
        var bucket = TokenBucket(rate: 10, burst: 2)
        #expect(bucket.take(at: at(0)) == true)
        let later = at(60_000)
        #expect(bucket.take(at: later) == true)
        #expect(bucket.take(at: later) == true)
        #expect(bucket.take(at: later) == false)
    }

    @Test func whatIsGivenBackCanBeTakenAgain() {
        var bucket = TokenBucket(rate: 1, burst: 1)
        #expect(bucket.take(at: at(0)) == true)
        bucket.giveBack()
        #expect(bucket.take(at: at(0)) == true)
        #expect(bucket.take(at: at(0)) == false)
    }

    @Test func neverMoreThanRateAndBurstAllow() {
        var bucket = TokenBucket(rate: 20, burst: 5)
        let taken = (0..<10_000).filter { bucket.take(at: at(Int64($0))) }.count
        #expect(taken == 5 + 199)
    }

    @Test func noRateIsNoLimit() {
        var bucket = TokenBucket(rate: 0, burst: 1)
        #expect((0..<1_000).allSatisfy { _ in bucket.take(at: at(0)) })
    }
}

@Suite struct BackoffTests {
    @Test func doublesUpToItsLimit() {
        var backoff = Backoff(first: .seconds(1), limit: .seconds(10))
        let ceilings = (0..<6).map { _ in
            defer { _ = backoff.next(FixedRandom()) }
            return backoff.ceiling
        }
        #expect(ceilings == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
        backoff.reset()
        #expect(backoff.ceiling == .seconds(1))
    }

    @Test func jitterIsFullAboveTheFloor() {
        var low = Backoff(first: .seconds(8), limit: .seconds(8), floor: .seconds(2))
        var high = low
        #expect(low.next(FixedRandom(value: 0)) == .seconds(2))
        let most = high.next(FixedRandom(value: .max))
        #expect(most > .milliseconds(7_999) && most <= .seconds(8))
    }
}

@Suite struct BreakerTests {
    private let random = FixedRandom()

    @Test func opensAfterFailuresInARowOnly() {
        var breaker = Breaker(threshold: 3, first: .seconds(1), limit: .seconds(30))
        breaker.failed(asProbe: false, at: at(0), why: "refused", random: random)
        breaker.failed(asProbe: false, at: at(0), why: "refused", random: random)
        breaker.succeeded(asProbe: false)
        breaker.failed(asProbe: false, at: at(0), why: "refused", random: random)
        breaker.failed(asProbe: false, at: at(0), why: "refused", random: random)
        #expect(breaker.passage(at: at(0)) == .free)
        breaker.failed(asProbe: false, at: at(5), why: "refused", random: random)
        #expect(breaker.opened?.since == at(5))
        #expect(breaker.opened?.why == "refused")
    }

    @Test func oneProbeClosesItOrOpensItForLonger() {
        var breaker = Breaker(threshold: 1, first: .seconds(1), limit: .seconds(30))
        breaker.failed(asProbe: false, at: at(0), why: "timeout", random: random)
        guard let first = breaker.opened?.nextProbe else { return #expect(Bool(false), "it should be open") }
        #expect(breaker.passage(at: first - .nanoseconds(1)) == .closed(until: first))
        #expect(breaker.passage(at: first) == .probe)
        breaker.probeBegan()
        #expect(breaker.passage(at: first) == .closed(until: nil))
        breaker.failed(asProbe: true, at: first, why: "timeout", random: random)
        guard let second = breaker.opened?.nextProbe else { return #expect(Bool(false), "it should be open") }
        #expect(second - first > first - at(0))
        breaker.probeBegan()
        breaker.probeAbandoned()
        #expect(breaker.passage(at: second) == .probe)
        breaker.probeBegan()
        breaker.succeeded(asProbe: true)
        #expect(breaker.passage(at: second) == .free)
    }

    @Test func stragglersDoNotCloseIt() {
        var breaker = Breaker(threshold: 1, first: .seconds(1), limit: .seconds(30))
        breaker.failed(asProbe: false, at: at(0), why: "reset", random: random)
        breaker.succeeded(asProbe: false)
        #expect(breaker.opened != nil)
    }
}

@Suite struct RetryAfterTests {
    private let now = Timestamp(parsing: "2026-11-22T15:42:54Z") ?? Timestamp(seconds: 0)

    @Test(arguments: [
        ("120", Duration.seconds(120)), (" 3 ", .seconds(3)), ("0", .zero), ("-5", .zero),
        ("1.5", .milliseconds(1_500)),
        ("Sun, 22 Nov 2026 15:43:54 GMT", .seconds(60)), ("Sun, 22 Nov 2026 15:00:00 GMT", .zero),
    ])
    func isRead(text: String, delay: Duration) {
        #expect(RetryAfter.delay(in: ["Retry-After": text], now: now) == delay)
    }

    @Test(arguments: ["", "soon", "Sun, 22 Foo 2026 15:43:54 GMT", "inf", "nan"])
    func orIgnored(text: String) {
        #expect(RetryAfter.delay(in: ["Retry-After": text], now: now) == nil)
    }

    @Test func aDateIsMeasuredByTheServersClock() {
        let headers: HTTPHeaders = [
            "Date": "Sun, 22 Nov 2026 12:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 12:00:10 GMT",
        ]
        #expect(RetryAfter.delay(in: headers, now: now) == .seconds(10))
    }
}
