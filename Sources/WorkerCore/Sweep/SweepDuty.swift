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
    private static let ttr = Duration.seconds(300)
    private static let priority: UInt32 = 1_024

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

    private func ensureToken(_ connection: Connection) async throws {
        let jobs = try await connection.statistics(of: tubes.token)?.jobs
        guard (jobs.map { $0.ready + $0.delayed + $0.reserved } ?? 0) == 0 else { return }
        try await putToken([:], after: min(interval, Self.firstDelay), connection)
    }

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
        let priority = token.delivery.statistics.priority
        do {
            let jobs = try await connection.statistics(of: tubes.token)?.jobs
            if let jobs, jobs.ready + jobs.delayed > 0 {
                _ = await token.delete()
                return
            }
        } catch {
            return token.abandon(because: "the broker does not say whether there is another token: \(error)")
        }
        let previous = try? SweepToken(parsing: token.delivery.body)
        switch await sweep(after: previous, token.lease) {
        case .swept(let report):
            notice(.swept(report))
            let known = previous?.projects ?? [:]
            let projects = known.merging(report.projects) { $1 }
            if projects != known {
                do {
                    // A release cannot change a body.
                    try await putToken(projects, after: interval, connection)
                    _ = await token.delete()
                    return
                } catch {
                    notice(.sweepFailed("the broker took no new token: \(error)"))
                }
            }
            _ = await token.release(priority: priority, delay: interval)
        case .failed(let why):
            notice(.sweepFailed(why))
            _ = await token.release(priority: priority, delay: min(interval, Self.firstDelay))
        case .stopped, .helperEnded:
            token.abandon(because: "the sweep was stopped")
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
