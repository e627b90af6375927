import DequeModule
package import World

/// The decisions of a gate as a value: requests arrive and end, tickets are admitted. No I/O and no clock of its own.
package struct GateMachine: Sendable {
    package typealias Ticket = UInt64

    /// How a request that was admitted came out, as far as the gate cares.
    package enum Ending: Sendable, Hashable {
        /// It never left (fence, drain, cancellation).
        case unused
        /// It left and was cut off by a cancellation: nothing was learnt, unless it was long on its way.
        case cut
        case answered(Answer)
        /// No answer: refused, time-out, reset.
        case unreachable(why: String)
        /// No answer, and none to be expected until somebody mends the configuration: TLS, an impossible URL.
        case misconfigured(why: String)
    }

    package struct Answer: Sendable, Hashable {
        /// Nil when the answer was accepted.
        package var kind: ErrorClass?
        package var why: String
        package var isOutage: Bool
        /// The service asks for a rest, and for how long if it says so.
        package var asksForPause: Bool
        package var retryAfter: Duration?

        package init(
            kind: ErrorClass? = nil, why: String = "", isOutage: Bool = false, asksForPause: Bool = false,
            retryAfter: Duration? = nil
        ) {
            self.kind = kind
            self.why = why
            self.isOutage = isOutage
            self.asksForPause = asksForPause
            self.retryAfter = retryAfter
        }
    }

    private struct Running: Sendable {
        var intent: Intent
        var since: Moment
        var isProbe: Bool
    }

    struct Pause: Sendable {
        var until: Moment
        var why: String
    }

    struct Configuration: Sendable {
        var since: Moment
        var why: String
        /// Nil: only `reopen` ends it.
        var nextProbe: Moment?
    }

    let settings: GateSettings
    let random: any RandomSource
    private var bucket: TokenBucket
    var breaker: Breaker
    var pause: Pause?
    var pauseBackoff: Backoff
    var configuration: Configuration?
    var capacity: CapacityWindow
    private var lastTicket: Ticket = 0
    private var removals: Deque<Ticket> = []
    private var ordinary: Deque<(ticket: Ticket, intent: Intent)> = []
    var creates: Deque<Ticket> = []
    private var running: [Ticket: Running] = [:]
    var runningCreates = 0
    var closedBefore = TimeSpans()
    var closedSince: Moment?

    package init(_ settings: GateSettings, random: any RandomSource) {
        self.settings = settings
        self.random = random
        bucket = TokenBucket(rate: settings.rate, burst: settings.burst)
        breaker = Breaker(
            threshold: settings.breakerThreshold, first: settings.breakerFirst, limit: settings.breakerLimit)
        pauseBackoff = Backoff(
            first: settings.pauseFirst, limit: settings.pauseLimit, floor: settings.pauseFirst / 2)
        capacity = CapacityWindow(first: settings.capacityFirst, limit: settings.capacityLimit)
    }
}

// MARK: - Arriving and being admitted

extension GateMachine {
    package mutating func arrive(_ intent: Intent) -> Ticket {
        lastTicket += 1
        switch intent {
        case .remove: removals.append(lastTicket)
        case .create: creates.append(lastTicket)
        case .look, .login, .change: ordinary.append((lastTicket, intent))
        }
        return lastTicket
    }

    /// A waiting request gives up.
    package mutating func leave(_ ticket: Ticket) {
        removals.removeAll { $0 == ticket }
        creates.removeAll { $0 == ticket }
        ordinary.removeAll { $0.ticket == ticket }
    }

    package func isRunning(_ ticket: Ticket) -> Bool { running[ticket] != nil }

    /// The request that has waited longest.
    package var firstWaiting: Ticket? {
        [removals.first, ordinary.first?.ticket, creates.first].compactMap(\.self).min()
    }

    /// Admits whom it can. `alarm` is when to ask again; nil when only another event can change anything.
    package mutating func admit(at now: Moment) -> (admitted: [Ticket], alarm: Moment?) {
        account(at: now)
        var admitted: [Ticket] = []
        while firstWaiting != nil {
            let passage = passage(at: now)
            if case .closed(let until) = passage { return (admitted, until) }
            guard let (ticket, intent) = pick(at: now, isProbe: passage == .probe) else {
                return (admitted, createsAlarm(at: now))
            }
            _ = bucket.take(at: now)
            running[ticket] = Running(intent: intent, since: now, isProbe: passage == .probe)
            if intent == .create {
                runningCreates += 1
                capacity.began(at: now, random: random)
            }
            if passage == .probe { breaker.probeBegan() }
            admitted.append(ticket)
        }
        return (admitted, nil)
    }

