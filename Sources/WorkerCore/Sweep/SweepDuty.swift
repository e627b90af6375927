import Beanstalk
import Jobs
import Pipelines
import Provisioning
import World

/// A worker's part in the sweeps of its site. One job in the sweep tube, the token, is delayed from one sweep to the next;
/// the worker that gets it sweeps and holds it meanwhile. If that one dies, the token comes back by itself.
///
/// Without a token nobody would ever sweep again, so whoever finds none puts one, and of two that exist a holder deletes
/// its own only while the other is ready or delayed: two holders at once cannot both delete theirs (facts/beanstalkd.md I8).
/// Two tokens that wake up together would be held together for ever; so a holder looks before and after its sweep, and
/// tokens sleep for different times.
///
/// The tube is open to everybody, and a token is what is in it: one that sleeps for years is waked, one that somebody holds
/// for too long is replaced, as is one whose time to run is no lease.
struct SweepDuty: Sendable {
    let broker: Broker
    let tubes: SweepTubes
    let sweeper: Sweeper
    /// From the end of a sweep to the next.
    let interval: Duration
    /// The longest lease of the token.
    let lease: Duration
    /// Who we are, for the token.
    let name: String
    let drain: Signal<Void>
    let world: World
    let notice: @Sendable (WorkerNotice) -> Void

    /// How long one reserve waits: so often is looked whether there is a token at all.
    private static let poll = Duration.seconds(30)
    /// From the first token of a site to the first sweep: what has just been started is left in peace.
    private static let firstDelay = Duration.seconds(600)
    private static let pauseAfterFailure = Duration.seconds(10)
    static let ttr = Duration.seconds(300)
    static let priority: UInt32 = 1_024
    /// With less a lease cannot be kept; with more a holder that vanishes is missed too late.
    private static let holdable = Duration.seconds(60) ... .seconds(3_600)
    /// When a token was last seen to come in time.
    private let lastSeen = Locked<Moment?>(nil)

    /// Runs until the worker drains or this is cancelled.
    func run() async {
        while !drain.isRaised {
            do {
                _ = try await broker.connectPatiently(Tubes(watching: [tubes.token]), unless: drain) { connection in
                    try await serve(connection)
                }
            } catch is CancellationError {
                return
            } catch {
                notice(.sweepFailed("\(error)"))
                let time = world.time
                do {
                    _ = try await drain.unlessRaised { try await time.sleep(for: Self.pauseAfterFailure) }
                } catch {
                    return
                }
            }
        }
    }

    /// Waits for the token and does one sweep.
    private func serve(_ connection: Connection) async throws {
        while !drain.isRaised {
            try await ensureToken(connection)
            switch try await drain.unlessRaised({ try await connection.reserve(timeout: Self.poll) }) {
            case nil: return
            case .timedOut: continue
            case .deadlineSoon: try await world.time.sleep(for: Connection.deadlinePause)
            case .job(let job):
                if let token = try await connection.accept(job, limit: lease) {
                    await hold(token, connection)
                }
                return
            }
        }
    }

    /// There is a token, and somebody can take it in time.
    private func ensureToken(_ connection: Connection) async throws {
        let now = world.time.now
        let jobs = try await connection.statistics(of: tubes.token)?.jobs
        if let jobs, jobs.ready + jobs.delayed > 0 {
            if jobs.ready == 0 { try await wakeLateToken(connection) }
            return lastSeen.withLock { $0 = now }
        }
        let since = lastSeen.withLock { lastSeen in
            lastSeen = lastSeen ?? now
            return now - (lastSeen ?? now)
        }
        if let jobs, jobs.reserved > 0 {
            guard since > longestPause else { return }
            notice(.sweepTokenMended("somebody has held it for \(since.short): there is another one now"))
        }
        try await putToken([:], after: min(interval, Self.firstDelay), connection)
        lastSeen.withLock { $0 = now }
    }

