package import World

/// Closing by hand, and what a gate looks like.
extension GateMachine {
    /// - Parameter probing: whether one request is tried now and then, whose success reopens the gate.
    package mutating func closeForConfiguration(_ why: String, probing: Bool, at now: Moment) {
        account(at: now)
        let nextProbe = probing ? now + settings.configurationProbe : nil
        if let old = configuration {
            // What was closed by hand stays closed until somebody reopens it.
            let byHand = old.nextProbe == nil || !probing
            configuration = Configuration(since: old.since, why: why, nextProbe: byHand ? nil : nextProbe)
        } else {
            configuration = Configuration(since: now, why: why, nextProbe: nextProbe)
        }
        account(at: now)
    }

    package mutating func reopen(at now: Moment) {
        account(at: now)
        configuration = nil
        pause = nil
        pauseBackoff.reset()
        breaker.succeeded(asProbe: true)
        capacity.reopen()
    }

    package mutating func closeForCapacity(_ why: String, at now: Moment) {
        capacity.refused(why, sent: nil, at: now, random: random)
    }

    /// A server came up: where refusals show late, only this says that there is room.
    package mutating func capacityProved() {
        capacity.proved(upTo: settings.concurrency)
    }

    /// Something was given back: the next create may be tried at once.
    package mutating func capacityFreed(at now: Moment) {
        capacity.freed(at: now)
    }

    package func state(at now: Moment) -> GateState {
        if let configuration {
            return .closedForConfiguration(since: configuration.since, why: configuration.why)
        }
        if let opened = breaker.opened {
            return .broken(since: opened.since, why: opened.why, nextProbe: opened.nextProbe)
        }
        if let pause, now < pause.until { return .paused(until: pause.until, why: pause.why) }
        if let closed = capacity.closed {
            return .noCapacity(since: closed.since, why: closed.why, nextProbe: closed.nextProbe)
        }
        return .open
    }

    /// When, since it was made, the gate let nothing through.
    package func closures(at now: Moment) -> TimeSpans {
        var copy = self
        copy.account(at: now)
        return copy.closedBefore
    }

    /// Brings the measure of closed time up to `now`; called before and after everything that closes or opens.
    mutating func account(at now: Moment) {
        let isClosed = state(at: now).isClosed
        if let since = closedSince {
            // A pause is the one thing that ends by itself.
            let end = isClosed ? now : max(since, min(now, pause?.until ?? now))
            closedBefore.add(from: since, to: end)
            closedSince = isClosed ? now : nil
        } else if isClosed {
            closedSince = now
        }
    }
}