    private func passage(at now: Moment) -> Breaker.Passage {
        if running.count >= settings.concurrency { return .closed(until: nil) }
        if let pause, now < pause.until { return .closed(until: pause.until) }
        var isProbe = false
        if let configuration {
            guard let nextProbe = configuration.nextProbe else { return .closed(until: nil) }
            if now < nextProbe { return .closed(until: nextProbe) }
            if running.values.contains(where: \.isProbe) { return .closed(until: nil) }
            isProbe = true
        }
        switch breaker.passage(at: now) {
        case .closed(let until): return .closed(until: until)
        case .probe: isProbe = true
        case .free: break
        }
        let token = bucket.next(at: now)
        if token > now { return .closed(until: token) }
        return isProbe ? .probe : .free
    }

    /// Removals first, then in order of arrival. A probe is a look where there is one: an outage answers a change with
    /// something ambiguous.
    private mutating func pick(at now: Moment, isProbe: Bool) -> (Ticket, Intent)? {
        if isProbe, let index = ordinary.firstIndex(where: { !$0.intent.isMutating }) {
            return ordinary.remove(at: index)
        }
        if let ticket = removals.popFirst() { return (ticket, .remove) }
        if let create = creates.first, create < ordinary.first?.ticket ?? .max, createsAlarm(at: now) == nil,
            runningCreates < createLimit
        {
            creates.removeFirst()
            return (create, .create)
        }
        return ordinary.popFirst()
    }

    /// Creates leave a quarter of the room to others: where the message bus is down they hang until they time out
    /// (facts/openstack-observed.md, "Outages"), and nothing else must wait behind them.
    private var createLimit: Int {
        min(capacity.limit ?? .max, max(1, settings.concurrency - settings.concurrency / 4))
    }

    private func createsAlarm(at now: Moment) -> Moment? {
        guard !creates.isEmpty, let nextProbe = capacity.closed?.nextProbe, now < nextProbe else { return nil }
        return nextProbe
    }
}

// MARK: - Ending

extension GateMachine {
    package mutating func finished(_ ticket: Ticket, _ ending: Ending, at now: Moment) {
        account(at: now)
        defer { account(at: now) }
        guard let request = running.removeValue(forKey: ticket) else { return }
        if request.intent == .create { runningCreates -= 1 }
        switch ending {
        case .unused:
            bucket.giveBack()
            abandon(request)
        case .cut:
            // Whoever gave up waiting for a quick answer has learnt that there is none: where steps are shorter than the
            // time-outs of requests, nothing else would ever tell of a service that is silent.
            if !request.intent.isMutating, now - request.since >= settings.silence {
                let why = "no answer within \((now - request.since).short)"
                breaker.failed(asProbe: request.isProbe, at: now, why: why, random: random)
                postponeConfigurationProbe(request, at: now)
            } else {
                abandon(request)
            }
        case .unreachable(let why):
            breaker.failed(asProbe: request.isProbe, at: now, why: why, random: random)
            postponeConfigurationProbe(request, at: now)
        case .misconfigured(let why):
            breaker.probeAbandoned()
            closeForConfiguration(why, probing: true, at: now)
        case .answered(let answer):
            answered(request, answer, at: now)
        }
    }

    private mutating func abandon(_ request: Running) {
        if request.isProbe { breaker.probeAbandoned() }
    }

    private mutating func answered(_ request: Running, _ answer: Answer, at now: Moment) {
        if answer.isOutage {
            breaker.failed(asProbe: request.isProbe, at: now, why: answer.why, random: random)
        } else {
            breaker.succeeded(asProbe: request.isProbe)
        }
        if answer.asksForPause { rest(request, answer, at: now) }
        switch answer.kind {
        case .site:
            closeForConfiguration(answer.why, probing: true, at: now)
        case .transient, .ambiguous:
            postponeConfigurationProbe(request, at: now)
        case nil, .permanent, .capacity:
            if request.isProbe, configuration?.nextProbe != nil { configuration = nil }
            if !answer.asksForPause, request.since >= pause?.until ?? request.since { pauseBackoff.reset() }
        }
        guard request.intent == .create else { return }
        switch answer.kind {
        case nil: capacity.succeeded(upTo: settings.concurrency)
        case .capacity: capacity.refused(answer.why, sent: request.since, at: now, random: random)
        default: break
        }
    }

    /// Answers to requests that left before this pause began ask for the same rest again: they may prolong it to what
    /// they name, but do not count as another refusal.
    private mutating func rest(_ request: Running, _ answer: Answer, at now: Moment) {
        let isNews = request.since >= pause?.until ?? .init(nanoseconds: .min)
        var delay = answer.retryAfter.map { min($0, settings.retryAfterLimit) }
        if isNews, delay == nil || delay == .zero { delay = pauseBackoff.next(random) }
        guard let delay else { return }
        let until = max(now + delay, pause?.until ?? now)
        pause = Pause(until: until, why: answer.why)
    }

    private mutating func postponeConfigurationProbe(_ request: Running, at now: Moment) {
        guard request.isProbe, configuration?.nextProbe != nil else { return }
        let later = now + settings.configurationProbe
        configuration?.nextProbe = later
    }
}
