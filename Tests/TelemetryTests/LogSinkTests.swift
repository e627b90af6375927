import HTTPKit
import Logging
import Pipelines
import Resilience
import Telemetry
import Testing
import World

@Suite struct LogSinkTests {
    private let tag = JobTag(
        key: "u-1", action: "provision", node: "ovh001", provider: "ovh", jobID: 17, run: "run/7")

    private func lines(
        _ event: Event, _ format: LogFormat = .text, level: Logger.Level = .trace, tag: JobTag? = nil
    ) -> [String] {
        let listener = Listener()
        LogSink(logger: listener.logger(format, level: level)).record(
            EventRecord(at: Timestamp(seconds: 0), job: tag ?? self.tag, event: event))
        return listener.lines
    }

    private static let request = RequestRecord(
        service: "nova", provider: "ovh", operation: "create server", request: "POST /servers", status: 202,
        requestID: "req-1", waited: .milliseconds(30), took: .milliseconds(450), failure: nil)

    private static var refused: RequestRecord {
        var request = request
        request.status = 403
        request.failure = "quota exceeded"
        return request
    }

    /// Level, message and what an event tells beyond its job.
    static let events: [(Event, String, String)] = [
        (.stepStarted(step: "claim", attempt: 1), "info    claim", "step=claim attempt=1"),
        (.stepStarted(step: "claim", attempt: 2), "notice  claim: again", "step=claim attempt=2"),
        (
            .stepFinished(step: "claim", attempt: 1, took: .milliseconds(12), summary: "locked for me"),
            "info    claim: locked for me", "step=claim attempt=1 ms=12"
        ),
        (
            .attemptFailed(
                step: "claim", attempt: 1, took: .seconds(2), error: "paddles: HTTP 503", cause: "paddles-503",
                status: 503, requestID: "req-2", retryIn: .milliseconds(1_500)),
            "warning claim: paddles: HTTP 503; again in 1.5s",
            "step=claim attempt=1 cause=paddles-503 status=503 request_id=req-2 ms=2000"
        ),
        (
            .attemptFailed(
                step: "claim", attempt: 3, took: .zero, error: "no", cause: "c", status: nil, requestID: nil,
                retryIn: nil),
            "warning claim: no", "step=claim attempt=3 cause=c ms=0"
        ),
        (
            .request(step: "claim", request), "debug   nova: create server",
            "step=claim status=202 request_id=req-1 service=nova request=\"POST /servers\" ms=450 waited_ms=30"
        ),
        (
            .request(step: "claim", refused), "debug   nova: create server: quota exceeded",
            "step=claim status=403 request_id=req-1 service=nova request=\"POST /servers\" ms=450 waited_ms=30"
        ),
        (
            .created(step: "s", resource: "server", name: "ovh001", id: "s1"), "notice  s: created server ovh001",
            "step=s resource=server id=s1"
        ),
        (
            .adopted(step: "s", resource: "server", name: "ovh001", id: "s1"), "notice  s: found server ovh001",
            "step=s resource=server id=s1"
        ),
        (
            .removed(step: "s", resource: "volume", name: "ovh001_0", id: "v1"), "notice  s: removed volume ovh001_0",
            "step=s resource=volume id=v1"
        ),
        (
            .left(step: "s", resource: "volume", name: "ovh001_0", id: "v1", why: "in use"),
            "error   s: cannot remove volume ovh001_0: in use", "step=s resource=volume id=v1"
        ),
        (.warning(step: "s", text: "odd"), "warning s: odd", "step=s"),
        (.warning(step: "", text: "odd"), "warning odd", ""),
        (.note(step: "s", text: "so"), "info    s: so", "step=s"),
        (
            .ended(
                Outcome(.rejected, step: "claim", cause: "node-unknown", message: "who?", next: "add it", status: 404),
                took: .seconds(3)),
            "error   rejected: who? (add it)", "step=claim cause=node-unknown status=404 ms=3000"
        ),
    ]

    @Test(arguments: events) func everyEventIsALine(event: Event, message: String, details: String) {
        let listened = lines(event)
        #expect(listened.count == 1)
        let job = "job=17 key=u-1 run=run/7"
        let own = details.isEmpty ? "" : "\(details) "
        #expect(
            listened[0]
                == "2023-11-14T22:13:20.250000Z \(message) node=ovh001 action=provision provider=ovh \(own)\(job)")
    }

    @Test(arguments: events) func everyEventIsJSON(event: Event, message: String, details: String) throws {
        let value = try JSONValue(parsing: Array(lines(event, .json)[0].utf8))
        #expect(value["node"] == "ovh001")
        #expect(value["job"] == "17")
    }

    @Test func aJobWithoutBrokerOrRunSaysNothingOfThem() {
        let tag = JobTag(key: "u-1", action: "provision", node: "", provider: "ovh", jobID: 0, run: "")
        #expect(
            lines(.note(step: "", text: "hi"), tag: tag) == [
                "2023-11-14T22:13:20.250000Z info    hi action=provision provider=ovh key=u-1"
            ])
    }

    /// What operators filter by: buried is an error, trouble that will be tried again a warning, all else a notice.
    @Test(arguments: OutcomeKind.allCases) func levelsOfOutcomes(kind: OutcomeKind) {
        let level = lines(.ended(Outcome(kind), took: .zero))[0].split(separator: " ")[1]
        let expected =
            switch kind {
            case .rejected, .failed, .removalIncomplete, .suspect: "error"
            case .retry, .leaseLost: "warning"
            case .done, .parked, .wait, .superseded, .obsolete, .expired, .drain: "notice"
            }
        #expect(level == expected)
    }

    @Test func belowTheLevelNothingIsSaid() {
        #expect(lines(.request(step: "s", Self.request), level: .info).isEmpty)
        #expect(lines(.note(step: "s", text: "x"), level: .notice).isEmpty)
        #expect(lines(.warning(step: "s", text: "x"), level: .warning).count == 1)
        #expect(lines(.warning(step: "s", text: "x"), level: .error).isEmpty)
    }
}
