import Beanstalk
import Jobs
import Pipelines
import Resilience
import Testing
import World

@testable import WorkerCore

@Suite struct ReportWriterTests {
    private let start = Timestamp(seconds: 1_700_000_000)
    private let body = """
        action: provision
        node: ovh001
        owner: me
        ceph_admin_password: hunter2
        """

    private func at(_ second: Int) -> Timestamp { start + .seconds(second) }

    private var story: [EventRecord] {
        let request = RequestRecord(
            service: "nova", provider: "ovh", operation: "create server", request: "POST /servers", status: 202,
            requestID: "req-1", waited: .zero, took: .seconds(1), failure: nil)
        let events: [Event] = [
            .stepStarted(step: "claim", attempt: 1),
            .stepFinished(step: "claim", attempt: 1, took: .milliseconds(20), summary: "locked for me"),
            .stepStarted(step: "create-server", attempt: 1),
            .attemptFailed(
                step: "create-server", attempt: 1, took: .seconds(2), error: "nova: HTTP 503", cause: "nova-503",
                status: 503, requestID: "req-0", retryIn: .seconds(1)),
            .stepStarted(step: "create-server", attempt: 2),
            .request(step: "create-server", request),
            .created(step: "create-server", resource: "server", name: "ovh001", id: "s1"),
            .warning(step: "create-server", text: "image is old"),
            .stepFinished(step: "create-server", attempt: 2, took: .seconds(1), summary: "server s1"),
            .stepStarted(step: "wait-active", attempt: 1),
            .note(step: "wait-active", text: "console of s1: " + String(repeating: "x", count: 4_000) + "panic"),
            .attemptFailed(
                step: "wait-active", attempt: 1, took: .seconds(60), error: "ERROR", cause: "build-failed", status: nil,
                requestID: nil, retryIn: nil),
            .stepStarted(step: "removal", attempt: 1),
            .removed(step: "removal", resource: "server", name: "ovh001", id: "s1"),
            .left(step: "removal", resource: "volume", name: "ovh001_0", id: "v1", why: "in use"),
        ]
        return events.enumerated().map { EventRecord(at: at($0.offset), job: .of(17), event: $0.element) }
    }

    private func report(_ events: [EventRecord]) throws -> Report {
        let outcome = Outcome(
            .removalIncomplete, step: "removal", cause: "removal-refused", message: "1 is left", next: "by hand",
            status: 409, requestID: "req-9", left: ["volume ovh001_0 v1"])
        return ReportWriter.report(
            of: try .of(body, reserves: 4), job: .of(17), outcome: outcome, events: events, worker: "host/1",
            put: at(-90), began: at(0), ended: at(100))
    }

    @Test func theStoryOfTheLastDelivery() throws {
        let report = try report(story)
        #expect(
            report.steps == [
                .init(
                    step: "claim", summary: "locked for me",
                    attempts: [
                        .init(
                            number: 1, at: at(1), took: .milliseconds(20), error: "", cause: "", status: nil,
                            requestID: nil)
                    ]),
                .init(
                    step: "create-server", summary: "server s1",
                    attempts: [
                        .init(
                            number: 1, at: at(3), took: .seconds(2), error: "nova: HTTP 503", cause: "nova-503",
                            status: 503, requestID: "req-0"),
                        .init(
                            number: 2, at: at(8), took: .seconds(1), error: "", cause: "", status: nil, requestID: nil),
                    ]),
                .init(
                    step: "wait-active", summary: "",
                    attempts: [
                        .init(
                            number: 1, at: at(11), took: .seconds(60), error: "ERROR", cause: "build-failed",
                            status: nil, requestID: nil)
                    ]),
            ])
        #expect(report.created == ["server ovh001 s1"])
        #expect(report.removed == ["server ovh001 s1"])
        #expect(report.left == ["volume ovh001_0 v1"])
        #expect(report.warnings == ["image is old"])
        #expect(report.console.utf8.count == 3_000)
        #expect(report.console.hasSuffix("panic"))
    }

    @Test func whatItIsAbout() throws {
        let report = try report(story)
        #expect(report.broker == "broker:11300")
        #expect(report.jobID == 17)
        #expect(report.key == "k17")
        #expect(report.digest == SHA256.hex(of: Array(body.utf8)))
        #expect(report.tube == "cirrata.provision.ovh")
        #expect(report.worker == "host/1")
        #expect([report.action, report.node, report.provider, report.run] == ["provision", "ovh001", "ovh", "run/1"])
        #expect([report.put, report.began, report.ended] == [at(-90), at(0), at(100)])
        #expect([report.outcome, report.step, report.cause] == ["removal-incomplete", "removal", "removal-refused"])
        #expect([report.message, report.next] == ["1 is left", "by hand"])
        #expect(report.status == 409)
        #expect(report.requestID == "req-9")
        #expect(report.deliveries == 4)
    }

    /// Bodies of test runs carry secrets: only keys that are known to carry none are shown.
    @Test func bodiesAreShownByAnAllowList() throws {
        let report = try report(story)
        #expect(report.body.map { "\($0.0)=\($0.1)" } == ["action=provision", "node=ovh001", "owner=me"])
        #expect(!String(decoding: report.encoded(limit: 16_384), as: UTF8.self).contains("hunter2"))
    }

    @Test func aDeliveryThatNeverBeganHasNoSteps() throws {
        let report = try report([])
        #expect(report.steps.isEmpty)
        #expect(report.console.isEmpty)
    }
}
