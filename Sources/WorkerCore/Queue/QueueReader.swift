package import Beanstalk
package import Configuration
import Jobs
package import World

/// One tube of ours at one moment.
package struct TubeView: Sendable, Hashable {
    package var statistics: TubeStatistics
    /// Of the ready job that is next; nil when none is ready.
    package var oldestReady: Duration?
    /// Whose jobs it holds; nil for other tubes of ours.
    package var provider: String?
    package var hindrances: [Hindrance]

    package init(
        statistics: TubeStatistics, oldestReady: Duration?, provider: String? = nil, hindrances: [Hindrance] = []
    ) {
        self.statistics = statistics
        self.oldestReady = oldestReady
        self.provider = provider
        self.hindrances = hindrances
    }
}

/// All tubes of ours, and what else the broker holds.
package struct QueueView: Sendable, Hashable {
    /// By name.
    package var tubes: [TubeView]
    /// Jobs that other programs' tubes hold buried.
    package var buriedElsewhere: Int
    /// The broker takes no more jobs until it is restarted.
    package var isDraining: Bool

    package init(tubes: [TubeView], buriedElsewhere: Int, isDraining: Bool) {
        self.tubes = tubes
        self.buriedElsewhere = buriedElsewhere
        self.isDraining = isDraining
    }
}

/// Looks at the queue without a trace: by `stats`, `peek` and their kin only (facts/beanstalkd.md F).
package struct QueueReader: Sendable {
    let broker: Broker
    let tubes: SweepTubes
    let world: World

    /// Numbers looked at in one piece, and how many at most: signs of life are renewed every half minute, so a broker would
    /// have to take thousands of jobs a second to put more between them.
    private static let piece: UInt64 = 512
    private static let reach: UInt64 = 131_072

    /// - Throws: `InvalidTubeName`.
    package init(broker: Broker, tubes: TubeSettings, world: World) throws(InvalidTubeName) {
        self.broker = broker
        self.tubes = try SweepTubes(tubes)
        self.world = world
    }

    /// - Throws: `BrokerError`; `CancellationError`.
    package func view() async throws -> QueueView {
        try await broker.connect { try await view($0) }
    }

    /// The tube in use becomes another.
    /// - Throws: `BrokerError`; `CancellationError`.
    package func view(_ connection: Connection) async throws -> QueueView {
        try await view(try await signsOfLife(connection).found.compactMap { $0 }, connection)
    }

    func view(_ signs: [Presence], _ connection: Connection) async throws -> QueueView {
        let rests = rests(signs)
        let server = try await connection.statistics()
        let names = try await connection.tubes().filter(isOurs).sorted { $0.text < $1.text }
        var views: [TubeView] = []
        var buried = 0
        for statistics in try await connection.statistics(ofTubes: names) {
            buried += statistics.jobs.buried
            let meaning = tubes.meaning(of: statistics.name)
            let oldest = try await age(ofNextIn: statistics, connection)
            views.append(
                TubeView(
                    statistics: statistics, oldestReady: oldest, provider: meaning?.provider,
                    hindrances: meaning.map { hindrances(of: statistics, $0, rests) } ?? []))
        }
        return QueueView(
            tubes: views, buriedElsewhere: max(0, server.jobs.buried - buried), isDraining: server.isDraining)
    }

    private func hindrances(
        of tube: TubeStatistics, _ meaning: (action: JobAction, provider: String),
        _ rests: [(worker: String, rest: Presence.Rest)]
    ) -> [Hindrance] {
        var hindrances: [Hindrance] = []
        if tube.jobs.ready > 0, tube.watching == 0 { hindrances.append(.noWorker) }
        if tube.pauseLeft > .zero { hindrances.append(.paused(left: tube.pauseLeft)) }
        guard meaning.action == .provision else { return hindrances }
        return hindrances
            + rests.filter { $0.rest.provider == meaning.provider }.map { .rest(worker: $0.worker, $0.rest) }
    }

    /// Of workers that are alive.
    private func rests(_ signs: [Presence]) -> [(worker: String, rest: Presence.Rest)] {
        let now = world.time.wallClock
        return Workforce(signs: signs, isComplete: true, reserved: 0).workers.filter { $0.isAlive(now: now) }
            .flatMap { worker in worker.rests.map { (worker.name, $0) } }
    }

    private func age(ofNextIn tube: TubeStatistics, _ connection: Connection) async throws -> Duration? {
        guard tube.jobs.ready > 0 else { return nil }
        try await connection.use(tube.name)
        guard let job = try await connection.peek(.ready) else { return nil }
        return try await connection.statistics(of: job.id)?.age
    }

    private func isOurs(_ tube: TubeName) -> Bool {
        tubes.isForJobs(tube) || [tubes.reports, tubes.workers, tubes.token].contains(tube)
    }
}

// MARK: - Workers

extension QueueReader {
    /// Who works on what. Nothing lists a tube without a trace, but signs of life have neighbouring numbers: from the
    /// oldest, which `peek-ready` shows, numbers are looked at upwards until as many were found as the tube has.
    /// - Throws: `BrokerError`; `CancellationError`.
    package func workforce() async throws -> Workforce {
        try await broker.connect { connection in
            let signs = try await signsOfLife(connection)
            let queue = try await view(signs.found.compactMap { $0 }, connection)
            let reserved = queue.tubes.filter { tubes.isForJobs($0.statistics.name) }
                .reduce(0) { $0 + $1.statistics.jobs.reserved }
            return Workforce(signs: signs.found, isComplete: signs.isComplete, reserved: reserved)
        }
    }

    func signsOfLife(_ connection: Connection) async throws -> (found: [Presence?], isComplete: Bool) {
        try await connection.use(tubes.workers)
        guard let oldest = try await connection.peek(.ready) else { return ([], true) }
        var found: [Presence?] = []
        var next = oldest.id.number
        while next < oldest.id.number + Self.reach {
            // Both count what was there before the numbers are looked at; a sign that is renewed meanwhile has a higher one.
            let count = try await connection.statistics(of: tubes.workers)?.jobs.ready ?? 0
            if found.count >= count { return (found, true) }
            let ids = (next..<next + Self.piece).map { JobID($0) }
            let mine = try await connection.statistics(ofJobs: ids).values
                .filter { $0.tube == tubes.workers && $0.state == .ready }.map(\.id).sorted()
            for chunk in mine.chunks(of: Connection.peekBatch) {
                found += try await connection.bodies(ofJobs: chunk).map { try? Presence(parsing: $0.body) }
            }
            next += Self.piece
        }
        return (found, false)
    }
}
