package import World

/// How many creates may be on their way while a provider has refused for want of capacity: one at first, after a delay;
/// every success doubles it until it no longer matters. A full quota that frees ten places is then found quickly without
/// everybody running into it at once.
package struct CapacityWindow: Sendable {
    private struct Closed: Sendable {
        var since: Moment
        var why: String
        var limit: Int
        var nextProbe: Moment
        var refusedAt: Moment
    }

    private var state: Closed?
    private var backoff: Backoff

    package init(first: Duration, limit: Duration) {
        backoff = Backoff(first: first, limit: limit, floor: first / 2)
    }

    /// Creates that may be in flight; nil: as many as you like.
    package var limit: Int? { state?.limit }

    package var closed: (since: Moment, why: String, nextProbe: Moment)? {
        state.map { ($0.since, $0.why, $0.nextProbe) }
    }

    /// - Parameter sent: when the refused create left; nil when the refusal showed otherwise. What left before the last
    ///   refusal is no news, nor is what shows before the next probe: many fail together for one cause.
    package mutating func refused(_ why: String, sent: Moment?, at now: Moment, random: any RandomSource) {
        guard let old = state else {
            state = Closed(since: now, why: why, limit: 1, nextProbe: now + backoff.next(random), refusedAt: now)
            return
        }
        guard sent.map({ $0 > old.refusedAt }) ?? (now >= old.nextProbe) else { return }
        state = Closed(
            since: old.since, why: why, limit: 1, nextProbe: now + backoff.next(random), refusedAt: now)
    }

    package mutating func succeeded(upTo enough: Int) {
        guard let old = state else { return }
        backoff.reset()
        if old.limit * 2 > enough {
            state = nil
        } else {
            state?.limit = old.limit * 2
        }
    }

    package mutating func freed(at now: Moment) {
        if let nextProbe = state?.nextProbe, nextProbe > now { state?.nextProbe = now }
    }

    package mutating func reopen() {
        state = nil
        backoff.reset()
    }
}
