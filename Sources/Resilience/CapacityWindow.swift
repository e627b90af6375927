package import World

/// How many creates may be on their way while a provider has refused for want of capacity: one at first, after a delay;
/// every success doubles it until it no longer matters. A full quota that frees ten places is then found quickly without
/// everybody running into it at once.
///
/// A refusal shows in the answer to a create, or long after it, in a server that ends in ERROR. Where it has shown late,
/// an accepted create proves nothing: only a server that came up does, and until then there is one try for each delay.
package struct CapacityWindow: Sendable {
    private struct Closed: Sendable {
        var since: Moment
        var why: String
        var limit: Int
        var nextProbe: Moment
        var refusedAt: Moment
        var showsLate: Bool
        /// Where refusals show late: creates that may leave before the next delay is over.
        var granted = 0
    }

    private var state: Closed?
    private var backoff: Backoff

    package init(first: Duration, limit: Duration) {
        backoff = Backoff(first: first, limit: limit, floor: first / 2)
    }

    /// Creates that may be in flight; nil: as many as you like.
    package var limit: Int? { state?.limit }

    package var closed: (since: Moment, why: String, nextProbe: Moment)? {
        state.map { ($0.since, $0.why, $0.granted > 0 ? $0.refusedAt : $0.nextProbe) }
    }

    /// - Parameter sent: when the refused create left; nil when the refusal showed late. What left before the last
    ///   refusal is no news, nor is what shows before the next probe: many fail together for one cause.
    package mutating func refused(_ why: String, sent: Moment?, at now: Moment, random: any RandomSource) {
        guard let old = state else {
            state = Closed(
                since: now, why: why, limit: 1, nextProbe: now + backoff.next(random), refusedAt: now,
                showsLate: sent == nil)
            return
        }
        state?.showsLate = old.showsLate || sent == nil
        state?.granted = 0
        state?.limit = 1
        guard sent.map({ $0 > old.refusedAt }) ?? (now >= old.nextProbe) else { return }
        state?.why = why
        state?.nextProbe = now + backoff.next(random)
        state?.refusedAt = now
    }

    /// A create leaves.
    package mutating func began(at now: Moment, random: any RandomSource) {
        guard let old = state, old.showsLate else { return }
        if old.granted > 0 {
            state?.granted = old.granted - 1
        } else {
            state?.nextProbe = now + backoff.next(random)
        }
    }

    /// A create was accepted.
    package mutating func succeeded(upTo enough: Int) {
        guard let old = state, !old.showsLate else { return }
        widen(old, upTo: enough)
    }

    /// A server came up.
    package mutating func proved(upTo enough: Int) {
        guard let old = state, old.showsLate else { return }
        widen(old, upTo: enough)
        state?.granted = old.limit * 2
    }

    private mutating func widen(_ old: Closed, upTo enough: Int) {
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
