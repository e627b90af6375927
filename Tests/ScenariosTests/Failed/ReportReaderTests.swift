import Beanstalk
import Configuration
import Jobs
import Pipelines
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// What operators see of jobs that really failed, against the simulated broker.
@Suite struct ReportReaderTests {
    private static func body(_ node: String, _ more: String = "") -> String {
        "{action: provision, node: \(node), owner: me@lab, lock_description: run/1, uuid: key-\(node)\(more)}"
    }

    /// A lab in which these nodes' provisions have failed, one after the other, and no worker is left.
    private static func fail(
        _ jobs: [(node: String, more: String)], in bench: Bench, _ world: World
    ) async throws {
        let worker = bench.worker("w1")
        worker.start()
        for job in jobs {
            bench.lock(job.node)
            bench.put(.provision, body(job.node, job.more))
            try await bench.settled()
            // Reports tell times to the second at least.
            try await world.time.sleep(for: .seconds(2))
        }
        worker.drain()
        try await world.time.sleep(for: .seconds(2))
    }

    private static let noImage = ("ovh001", ", os_version: '1.0'")
    private static let noFlavor = ("ovh002", ", machine: {cpus: 900}")

    private static func reader(_ bench: Bench, _ world: World) throws -> ReportReader {
        try ReportReader(
            broker: Broker(bench.configuration.broker, world: world), tubes: bench.configuration.tubes, world: world)
    }

