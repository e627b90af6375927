import Beanstalk
import Jobs
import Resilience
import World

/// Puts a sign of life into the workers' tube every half minute and when a provider begins to rest or ends it, and removes
/// those of the dead. Only operators read it: a broker that takes nothing is no reason to stop.
///
/// While a provider rests, this also hears `cirrata resume`: the broker counts the `pause-tube` commands of each tube, so one
/// with zero seconds reaches every worker and leaves nothing behind.
struct PresenceKeeper: Sendable {
    let broker: Broker
    let tubes: WorkerTubes
    let holdings: Holdings
    let ledgers: Ledgers
    let slots: Int
    let release: String
    let drain: Signal<Void>
    let world: World
    let notice: @Sendable (WorkerNotice) -> Void

    private static let interval = Duration.seconds(30)
    static let dead = Duration.seconds(90)
    /// Between two looks whether a provider that rests was resumed.
    private static let poll = Duration.seconds(2)

    func run() async {
        let started = world.time.wallClock
        // Nothing is reserved here. Watched, the tubes of jobs exist as long as a worker lives, and can be resumed.
        let watched = Tubes(watching: [tubes.workers] + tubes.pairs.flatMap { [$0.provision, $0.destroy] })
        while !Task.isCancelled {
            do {
                _ = try await broker.connectPatiently(watched, unless: Signal()) { connection in
                    var previous: JobID?
                    var pauses: [String: Int] = [:]
                    while true {
                        let change = ledgers.brakeChange
                        do {
                            previous = try await announce(connection, started, replacing: previous)
                        } catch let error as BrokerError where !error.isConnectionLost {
                            // It drains or is full: the jobs say so, this one comes again.
                        }
                        try await waitForNext(connection, change, &pauses)
                    }
                }
            } catch is CancellationError {
                return
            } catch {
                // The connection is told of by the broker's events; another one follows.
                do { try await world.time.sleep(for: .seconds(1)) } catch { return }
            }
        }
    }

    private func announce(
        _ connection: Connection, _ started: Timestamp, replacing previous: JobID?
    ) async throws -> JobID {
        let now = world.time.wallClock
        let presence = Presence(
            host: world.host.name, process: world.host.process, release: release, slots: slots, started: started,
            at: now, draining: drain.isRaised, held: holdings.all,
            rests: ledgers.resting(now: world.time.now).map { Presence.Rest($0, world.time) })
        let put = try await connection.put(
            fitting: Settler.usualJobSize, into: tubes.workers, { presence.encoded(limit: $0) })
        if let previous { _ = try await connection.delete(previous) }
        _ = try await Self.dropDead(connection)
        return put.id
    }

    /// Until the next sign of life is due.
    private func waitForNext(
        _ connection: Connection, _ change: Signal<Void>, _ pauses: inout [String: Int]
    ) async throws {
        let time = world.time
        let due = time.now + Self.interval
        while true {
            try await endRests(connection, &pauses)
            let now = time.now
            guard now < due, !change.isRaised else { return }
            let end = ledgers.resting(now: now).map(\.until).min()
            let pause = min(due, end.map { min($0, now + Self.poll) } ?? due) - now
            _ = try await change.unlessRaised { try await time.sleep(for: pause) }
        }
    }

    /// - Parameter pauses: how often each tube of a provider that rests had been paused or resumed at the last look.
    private func endRests(_ connection: Connection, _ pauses: inout [String: Int]) async throws {
        for provider in ledgers.endOverdueRests(now: world.time.now) {
            notice(.brakeReleased(provider: provider, why: "the time is over; the next job tries it"))
        }
        var seen: [String: Int] = [:]
        for provider in ledgers.resting(now: world.time.now).map(\.provider) {
            guard let tube = tubes.tube(.provision, provider: provider),
                let statistics = try await connection.statistics(of: tube)
            else { continue }
            seen[provider] = statistics.pauses
            if let before = pauses[provider], statistics.pauses > before, statistics.pauseLeft == .zero,
                ledgers.release(provider)
            {
                notice(.brakeReleased(provider: provider, why: "resumed by an operator"))
            }
        }
        pauses = seen
    }

    /// Deletes the oldest signs of life in the used tube until one is of somebody alive. How old they are the broker
    /// says: what they say themselves is of another host's clock, or of anybody who put one.
    /// - Returns: how many.
    static func dropDead(_ connection: Connection) async throws -> Int {
        var dropped = 0
        while let job = try await connection.peek(.ready) {
            guard let age = try await connection.statistics(of: job.id)?.age else { continue }
            guard age > Self.dead, try await connection.delete(job.id) else { break }
            dropped += 1
        }
        return dropped
    }
}

extension Presence.Rest {
    /// In whole seconds, for people.
    init(_ rest: BurialBrake.Rest, _ time: any TimeSource) {
        func timestamp(_ moment: Moment) -> Timestamp {
            Timestamp(seconds: (time.wallClock + (moment - time.now)).microseconds / 1_000_000)
        }
        self.init(
            provider: rest.provider, cause: rest.cause, burials: rest.burials, message: rest.message,
            since: timestamp(rest.since), until: timestamp(rest.until))
    }
}
