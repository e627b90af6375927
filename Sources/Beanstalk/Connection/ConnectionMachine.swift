import DequeModule
package import World

/// The protocol of one connection: which reply answers which command, and when there is nothing left but to close.
///
/// Events go in, what to do comes out; it holds no descriptor, no clock and no task. `Waiter` is whatever waits for an
/// answer.
package struct ConnectionMachine<Waiter: Sendable>: ~Copyable, Sendable {
    /// Names one command of this connection.
    package typealias Ticket = UInt64

    package enum Action: Sendable {
        case answer(Waiter, Reply)
        /// Close the stream and tell these, oldest first.
        case close(ConnectionEnd, [Waiter])
    }

    package enum Cancellation: Sendable {
        /// It was answered, or refused, before.
        case nothing
        /// The slot stays in the queue, and its reply will be dropped.
        case forget(Waiter)
        case close(ConnectionEnd, cancelled: Waiter, [Waiter])
    }

    private struct Slot: Sendable {
        let ticket: Ticket
        let question: Question
        let sent: Moment
    }

    private struct Caller: Sendable {
        let waiter: Waiter
        let reserves: Bool
    }

    private let replyTimeout: Duration
    private var parser: ReplyParser
    private var lastTicket: Ticket = 0
    private var slots: Deque<Slot> = []
    /// Of those slots whose callers have not gone away.
    private var callers: [Ticket: Caller] = [:]
    /// A reserve that the broker may be holding back, and with it everything behind it (fact A1).
    private var blocker: Ticket?
    private var lastHeard = Moment(nanoseconds: .min)
    /// Set once, for good.
    package private(set) var end: ConnectionEnd?

    /// - Parameters:
    ///   - replyTimeout: how long the broker may be silent while an answer is due, beyond the time-out of a reserve.
    ///   - bodyLimit: see `ReplyParser`.
    package init(replyTimeout: Duration, bodyLimit: Int = ReplyParser.usualBodyLimit) {
        self.replyTimeout = replyTimeout
        parser = ReplyParser(bodyLimit: bodyLimit)
    }

    package var inFlight: Int { slots.count }

    /// When the silence has lasted too long; nil while nothing is due.
    package var deadline: Moment? {
        guard let first = slots.first, let holdback = first.question.holdback else { return nil }
        return max(first.sent, lastHeard) + (holdback + replyTimeout)
    }

    package mutating func newTicket() -> Ticket {
        lastTicket += 1
        return lastTicket
    }

    /// Takes a command and adds its bytes to `out`: the order of submissions must be the order on the wire.
    /// - Returns: why it was not taken.
    package mutating func submit(
        _ command: Command, _ ticket: Ticket, for waiter: Waiter, at now: Moment, writing out: inout [UInt8]
    ) -> BrokerError.Cause? {
        if let end { return .ended(end) }
        if let fault = command.fault { return .unsendable(fault) }
        if blocker != nil { return .behindReserve }
        if command.blocks { blocker = ticket }
        slots.append(Slot(ticket: ticket, question: Question(command), sent: now))
        callers[ticket] = Caller(waiter: waiter, reserves: command.reserves)
        command.encode(into: &out)
        return nil
    }

    package mutating func received(_ bytes: [UInt8], at now: Moment) -> [Action] {
        guard end == nil else { return [] }
        lastHeard = now
        parser.append(bytes)
        var actions: [Action] = []
        do {
            while let reply = try parser.next() {
                guard let slot = slots.first else {
                    actions.append(close(.desynchronised("\(reply.keyword) came, nothing was asked")))
                    return actions
                }
                let verdict = slot.question.judge(reply)
                guard verdict != .desynchronised else {
                    let detail = "\(reply.keyword) came as the answer to \(slot.question)"
                    actions.append(close(.desynchronised(detail)))
                    return actions
                }
                slots.removeFirst()
                if blocker == slot.ticket { blocker = nil }
                if let caller = callers.removeValue(forKey: slot.ticket) {
                    actions.append(.answer(caller.waiter, reply))
                }
                if verdict == .lastAnswer {
                    actions.append(close(.desynchronised("the broker refused a put with \(reply.keyword)")))
                    return actions
                }
            }
            if slots.isEmpty && parser.isInsideReply {
                actions.append(close(.desynchronised("bytes came, nothing was asked")))
            }
        } catch {
            actions.append(close(.violation(error)))
        }
        return actions
    }

    /// The stream ended, failed, or is not wanted any more.
    package mutating func ended(_ reason: ConnectionEnd) -> Action? {
        end == nil ? close(reason) : nil
    }

    /// The caller behind `ticket` went away.
    package mutating func cancelled(_ ticket: Ticket) -> Cancellation {
        guard let caller = callers.removeValue(forKey: ticket) else { return .nothing }
        // A reply that is dropped must not be a job: nobody would ever settle it.
        guard caller.reserves else { return .forget(caller.waiter) }
        return .close(.reserveCancelled, cancelled: caller.waiter, abandon(.reserveCancelled))
    }

    /// - Returns: what to do if the silence has lasted too long at `now`.
    package mutating func silence(at now: Moment) -> Action? {
        guard let deadline, now >= deadline, let first = slots.first else { return nil }
        return close(.silent(now - max(first.sent, lastHeard), waitingFor: first.question))
    }

    private mutating func close(_ reason: ConnectionEnd) -> Action {
        .close(reason, abandon(reason))
    }

    /// - Returns: whoever still waits, oldest first.
    private mutating func abandon(_ reason: ConnectionEnd) -> [Waiter] {
        end = reason
        let waiting = slots.compactMap { callers[$0.ticket]?.waiter }
        slots = []
        callers = [:]
        blocker = nil
        parser = ReplyParser()
        return waiting
    }
}
