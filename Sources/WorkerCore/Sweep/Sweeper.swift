package import Beanstalk
package import Jobs
package import Pipelines
package import Provisioning
import Resilience
import World

/// One sweep of one site: looks, waits, looks again, judges, removes; then tidies up the broker.
///
/// Nothing is remembered but the projects, so any number of sweeps may run at once, beside workers that build and destroy:
/// each reads again what it is about to delete, and deleting twice is deleting.
package struct Sweeper: Sendable {
    private let site: Site
    private let broker: Broker
    private let tubes: SweepTubes
    private let options: Options
    private let sinks: [any EventSink]

    package struct Options: Sendable {
        /// Between the two looks.
        package var gap: Duration
        /// How many jobs' remains may go in one sweep; nil: what `SweepJudge.most` says.
        package var most: Int?
        /// Judge and change nothing.
        package var isDryRun: Bool

        package init(gap: Duration = .seconds(60), most: Int? = nil, isDryRun: Bool = false) {
            self.gap = gap
            self.most = most
            self.isDryRun = isDryRun
        }
    }

    /// How long a request may stand before a closed gate: what is out of order is swept another time.
    private static let parkAfter = Duration.seconds(20)

    /// - Parameter sinks: told of every removal, under the key of the job that left it.
    package init(
        site: Site, broker: Broker, tubes: SweepTubes, options: Options = Options(), sinks: [any EventSink] = []
    ) {
        self.site = site
        self.broker = broker
        self.tubes = tubes
        self.options = options
        self.sinks = sinks
    }

    /// - Parameters:
    ///   - previous: what the sweep before this one left, if it is known.
    ///   - right: its fence is asked before every change, its drain ends the sweep.
    /// - Throws: `BrokerError`, `CancellationError`.
    package func sweep(after previous: SweepToken?, right: Right) async throws -> SweepReport {
        var right = right
        right.parkAfter = Self.parkAfter
        let chores = BrokerChores(broker: broker, tubes: tubes, world: site.world, isDryRun: options.isDryRun)
        var report = try await broker.connect { connection in
            try await judgeAndRemove(QueueCensus(connection: connection, tubes: tubes, site: site), previous, right)
        }
        let (done, refusal) = try await chores.run()
        report.chores = done
        report.refusals += refusal.map { [$0] } ?? []
        return report
    }

    /// A sweep outside of the workers' turns: begins from what their token remembers, and has it remember this one. Whether
    /// there is a token, and when it wakes up, stays as it is.
    /// - Throws: `BrokerError`, `CancellationError`.
    package func sweepByHand() async throws -> SweepReport {
        let found = try await broker.connect { try await lastToken($0) }
        let report = try await sweep(after: found?.token, right: Right())
        if let found, !options.isDryRun { try await remember(report.projects, insteadOf: found) }
        return report
    }

    private struct FoundToken: Sendable {
        var id: JobID
        var token: SweepToken
        var timeLeft: Duration
    }

    /// - Returns: nil when there is none, or somebody holds it.
    private func lastToken(_ connection: Connection) async throws -> FoundToken? {
        try await connection.use(tubes.token)
        for target in [PeekTarget.delayed, .ready] {
            if let job = try await connection.peek(target), let token = try? SweepToken(parsing: job.body),
                let statistics = try await connection.statistics(of: job.id)
            {
                return FoundToken(id: job.id, token: token, timeLeft: max(.zero, statistics.timeLeft))
            }
        }
        return nil
    }

    /// Should a worker have taken the old one meanwhile, there are two for a while, which they notice.
    private func remember(_ projects: [String: String], insteadOf old: FoundToken) async throws {
        var token = old.token
        token.projects.merge(projects) { $1 }
        guard token.projects != old.token.projects else { return }
        token.at = site.world.time.wallClock
        token.worker = "\(site.world.host)"
        try await broker.connect { connection in
            _ = try await connection.put(
                token.encoded, into: tubes.token, priority: SweepDuty.priority, delay: old.timeLeft, ttr: SweepDuty.ttr)
            _ = try await connection.delete(old.id)
        }
    }

    /// What is known of one provider after both looks.
    private struct Judged: Sendable {
        var provider: ProviderSweep
        var second: Sighting
        var verdicts: [SweepVerdict]
    }

    private func judgeAndRemove(
        _ census: QueueCensus, _ previous: SweepToken?, _ right: Right
    ) async throws -> SweepReport {
        var report = SweepReport()
        let judged = try await judge(census, previous, right, &report)
        let verdicts = judged.flatMap(\.verdicts)
        let condemned = verdicts.count { $0.isCondemned }
        let most = options.most ?? SweepJudge.most(of: verdicts.count)
        var mayRemove = !options.isDryRun && condemned > 0
        if condemned > most {
            mayRemove = false
            report.refusals.append(
                SweepRefusal(
                    cause: "too-many",
                    message:
                        "\(condemned) of \(verdicts.count) jobs' remains would go, and \(most) is the most for one sweep: nothing is removed",
                    next:
                        "see whether paddles and the queue are what they should be; if so: cirrata sweep --limit \(condemned)"
                ))
        }
        for judged in judged {
            for verdict in judged.verdicts {
                var entry = SweepReport.Entry(verdict)
                if verdict.isCondemned, mayRemove {
                    let fate = await judged.provider.remove(
                        verdict, seen: judged.second, witness: census, right: right, sinks: sinks)
                    entry.settle(fate)
                    try Task.checkCancellation()
                }
                report.entries.append(entry)
            }
        }
        report.entries.sort { $0.remains.id < $1.remains.id }
        return report
    }
}

