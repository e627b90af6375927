import Beanstalk
import Configuration
import Jobs
import Scenarios
import Simulation
import Testing
import WorkerCore
import World

/// What operators do to jobs that really failed, against the simulated broker.
@Suite struct FailedJobActsTests {
    /// Two provisions of an image that does not exist have failed, and no worker is left.
    private static func fail(in bench: Bench, _ world: World) async throws -> (ReportReader, FailureSurvey) {
        let worker = bench.worker("w1")
        worker.start()
        for node in ["ovh001", "ovh002"] {
            bench.lock(node)
            bench.put(
                .provision,
                "{action: provision, node: \(node), owner: me@lab, lock_description: run/1, os_version: '1.0', "
                    + "uuid: key-\(node)}")
            try await bench.settled()
            // Reports tell times to the second at least.
            try await world.time.sleep(for: .seconds(2))
        }
        worker.drain()
        try await world.time.sleep(for: .seconds(2))
        let reader = try ReportReader(
            broker: Broker(bench.configuration.broker, world: world), tubes: bench.configuration.tubes, world: world)
        let survey = try await reader.survey()
        return (reader, survey)
    }

    private static func perform(
        _ act: FailedJobActs.Act, _ jobs: [FailedJob], _ reader: ReportReader, pause: Duration = .zero
    ) async throws -> [FailedJobActs.Result] {
        var results: [FailedJobActs.Result] = []
        try await FailedJobActs(reader).perform(act, on: jobs, pause: pause) { results.append($1) }
        return results
    }

    @Test func retryKeepsTheNumber() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let (reader, survey) = try await Self.fail(in: bench, world)
            #expect(try await Self.perform(.retry, survey.current, reader) == [.done, .done])
            #expect(try await reader.survey().jobs.map(\.standing) == [.notBuried(.ready), .notBuried(.ready)])
            #expect(
                try await Self.perform(.retry, survey.current, reader).allSatisfy {
                    $0 == .skipped("it is ready now, not buried")
                })
        }
    }

    @Test func discardTakesTheReportToo() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let (reader, survey) = try await Self.fail(in: bench, world)
            let first = try #require(survey.current.last)
            #expect(try await Self.perform(.discard, [first], reader) == [.done])
            let after = try await reader.survey()
            #expect(after.jobs.map(\.reference) == survey.current.dropLast().map(\.reference))
            #expect(try await Self.perform(.discard, [first], reader) == [.skipped("it is gone")])
        }
    }

    /// Numbers are used again (facts/beanstalkd.md D5): the body decides whose it is.
    @Test func anotherJobUnderTheNumberIsLeftAlone() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let (reader, survey) = try await Self.fail(in: bench, world)
            var job = try #require(survey.current.first)
            job.report.digest = "another body"
            for act in [FailedJobActs.Act.retry, .discard] {
                #expect(try await Self.perform(act, [job], reader) == [.skipped("the number is another job's now")])
            }
            #expect(try await reader.survey().current.count == 2)
        }
    }

    @Test func theRateIsKept() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let (reader, survey) = try await Self.fail(in: bench, world)
            let began = world.time.now
            _ = try await Self.perform(.retry, survey.current, reader, pause: .seconds(10))
            #expect((10..<11).contains((world.time.now - began).seconds))
        }
    }

    @Test func filters() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let (_, survey) = try await Self.fail(in: bench, world)
            func nodes(_ change: (inout FailureFilter) -> Void) -> [String] {
                var filter = FailureFilter()
                change(&filter)
                return survey.current.filter(filter.admits).map(\.report.node)
            }
            let (newest, oldest) = (survey.current[0], survey.current[1])
            #expect(FailureFilter().isEmpty && nodes { _ in } == ["ovh002", "ovh001"])
            #expect(nodes { $0.node = Glob("*1") } == ["ovh001"])
            #expect(nodes { $0.provider = "ovh" }.count == 2 && nodes { $0.provider = "ov" } == [])
            #expect(nodes { $0.step = "create-server" }.count == 2 && nodes { $0.step = "claim" } == [])
            #expect(nodes { $0.cause = "no-image" }.count == 2 && nodes { $0.cause = "no-flavor" } == [])
            #expect(nodes { $0.since = newest.report.ended } == ["ovh002"])
            #expect(nodes { $0.until = oldest.report.ended } == ["ovh001"])
            #expect(nodes { $0.text = "KEY-OVH001" } == ["ovh001"] && nodes { $0.text = "no such words" } == [])
        }
    }

    @Test func oneCauseIsOneGroup() throws {
        let bench = try Bench()
        try bench.simulation.run { world in
            let (_, survey) = try await Self.fail(in: bench, world)
            var counted = FailureGroups()
            for job in survey.current { counted.add(job) }
            let groups = counted.sorted
            #expect(groups.count == 1)
            let group = try #require(groups.first)
            #expect(group.count == 2 && group.cause == "no-image" && group.step == "create-server")
            #expect(
                group.first == survey.current.last?.report.ended && group.last == survey.current.first?.report.ended)
            #expect(group.sample == survey.current.first?.reference)
            #expect(!group.shape.contains("1.0") && !group.shape.contains("ovh00"))
        }
    }
}
