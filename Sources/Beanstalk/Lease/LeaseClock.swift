package import World

/// When a lease ends: a value that is told what was sent, what was answered and what time it is.
package struct LeaseClock: Sendable {
    private enum State {
        case live(until: Moment)
        case settling
        case ended(LeaseLoss)
    }

    package let terms: LeaseTerms
    private var state: State

    /// - Parameter sent: when the first touch that the broker answered was sent.
    package init(_ terms: LeaseTerms, touchSent sent: Moment) {
        self.terms = terms
        state = .live(until: sent + terms.reach)
    }

    /// The end as it stands; nil once it has ended.
    package var end: Moment? {
        if case .live(let until) = state { until } else { nil }
    }

    /// Why there is no lease at `now`.
    package func loss(at now: Moment) -> LeaseLoss? {
        switch state {
        case .live(let until): now < until ? nil : .expired
        case .settling: .settled
        case .ended(let loss): loss
        }
    }

    /// A touch sent at `sent` was answered TOUCHED, and the answer read at `now`.
    /// - Returns: false if that was too late.
    package mutating func touched(sent: Moment, at now: Moment) -> Bool {
        guard case .live(let until) = state, now < until else { return false }
        state = .live(until: max(until, sent + terms.reach))
        return true
    }

    /// The last command is about to be sent.
    /// - Returns: why it must not be.
    package mutating func settle(at now: Moment) -> LeaseLoss? {
        if let loss = loss(at: now) { return loss }
        state = .settling
        return nil
    }

    /// The last command was answered.
    package mutating func settled() {
        if case .settling = state { state = .ended(.settled) }
    }

    /// - Returns: whether this is news: the first end counts.
    package mutating func lose(_ loss: LeaseLoss) -> Bool {
        if case .ended = state { return false }
        state = .ended(loss)
        return true
    }
}
