package import World

/// Our right to work on a job that a connection has reserved. It is a matter of time first: whoever changes anything
/// outside asks `check` just before, and needs nobody's reply for that.
package final class Lease: Sendable {
    package let job: JobID
    package let terms: LeaseTerms
    /// Raised when the lease ends in any other way than by settling the job.
    package let lost = Signal<LeaseLoss>()

    private let connection: Connection
    private let clock: Locked<LeaseClock>

    init(on job: JobID, of connection: Connection, terms: LeaseTerms, touchSent sent: Moment) {
        self.job = job
        self.terms = terms
        self.connection = connection
        clock = Locked(LeaseClock(terms, touchSent: sent))
    }

    package var isLive: Bool { loss == nil }

    /// What is left of it unless a touch is answered; zero once it has ended.
    package var remaining: Duration {
        guard let end = clock.withLock({ $0.end }) else { return .zero }
        return max(.zero, end - connection.now)
    }

    /// - Throws: `LeaseLost`.
    package func check() throws(LeaseLost) {
        if let loss { throw LeaseLost(job: job, loss: loss) }
    }

    /// Asks the broker whether the job is still ours: one whose clock was stepped gives it to somebody else and tells
    /// nobody (facts B2, B8). What it says shows in `check`.
    /// - Throws: `CancellationError`.
    package func confirm() async throws {
        do {
            _ = try await touch()
        } catch is BrokerError {
            // Refused, for want of memory: the clock decides.
        }
    }

    /// Touches the job every quarter of the lease until it is lost or settled, and watches clock and connection
    /// meanwhile. The owner runs it as a child task.
    package func keep() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.touchRegularly() }
            group.addTask { await self.watchClock() }
            group.addTask { await self.watchConnection() }
            await group.next()
            group.cancelAll()
        }
    }

    /// The end is found by whoever looks first.
    private var loss: LeaseLoss? {
        if let loss = clock.withLock({ $0.loss(at: connection.now) }) {
            if loss == .expired { lose(.expired) }
            return loss
        }
        guard let error = connection.ended else { return nil }
        lose(.connectionLost(error))
        return .connectionLost(error)
    }

    /// Ends the lease. Only closing the connection surely gives the job back (fact I9), so that is what follows.
    func lose(_ loss: LeaseLoss) {
        guard clock.withLock({ $0.lose(loss) }) else { return }
        connection.close(loss == .dropped ? .tokenDropped(job) : .gaveBack(job, loss))
        lost.raise(loss)
    }

    /// One touch.
    /// - Returns: whether the lease goes on; if not, it has been ended.
    /// - Throws: `BrokerError` if the broker refused; the lease goes on. `CancellationError`.
    private func touch() async throws -> Bool {
        let sent = connection.now
        do {
            guard try await connection.touch(job) else {
                lose(.notFound)
                return false
            }
        } catch let error as BrokerError where error.isConnectionLost {
            lose(.connectionLost(error))
            return false
        }
        if clock.withLock({ $0.touched(sent: sent, at: connection.now) }) { return true }
        lose(.expired)
        return false
    }

    private func touchRegularly() async {
        var next = connection.now + terms.interval
        while isLive {
            do {
                try await connection.time.sleep(until: next)
                next = connection.now + terms.interval
                guard isLive, try await touch() else { return }
            } catch is BrokerError {
                // Refused, for want of memory: the clock decides, and there are more touches before it does.
                continue
            } catch {
                return
            }
        }
    }

    private func watchClock() async {
        while isLive, let end = clock.withLock({ $0.end }) {
            do {
                try await connection.time.sleep(until: end)
            } catch {
                return
            }
        }
    }

    private func watchConnection() async {
        guard let error = try? await connection.lost.wait() else { return }
        lose(.connectionLost(error))
    }
}

extension Lease {
    /// Ends our dealings with the job by one command: touch, TOUCHED, then the command, on one connection. Without
    /// the touch a stale `delete` would hit a job that somebody else has released or buried (fact B5).
    func settle(by command: Command) async -> Settlement {
        do {
            guard isLive, try await touch() else { return notSettled() }
        } catch {
            lose(.abandoned("the touch before settling failed: \(error)"))
            return notSettled()
        }
        if let loss = clock.withLock({ $0.settle(at: connection.now) }) {
            lose(loss)
            return .leaseLost(loss)
        }
        do {
            switch try await connection.call(command) {
            case .deleted: return settled(.deleted)
            case .released: return settled(.released)
            case .buried: return settled(.buried)
            case .notFound:
                lose(.notFound)
                return .leaseLost(.notFound)
            case let reply:
                return doubtful(.answered(reply))
            }
        } catch let error as BrokerError {
            return doubtful(.unanswered(error))
        } catch {
            return doubtful(.cancelled)
        }
    }

    private func settled(_ ending: Settlement.Ending) -> Settlement {
        clock.withLock { $0.settled() }
        return .settled(ending)
    }

    private func notSettled() -> Settlement {
        .leaseLost(clock.withLock { $0.loss(at: connection.now) } ?? .expired)
    }

    private func doubtful(_ doubt: SettleDoubt) -> Settlement {
        lose(.abandoned("its fate is unknown: \(doubt)"))
        return .fateUnknown(doubt)
    }
}
