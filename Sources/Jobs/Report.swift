package import World
import YAMLKit

/// What an operator reads about a buried job: one YAML job in the reports tube beside each buried one.
package struct Report: Sendable, Hashable {
    package struct Attempt: Sendable, Hashable {
        package var number: Int
        package var at: Timestamp
        package var took: Duration
        /// Empty when it succeeded.
        package var error: String
        package var cause: String
        package var status: Int?
        package var requestID: String?

        package init(
            number: Int, at: Timestamp, took: Duration, error: String, cause: String, status: Int?, requestID: String?
        ) {
            self.number = number
            self.at = at
            self.took = took
            self.error = error
            self.cause = cause
            self.status = status
            self.requestID = requestID
        }
    }

    package struct StepStory: Sendable, Hashable {
        package var step: String
        package var summary: String
        package var attempts: [Attempt]

        package init(step: String, summary: String, attempts: [Attempt]) {
            self.step = step
            self.summary = summary
            self.attempts = attempts
        }
    }

    package var broker: String
    package var jobID: UInt64
    package var key: String
    /// SHA-256 of the buried body: a report is current only while `peek` shows that body.
    package var digest: String
    package var tube: String
    package var worker: String
    package var action: String
    package var node: String
    package var provider: String
    package var run: String
    package var put: Timestamp
    package var began: Timestamp
    package var ended: Timestamp
    /// `rejected`, `failed`, `removal-incomplete`, `suspect`.
    package var outcome: String
    package var step: String
    package var cause: String
    package var message: String
    package var next: String
    package var status: Int?
    package var requestID: String?
    package var deliveries: Int
    package var steps: [StepStory]
    package var created: [String]
    package var removed: [String]
    package var left: [String]
    package var warnings: [String]
    package var console: String
    /// The known keys of the body; bodies carry secrets, so there is a list of what may be shown.
    package var body: [(String, String)]

    package init(
        broker: String, jobID: UInt64, key: String, digest: String, tube: String, worker: String, action: String,
        node: String, provider: String, run: String, put: Timestamp, began: Timestamp, ended: Timestamp,
        outcome: String, step: String, cause: String, message: String, next: String, status: Int?,
        requestID: String?, deliveries: Int, steps: [StepStory], created: [String], removed: [String],
        left: [String], warnings: [String], console: String, body: [(String, String)]
    ) {
        self.broker = broker
        self.jobID = jobID
        self.key = key
        self.digest = digest
        self.tube = tube
        self.worker = worker
        self.action = action
        self.node = node
        self.provider = provider
        self.run = run
        self.put = put
        self.began = began
        self.ended = ended
        self.outcome = outcome
        self.step = step
        self.cause = cause
        self.message = message
        self.next = next
        self.status = status
        self.requestID = requestID
        self.deliveries = deliveries
        self.steps = steps
        self.created = created
        self.removed = removed
        self.left = left
        self.warnings = warnings
        self.console = console
        self.body = body
    }

    package static func == (a: Report, b: Report) -> Bool { a.node(full: true) == b.node(full: true) }

    package func hash(into hasher: inout Hasher) { hasher.combine(node(full: true)) }

    package static let version = 1

    /// The body of the report's job: everything if it fits into `limit` bytes, else without console, with only the last
    /// attempt of each step, and cut as far as it takes.
    package func encoded(limit: Int) -> [UInt8] {
        let whole = Array(YAMLWriter.write(node(full: true)).utf8)
        if whole.count <= limit { return whole }
        var short = self
        short.console = ""
        for index in short.steps.indices { short.steps[index].attempts = short.steps[index].attempts.suffix(1) }
        return Array(YAMLWriter.write(short.node(full: false), limit: limit).utf8)
    }

    private func node(full: Bool) -> Node {
        var error: [(String, Node)] = [
            ("class", .string(cause)), ("step", .string(step)), ("message", .string(message)), ("next", .string(next)),
        ]
        if let status { error.append(("status", .integer(status))) }
        if let requestID { error.append(("request_id", .string(requestID))) }
        return .map([
            ("v", .integer(Self.version)), ("outcome", .string(outcome)), ("action", .string(action)),
            ("node", .string(node)), ("provider", .string(provider)), ("run", .string(run)), ("error", .map(error)),
            ("broker", .string(broker)), ("id", .integer(jobID)), ("key", .string(key)), ("tube", .string(tube)),
            ("digest", .string(digest)), ("worker", .string(worker)), ("deliveries", .integer(deliveries)),
            ("put", .string(put.description)), ("began", .string(began.description)),
            ("ended", .string(ended.description)), ("steps", .list(steps.map(Self.node(of:)))),
            ("created", .strings(created)), ("removed", .strings(removed)), ("left", .strings(left)),
            ("warnings", .strings(warnings)), ("console", .string(console)),
            ("body", .map(body.map { ($0.0, .string($0.1)) })), ("complete", .boolean(full)),
        ])
    }

    private static func node(of story: StepStory) -> Node {
        .map([
            ("step", .string(story.step)), ("summary", .string(story.summary)),
            (
                "attempts",
                .list(
                    story.attempts.map { attempt in
                        var entries: [(String, Node)] = [
                            ("n", .integer(attempt.number)), ("at", .string(attempt.at.description)),
                            ("ms", .integer(attempt.took.nanoseconds / 1_000_000)), ("error", .string(attempt.error)),
                            ("class", .string(attempt.cause)),
                        ]
                        if let status = attempt.status { entries.append(("status", .integer(status))) }
                        if let requestID = attempt.requestID { entries.append(("request_id", .string(requestID))) }
                        return .map(entries)
                    })
            ),
        ])
    }
}

extension Report {
    /// Reads a report's job. Unknown keys are ignored.
    /// - Throws: `Unreadable` when it is not a report, or of a newer major version.
    package init(parsing bytes: [UInt8]) throws(Unreadable) {
        let record = try Record(parsing: bytes, what: "report", version: Report.version)
        let error = record.record("error")
        self.init(
            broker: record.text("broker"), jobID: UInt64(record.text("id")) ?? 0, key: record.text("key"),
            digest: record.text("digest"), tube: record.text("tube"), worker: record.text("worker"),
            action: record.text("action"), node: record.text("node"), provider: record.text("provider"),
            run: record.text("run"), put: record.time("put"), began: record.time("began"),
            ended: record.time("ended"), outcome: record.text("outcome"), step: error.text("step"),
            cause: error.text("class"), message: error.text("message"), next: error.text("next"),
            status: error.integer("status"), requestID: error.optionalText("request_id"),
            deliveries: record.integer("deliveries") ?? 0,
            steps: record.records("steps").map { story in
                StepStory(
                    step: story.text("step"), summary: story.text("summary"),
                    attempts: story.records("attempts").map { attempt in
                        Attempt(
                            number: attempt.integer("n") ?? 0, at: attempt.time("at"),
                            took: .milliseconds(attempt.integer("ms") ?? 0), error: attempt.text("error"),
                            cause: attempt.text("class"), status: attempt.integer("status"),
                            requestID: attempt.optionalText("request_id"))
                    })
            },
            created: record.texts("created"), removed: record.texts("removed"), left: record.texts("left"),
            warnings: record.texts("warnings"), console: record.text("console"), body: record.record("body").pairs)
    }
}
