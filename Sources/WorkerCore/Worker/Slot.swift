import Beanstalk
import Jobs
import Resilience
import World

/// Room for one running job: waits for a job, runs it, settles it, again and again until the worker drains.
struct Slot: Sendable {
    enum Kind: Sendable { case any, destroyOnly }

    let kind: Kind
    let broker: Broker
    let room: WaitingRoom
    let tubes: WorkerTubes
    let lease: Duration
    let drain: Signal<Void>
    let world: World
    let notice: @Sendable (WorkerNotice) -> Void
    /// Which providers take work right now.
    let openProviders: @Sendable () -> Set<String>
    let takesProvisions: @Sendable (String) -> Bool
    /// - Returns: a job that the connection has reserved meanwhile: the next one to be handled.
    let handle: @Sendable (consuming SettleToken, Connection) async throws -> QueuedJob?

    /// How long one reserve waits: so often is looked whether a gate has closed or opened.
    private static let poll = Duration.seconds(5)

    func run() async {
        var failures = Backoff(first: .milliseconds(200), limit: .seconds(10), floor: .milliseconds(100))
        while !drain.isRaised {
            do {
                try await cycle()
                failures.reset()
            } catch is CancellationError {
                return
            } catch {
                notice(.slotFailed("\(error)"))
                do { try await pause(failures.next(world.random)) } catch { return }
            }
        }
    }

    /// A broker that accepts and closes at once must not be called without end.
    private func pause(_ duration: Duration) async throws {
        let time = world.time
        _ = try await drain.unlessRaised { try await time.sleep(for: duration) }
    }

    private func cycle() async throws {
        let room = room
        guard let seat = try await drain.unlessRaised({ try await room.seat() }) else { return }
        defer { seat.leave() }
        let watching = watchedTubes()
        guard !watching.isEmpty else {
            // Every gate is closed: nothing that came now could be worked on.
            try await pause(Self.poll)
            return
        }
        _ = try await broker.connectPatiently(Tubes(watching: watching), unless: drain) { connection in
            var next = try await nextJob(connection, watching)
            while let job = next, let token = try await connection.accept(job, limit: lease) {
                seat.leave()
                next = try await handle(token, connection)
            }
        }
    }

    /// - Returns: nil when the worker drains or other tubes are to be watched now.
    private func nextJob(_ connection: Connection, _ watching: [TubeName]) async throws -> QueuedJob? {
        while watchedTubes() == watching {
            let reservation = try await drain.unlessRaised { try await connection.reserve(timeout: Self.poll) }
            switch reservation {
            case nil: return nil
            case .job(let job): return job
            case .timedOut: continue
            case .deadlineSoon: try await world.time.sleep(for: Connection.deadlinePause)
            }
        }
        return nil
    }

    private func watchedTubes() -> [TubeName] {
        let open = openProviders()
        return tubes.pairs.filter { open.contains($0.provider) }.flatMap { pair in
            kind == .any && takesProvisions(pair.provider) ? [pair.destroy, pair.provision] : [pair.destroy]
        }
    }
}
