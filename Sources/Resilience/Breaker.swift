package import World

/// Stops asking a service that does not answer. After `threshold` failures in a row it opens; when its time has come one
/// probe goes through; the probe's success closes it, its failure opens it for longer.
package struct Breaker: Sendable {
    package enum Passage: Sendable, Hashable {
        case free
        /// One request may go, as the probe; say so with `probeBegan`.
        case probe
        /// Nothing may go before `until`; nil while a probe is on its way.
        case closed(until: Moment?)
    }

    private enum Phase: Sendable, Hashable {
        case closed(failures: Int)
        case open(since: Moment, why: String, nextProbe: Moment, probing: Bool)
    }

    private let threshold: Int
    private var backoff: Backoff
    private var phase = Phase.closed(failures: 0)

    package init(threshold: Int, first: Duration, limit: Duration) {
        self.threshold = max(1, threshold)
        backoff = Backoff(first: first, limit: limit, floor: first / 2)
    }

    package func passage(at now: Moment) -> Passage {
        switch phase {
        case .closed: .free
        case .open(_, _, _, probing: true): .closed(until: nil)
        case .open(_, _, let nextProbe, _): nextProbe <= now ? .probe : .closed(until: nextProbe)
        }
    }

    /// Since when and why it is open, and when the next probe may go.
    package var opened: (since: Moment, why: String, nextProbe: Moment)? {
        if case .open(let since, let why, let nextProbe, _) = phase { (since, why, nextProbe) } else { nil }
    }

    package mutating func probeBegan() {
        if case .open(let since, let why, let nextProbe, _) = phase {
            phase = .open(since: since, why: why, nextProbe: nextProbe, probing: true)
        }
    }

    /// The probe ended without teaching anything (cancelled): the next one may go at once.
    package mutating func probeAbandoned() {
        if case .open(let since, let why, let nextProbe, true) = phase {
            phase = .open(since: since, why: why, nextProbe: nextProbe, probing: false)
        }
    }

    /// Answers to requests that left before it opened say nothing about now, so only the probe's counts while it is
    /// open.
    package mutating func succeeded(asProbe: Bool) {
        if case .open = phase, !asProbe { return }
        phase = .closed(failures: 0)
        backoff.reset()
    }

    package mutating func failed(asProbe: Bool, at now: Moment, why: String, random: any RandomSource) {
        switch phase {
        case .closed(let failures) where failures + 1 < threshold:
            phase = .closed(failures: failures + 1)
        case .closed:
            phase = .open(since: now, why: why, nextProbe: now + backoff.next(random), probing: false)
        case .open(let since, _, _, _) where asProbe:
            phase = .open(since: since, why: why, nextProbe: now + backoff.next(random), probing: false)
        case .open:
            break
        }
    }
}