    /// Makes a token ready that would be delayed for too long, unless another worker does so at the same moment.
    private func wakeLateToken(_ connection: Connection) async throws {
        try await connection.use(tubes.token)
        guard let first = try await connection.peek(.delayed),
            let statistics = try await connection.statistics(of: first.id), statistics.state == .delayed,
            statistics.timeLeft > longestPause, try await connection.kick(first.id)
        else { return }
        notice(.sweepTokenMended("it was to come in \(statistics.timeLeft.short): it comes now"))
    }

    private var longestPause: Duration { interval * 2 }

    private func putToken(_ projects: [String: String], after delay: Duration, _ connection: Connection) async throws {
        let token = SweepToken(at: world.time.wallClock, worker: name, projects: projects)
        _ = try await connection.put(
            token.encoded, into: tubes.token, priority: Self.priority, delay: delay, ttr: Self.ttr)
    }
}

// MARK: - Holding the token

extension SweepDuty {
    private enum End: Sendable {
        case swept(SweepReport)
        case failed(String)
        /// Cancelled, drained, or the token is not ours any more.
        case stopped
        case helperEnded
    }

    private func hold(_ token: consuming SettleToken, _ connection: Connection) async {
        if await isAnotherReady(connection) {
            _ = await token.delete()
            return
        }
        let previous = try? SweepToken(parsing: token.delivery.body)
        let ttr = token.delivery.statistics.ttr
        guard Self.holdable.contains(ttr) else {
            notice(.sweepTokenMended("its time to run is \(ttr.short): there is another one now"))
            if await replace(previous?.projects ?? [:], after: .zero, connection) {
                _ = await token.delete()
            } else {
                token.abandon(because: "it cannot be held, and there is no other")
            }
            return
        }
        switch await sweep(after: previous, token.lease) {
        case .swept(let report):
            notice(.swept(report))
            let known = previous?.projects ?? [:]
            let projects = known.merging(report.projects) { $1 }
            // A release cannot change a body.
            if projects != known, await replace(projects, after: pause, connection) {
                _ = await token.delete()
            } else if await isAnotherReady(connection) {
                _ = await token.delete()
            } else {
                _ = await token.release(priority: Self.priority, delay: pause)
            }
        case .failed(let why):
            notice(.sweepFailed(why))
            _ = await token.release(priority: Self.priority, delay: min(interval, Self.firstDelay))
        case .stopped, .helperEnded:
            token.abandon(because: "the sweep was stopped")
        }
    }

    /// - Returns: whether there is a new token.
    private func replace(
        _ projects: [String: String], after delay: Duration, _ connection: Connection
    ) async -> Bool {
        do {
            try await putToken(projects, after: delay, connection)
            return true
        } catch {
            notice(.sweepFailed("the broker took no new token: \(error)"))
            return false
        }
    }

    private var pause: Duration { interval + world.random.jitter(upTo: interval / 20) }

    /// Whether there is another token that nobody holds. When the broker does not say, ours is the only one.
    private func isAnotherReady(_ connection: Connection) async -> Bool {
        do {
            let jobs = try await connection.statistics(of: tubes.token)?.jobs
            return jobs.map { $0.ready + $0.delayed > 0 } ?? false
        } catch {
            return false
        }
    }

    /// Sweeps while the token is kept.
    private func sweep(after previous: SweepToken?, _ lease: Lease) async -> End {
        let right = Right(fence: LeaseFence(lease: lease), drain: drain)
        return await withTaskGroup(of: End.self) { group in
            group.addTask {
                await lease.keep()
                return .helperEnded
            }
            group.addTask {
                do { _ = try await lease.lost.wait() } catch { return .helperEnded }
                return .stopped
            }
            group.addTask {
                do {
                    return .swept(try await sweeper.sweep(after: previous, right: right))
                } catch is CancellationError {
                    return .stopped
                } catch {
                    return .failed("\(error)")
                }
            }
            var end = End.stopped
            for await one in group {
                if case .helperEnded = one { continue }
                end = one
                break
            }
            group.cancelAll()
            return end
        }
    }
}