// MARK: - Looking

extension Sweeper {
    private typealias Sight = (provider: ProviderSweep, sighting: Sighting)

    /// A provider about which there is doubt is left out, and that is said; the others are swept.
    private func judge(
        _ census: QueueCensus, _ previous: SweepToken?, _ right: Right, _ report: inout SweepReport
    ) async throws -> [Judged] {
        let first = try await look(at: ProviderSweep.all(of: site), right, &report)
        for sight in first { report.projects[sight.sighting.provider] = sight.sighting.project }
        let same = first.filter { sight in
            guard let before = previous?.projects[sight.sighting.provider], before != sight.sighting.project else {
                return true
            }
            report.refusals.append(Self.projectChanged(sight.sighting, before))
            return false
        }
        let suspects = same.flatMap { $0.provider.judge.suspects(in: $0.sighting) }
        guard !suspects.isEmpty else {
            return judged(
                same.map { ($0, SweepLook($0.sighting, queue: nil), SweepLook($0.sighting, queue: nil)) }, &report)
        }
        let hints = suspects.flatMap(\.jobIDs)
        guard let queueBefore = try await count(census, hints, &report) else { return [] }
        let time = site.world.time
        let gap = options.gap
        guard try await right.drain.unlessRaised({ try await time.sleep(for: gap) }) != nil else {
            throw CancellationError()
        }
        let second = try await look(at: same.map(\.provider), right, &report)
        guard let queueAfter = try await count(census, hints, &report) else { return [] }
        return judged(
            second.compactMap { sight in
                same.first { $0.provider.name == sight.provider.name }.map { before in
                    (
                        sight, SweepLook(before.sighting, queue: queueBefore),
                        SweepLook(sight.sighting, queue: queueAfter)
                    )
                }
            }, &report)
    }

    private func judged(
        _ looks: [(sight: Sight, first: SweepLook, second: SweepLook)], _ report: inout SweepReport
    ) -> [Judged] {
        var judged: [Judged] = []
        for look in looks {
            do throws(SweepRefusal) {
                judged.append(
                    Judged(
                        provider: look.sight.provider, second: look.sight.sighting,
                        verdicts: try look.sight.provider.judge.verdicts(first: look.first, second: look.second)))
            } catch {
                report.refusals.append(error)
            }
        }
        return judged
    }

    private func look(
        at providers: [ProviderSweep], _ right: Right, _ report: inout SweepReport
    ) async throws -> [Sight] {
        let call = Call(fence: right.fence, drain: right.drain, parkAfter: right.parkAfter)
        let results = await providers.concurrentResults { try await $0.look(for: call) }
        var sights: [Sight] = []
        for (provider, result) in zip(providers, results) {
            do {
                sights.append((provider, try result.get()))
            } catch let refusal as SweepRefusal {
                report.refusals.append(refusal)
            }
        }
        return sights
    }

    /// - Returns: nil when the queue cannot be known; the report says so.
    private func count(
        _ census: QueueCensus, _ hints: [UInt64], _ report: inout SweepReport
    ) async throws -> QueueFacts? {
        do {
            return try await census.everything(hints: hints)
        } catch let refusal as SweepRefusal {
            report.refusals.append(refusal)
            return nil
        }
    }

    /// Once: the next sweep knows the new project. Everything of the old one has become invisible to us.
    private static func projectChanged(_ sighting: Sighting, _ before: String) -> SweepRefusal {
        SweepRefusal(
            provider: sighting.provider, cause: "project-changed",
            message: "the login leads to project \(sighting.project) now, and led to \(before) at the last sweep",
            next:
                "see whether that is meant; what this site has in the old project is out of reach. The next sweep takes the new one"
        )
    }
}

extension SweepReport.Entry {
    fileprivate mutating func settle(_ result: SweepFate) {
        switch result {
        case .removed(let what): fate = .removed(what)
        case .stopped(let why):
            fate = .stopped
            self.why = why
        case .postponed(let why):
            fate = .postponed
            self.why = why
            next = "nothing: the next sweep goes on"
        case .refused(let left, let why):
            fate = .refused(left)
            self.why = why
            next = "remove by hand: \(left.joined(separator: ", "))"
        }
    }
}