    @Test func failedJobsNewestFirst() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage, Self.noFlavor], in: bench, world)
            let survey = try await Self.reader(bench, world).survey()
            #expect(survey.jobs.map(\.report.node) == ["ovh002", "ovh001"])
            #expect(survey.jobs.map(\.report.cause) == ["no-flavor", "no-image"])
            #expect(survey.jobs.map(\.standing) == [.current, .current])
            #expect(survey.jobs.allSatisfy { $0.statistics?.state == .buried && $0.attempts == 1 })
            #expect(
                survey.counts.unreadable == 0 && survey.counts.buriedWithoutReport == 0
                    && survey.counts.buriedElsewhere == 0)
            let job = try #require(survey.jobs.last)
            #expect(job.reference == job.statistics?.id)
            #expect(job.report.put <= job.report.began && job.report.began <= job.report.ended)
            #expect(job.suggestion == job.report.next && !job.suggestion.isEmpty)
        }
    }

    @Test func whatAPersonMayMean() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage, Self.noFlavor], in: bench, world)
            let survey = try await Self.reader(bench, world).survey()
            let first = try #require(survey.jobs.last)
            for reference in ["\(first.reference)", "key-ovh001", "ovh001"] {
                #expect(survey.find(reference) == [first], "\(reference)")
            }
            #expect(survey.find("ovh003") == [])
            #expect(survey.find("99") == [])
        }
    }

    /// Only the reports' own count of reservations grows.
    @Test func lookingChangesNothingElse() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage], in: bench, world)
            let before = bench.broker.jobs
            let reader = try Self.reader(bench, world)
            let survey = try await reader.survey()
            let id = try #require(survey.jobs.first?.reference)
            #expect(try await reader.buriedJob(id) != nil)
            // Closing gives the reports back as soon as the broker sees it.
            try await world.time.sleep(for: .seconds(1))
            let after = bench.broker.jobs.map { job in
                var job = job
                if job.tube == bench.configuration.tubes.reports { job.reserves -= 1 }
                return job
            }
            #expect(after == before)
        }
    }

    @Test func aKickedJobIsStaleAndThenSuperseded() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage], in: bench, world)
            let reader = try Self.reader(bench, world)
            let id = try #require(try await reader.survey().jobs.first?.reference)
            bench.broker.ask(Array("kick-job \(id)\r\n".utf8))
            var survey = try await reader.survey()
            #expect(survey.jobs.map(\.standing) == [.notBuried(.ready)])
            #expect(survey.current == [])
            #expect(survey.find("\(id)").count == 1)

            bench.worker("w2").start()
            try await bench.settled()
            survey = try await reader.survey()
            #expect(survey.jobs.map(\.standing) == [.current, .superseded])
            #expect(survey.find("ovh001").map(\.standing) == [.current])
            #expect(survey.jobs.first?.statistics?.kicks == 1)
            #expect(survey.counts.buriedWithoutReport == 0)
        }
    }

    @Test func aDeletedJobIsGone() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage], in: bench, world)
            let reader = try Self.reader(bench, world)
            let id = try #require(try await reader.survey().jobs.first?.reference)
            bench.broker.ask(Array("delete \(id)\r\n".utf8))
            #expect(try await reader.survey().jobs.map(\.standing) == [.gone])
            #expect(try await reader.buriedJob(id) == nil)
        }
    }

    /// After a restart ids are given again (facts/beanstalkd.md D5): a report must not speak of a job that only has the
    /// number of its own.
    @Test func anIdUsedAgain() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage, Self.noFlavor], in: bench, world)
            let reader = try Self.reader(bench, world)
            let jobs = try await reader.survey().jobs
            var report = try #require(jobs.last?.report)
            report.jobID = try #require(jobs.first?.report.jobID)
            bench.broker.put(report.encoded(limit: 16_384), tube: bench.configuration.tubes.reports)
            let survey = try await reader.survey()
            #expect(survey.current.map(\.report.node) == ["ovh002", "ovh001"])
            #expect(survey.jobs.filter { !$0.isCurrent }.map(\.standing) == [.otherJob])
        }
    }

    @Test func buriedJobsOfWhichNobodyToldAndOthers() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage], in: bench, world)
            func bury(_ body: String, _ tube: String) throws -> UInt64 {
                let id = try #require(bench.broker.put(Array(body.utf8), tube: tube))
                bench.broker.ask(Array("reserve-job \(id)\r\nbury \(id) 0\r\n".utf8))
                return id
            }
            let ours = try bury("{action: destroy, node: ovh004, secret: hush}", "cirrata.destroy.gone-provider")
            let others = try bury("{}", "smithi")
            let reader = try Self.reader(bench, world)
            let survey = try await reader.survey()
            #expect(survey.current.count == 1)
            #expect(survey.counts.buriedWithoutReport == 1)
            #expect(survey.counts.buriedElsewhere == 1)
            let job = try #require(try await reader.buriedJob(JobID(ours)))
            #expect(job.body.map(\.key) == ["action", "node"])
            // Another program's job is none of our business.
            #expect(try await reader.buriedJob(JobID(others)) == nil)
        }
    }

    @Test func whatIsNoReportIsCounted() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage], in: bench, world)
            for body in ["", "[1, 2]", "{v: 2, outcome: failed}", "\u{0}", "{outcome: failed}"] {
                bench.broker.put(Array(body.utf8), tube: bench.configuration.tubes.reports)
            }
            let survey = try await Self.reader(bench, world).survey()
            #expect(survey.jobs.count == 1 && survey.counts.unreadable == 5)
        }
    }

    @Test func nothingFailed() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let survey = try await Self.reader(bench, world).survey()
            #expect(survey == FailureSurvey(jobs: [], counts: FailureCounts()))
        }
    }

    /// More than one batch of everything.
    @Test func manyReports() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage], in: bench, world)
            let reader = try Self.reader(bench, world)
            var report = try #require(try await reader.survey().jobs.first?.report)
            for number in 0..<600 {
                report.jobID = UInt64(10_000 + number)
                bench.broker.put(report.encoded(limit: 16_384), tube: bench.configuration.tubes.reports)
            }
            let survey = try await reader.survey()
            #expect(survey.jobs.count == 601)
            #expect(survey.current.count == 1)
            #expect(survey.jobs.count { $0.standing == .gone } == 600)
            #expect(survey.counts.current == 1 && survey.counts.stale == 600)
        }
    }

    /// Whoever has enough is told of no more, and the rest is counted all the same.
    @Test func enoughIsEnough() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage, Self.noFlavor], in: bench, world)
            let reader = try Self.reader(bench, world)
            var report = try #require(try await reader.survey().jobs.last?.report)
            report.jobID = 10_000
            bench.broker.put(report.encoded(limit: 16_384), tube: bench.configuration.tubes.reports)
            var taken: [String] = []
            let counts = try await reader.read(ReportSelection()) { job in
                taken.append(job.report.node)
                return false
            }
            #expect(taken == ["ovh002"])
            #expect(counts.current == 2 && counts.stale == 1 && counts.buriedWithoutReport == 0)

            var mentioned: [String] = []
            _ = try await reader.read(ReportSelection(stale: true, mentions: ["no-image"])) { job in
                mentioned.append("\(job.report.node) \(job.isCurrent)")
                return true
            }
            #expect(mentioned == ["ovh001 false", "ovh001 true"])
            let whole = try await reader.survey().current
            var heads: [FailedJob] = []
            _ = try await reader.read(ReportSelection(headOnly: true)) { job in
                heads.append(job)
                return true
            }
            #expect(heads.map(\.report.message) == whole.map(\.report.message) && heads.count == 2)
            #expect(heads.allSatisfy { $0.report.steps.isEmpty } && whole.allSatisfy { !$0.report.steps.isEmpty })
            #expect(try await reader.find("key-ovh001").map(\.standing) == [.current])
            #expect(try await reader.find("10000").map(\.standing) == [.gone])
            #expect(try await reader.find("nobody") == [])
        }
    }

    /// A report that was written in another way is read as well.
    @Test func reportsInAnotherForm() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage], in: bench, world)
            let reader = try Self.reader(bench, world)
            let report = try #require(try await reader.survey().jobs.first?.report)
            let body =
                "{\"v\": 1, \"id\": \(report.jobID), \"digest\": \"\(report.digest)\", "
                + "\"tube\": \"\(report.tube)\", \"node\": \"ovh001\", \"ended\": \"2030-01-01T00:00:00Z\"}"
            #expect(Report.jobID(atGlance: Array(body.utf8)) == nil)
            bench.broker.put(Array(body.utf8), tube: bench.configuration.tubes.reports)
            let survey = try await reader.survey()
            #expect(survey.jobs.map(\.standing) == [.current, .superseded])
            #expect(survey.counts.unreadable == 0 && survey.counts.current == 1)
        }
    }
}

