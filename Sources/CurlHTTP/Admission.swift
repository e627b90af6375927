import DequeModule
import EventLoop

/// Who may start a transfer now, and who has to wait: first come, first served, but nobody waits for a host that is not
/// his. Waiting happens here and not inside libcurl, where the request's time-out would already run.
struct Admission {
    private struct Host {
        var running = 0
        var waiting: Deque<(ticket: UInt64, turn: Promise<Void>)> = []
    }

    private let perHost: Int
    private let total: Int
    private var running = 0
    private var lastTicket: UInt64 = 0
    private var hosts: [String: Host] = [:]

    init(perHost: Int, total: Int) {
        self.perHost = perHost
        self.total = total
    }

    var waitingCount: Int { hosts.values.reduce(0) { $0 + $1.waiting.count } }

    /// - Returns: nil when it may start, else what to wait for.
    mutating func enter(_ name: String) -> Promise<Void>? {
        var host = hosts[name] ?? Host()
        defer { hosts[name] = host }
        if running < total, host.running < perHost, host.waiting.isEmpty {
            running += 1
            host.running += 1
            return nil
        }
        lastTicket += 1
        let turn = Promise<Void>()
        host.waiting.append((lastTicket, turn))
        return turn
    }

    /// Ends one that had its turn; the next of those who wait get theirs.
    mutating func leave(_ name: String) {
        running -= 1
        hosts[name]?.running -= 1
        forgetIfIdle(name)
        while running < total, let next = nextWaiting() {
            guard let turn = hosts[next]?.waiting.popFirst()?.turn else { return }
            // One that was cancelled while it waited does not take its turn.
            if turn.succeed(()) {
                running += 1
                hosts[next]?.running += 1
            }
            forgetIfIdle(next)
        }
    }

    private func nextWaiting() -> String? {
        var best: (name: String, ticket: UInt64)?
        for (name, host) in hosts where host.running < perHost {
            guard let ticket = host.waiting.first?.ticket else { continue }
            if best.map({ ticket < $0.ticket }) ?? true { best = (name, ticket) }
        }
        return best?.name
    }

    private mutating func forgetIfIdle(_ name: String) {
        if let host = hosts[name], host.running == 0, host.waiting.isEmpty { hosts[name] = nil }
    }
}
