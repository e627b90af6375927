import World

/// A gate's machine, and the signals of those who wait before it. Pure, too: what there is to tell is returned.
struct GateQueue: Sendable {
    enum Turn: Sendable {
        case go
        /// Keep the time from now on: sleep until the alarm.
        case keepTime
        case drained
        /// Stood before a closed gate for long enough.
        case parked
    }

    /// What an event means to those outside.
    struct News: Sendable {
        var turns: [(Signal<Turn>, Turn)] = []
        /// The state, if it is another one than before; and who waits for that.
        var state: GateState?
        var watchers: [Signal<Void>] = []
    }

    var machine: GateMachine
    private var waiting: [GateMachine.Ticket: Signal<Turn>] = [:]
    private var timekeeper: GateMachine.Ticket?
    /// When the next request may leave, and when the timekeeper will wake up.
    private var alarm: Moment?
    private var armed: Moment?
    private var announced = GateState.open
    private var watchers: [Signal<Void>] = []

    init(_ machine: GateMachine) {
        self.machine = machine
    }

    /// - Returns: what to wait for, and until when if this one keeps the time; nil when the request may leave.
    mutating func wait(_ ticket: GateMachine.Ticket) -> (turn: Signal<Turn>, alarm: Moment?)? {
        if machine.isRunning(ticket) { return nil }
        let turn = Signal<Turn>()
        waiting[ticket] = turn
        guard timekeeper == ticket, let alarm else { return (turn, nil) }
        armed = alarm
        return (turn, alarm)
    }

    mutating func alarmRang() { armed = nil }

    /// Whoever waited has ended otherwise, perhaps at the very moment of its admission.
    mutating func giveUp(_ ticket: GateMachine.Ticket, at now: Moment) {
        if machine.isRunning(ticket) { return machine.finished(ticket, .unused, at: now) }
        machine.leave(ticket)
        waiting[ticket] = nil
        if timekeeper == ticket { timekeeper = nil }
    }

    mutating func watch() -> Signal<Void> {
        let changed = Signal<Void>()
        watchers.append(changed)
        return changed
    }

    mutating func unwatch(_ changed: Signal<Void>) { watchers.removeAll { $0 === changed } }

    /// After every event: admits whom it can, sees that somebody keeps the time, notices a changed state.
    mutating func settle(at now: Moment) -> News {
        var news = News()
        let (admitted, alarm) = machine.admit(at: now)
        for ticket in admitted {
            if let turn = waiting.removeValue(forKey: ticket) { news.turns.append((turn, .go)) }
            if timekeeper == ticket { timekeeper = nil }
        }
        self.alarm = alarm
        if timekeeper == nil { armed = nil }
        if let alarm, armed.map({ alarm < $0 }) ?? true {
            if timekeeper == nil { timekeeper = machine.firstWaiting }
            if let timekeeper, let turn = waiting[timekeeper] { news.turns.append((turn, .keepTime)) }
        }
        let state = machine.state(at: now)
        guard state != announced else { return news }
        announced = state
        news.state = state
        swap(&news.watchers, &watchers)
        return news
    }
}