// MARK: - Others at the same tube

extension ReportReaderTests {
    /// Whatever the order, each of several readers sees all.
    @Test(arguments: 1...8) func readersAtOnce(_ seed: Int) throws {
        let bench = try Bench(seed: UInt64(seed), order: .shuffled)
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage, Self.noFlavor], in: bench, world)
            let reader = try Self.reader(bench, world)
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { try await reader.survey().current.count } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(counts == [2, 2, 2, 2])
        }
    }

    @Test func somebodyKeepsThem() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage, Self.noFlavor], in: bench, world)
            let reader = try Self.reader(bench, world)
            let reports = try TubeName(bench.configuration.tubes.reports)
            let broker = Broker(bench.configuration.broker, world: world)
            try await broker.connect(Tubes(watching: [reports])) { connection in
                _ = try await connection.reserve(timeout: .zero)
                let error = await #expect(throws: ReportsUnavailable.self) { try await reader.survey() }
                #expect(error?.why == .otherReaders)
            }
            #expect(try await reader.survey().current.count == 2)
        }
    }

    @Test func aPausedTubeDoesNotLookEmpty() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            try await Self.fail([Self.noImage], in: bench, world)
            bench.broker.ask(Array("pause-tube \(bench.configuration.tubes.reports) 100\r\n".utf8))
            let reader = try Self.reader(bench, world)
            let error = await #expect(throws: ReportsUnavailable.self) { try await reader.survey() }
            guard case .paused(let left) = error?.why else {
                Issue.record("not said: \(error as Any)")
                return
            }
            #expect(left > .seconds(90))
        }
    }

    @Test func noBroker() throws {
        let bench = try Bench()
        bench.broker.stop()
        try bench.simulation.run { world in
            let reader = try Self.reader(bench, world)
            await #expect(throws: BrokerError.self) { try await reader.survey() }
        }
    }
}
