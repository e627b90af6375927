package import World
import YAMLKit

/// A worker's sign of life in the workers' tube: put anew every half minute, and when a provider begins to rest or ends it;
/// the previous one is deleted.
package struct Presence: Sendable, Hashable {
    package struct Held: Sendable, Hashable {
        package var jobID: UInt64
        package var key: String
        package var action: String
        package var node: String
        package var step: String
        package var since: Timestamp

        package init(jobID: UInt64, key: String, action: String, node: String, step: String, since: Timestamp) {
            self.jobID = jobID
            self.key = key
            self.action = action
            self.node = node
            self.step = step
            self.since = since
        }
    }

    /// The burial brake of the worker is on: until then it takes no provisions of the provider.
    package struct Rest: Sendable, Hashable {
        package var provider: String
        package var cause: String
        /// Of this cause, since the last success.
        package var burials: Int
        /// What the last job of this cause said, cut.
        package var message: String
        package var since: Timestamp
        package var until: Timestamp

        package init(
            provider: String, cause: String, burials: Int, message: String, since: Timestamp, until: Timestamp
        ) {
            self.provider = provider
            self.cause = cause
            self.burials = burials
            self.message = String(String.UnicodeScalarView(message.unicodeScalars.prefix(200)))
            self.since = since
            self.until = until
        }
    }

    package var host: String
    package var process: Int32
    package var release: String
    package var slots: Int
    package var started: Timestamp
    package var at: Timestamp
    package var draining: Bool
    package var held: [Held]
    /// How many it holds; more than are told where they do not fit.
    package private(set) var holding: Int
    /// The first ten.
    package var rests: [Rest]

    package init(
        host: String, process: Int32, release: String, slots: Int, started: Timestamp, at: Timestamp,
        draining: Bool, held: [Held], rests: [Rest] = []
    ) {
        self.host = host
        self.process = process
        self.release = release
        self.slots = slots
        self.started = started
        self.at = at
        self.draining = draining
        self.held = held
        holding = held.count
        self.rests = Array(rests.prefix(10))
    }

    package static let version = 1

    /// The body of its job, with fewer of the held jobs where it would have more than `limit` bytes.
    package func encoded(limit: Int) -> [UInt8] {
        let jobs = held.map { job in
            Node.map([
                ("id", .integer(job.jobID)), ("key", .string(job.key)), ("action", .string(job.action)),
                ("node", .string(job.node)), ("step", .string(job.step)), ("since", .string(job.since.description)),
            ])
        }
        let rests = rests.map { rest in
            Node.map([
                ("provider", .string(rest.provider)), ("cause", .string(rest.cause)),
                ("burials", .integer(rest.burials)), ("message", .string(rest.message)),
                ("since", .string(rest.since.description)), ("until", .string(rest.until.description)),
            ])
        }
        return Array(
            YAMLWriter.write(
                .map([
                    ("v", .integer(Self.version)), ("host", .string(host)), ("pid", .integer(process)),
                    ("release", .string(release)), ("slots", .integer(slots)),
                    ("started", .string(started.description)), ("at", .string(at.description)),
                    ("draining", .boolean(draining)), ("rests", .list(rests)), ("holding", .integer(holding)),
                    ("jobs", .list(jobs)),
                ]), limit: limit
            ).utf8)
    }

    /// - Throws: `Unreadable` when it is not a sign of life, or of a newer major version.
    package init(parsing bytes: [UInt8]) throws(Unreadable) {
        let record = try Record(parsing: bytes, what: "presence", version: Self.version)
        self.init(
            host: record.text("host"), process: Int32(clamping: record.integer("pid") ?? 0),
            release: record.text("release"),
            slots: record.integer("slots") ?? 0, started: record.time("started"), at: record.time("at"),
            draining: record.text("draining") == "true",
            held: record.records("jobs").map { job in
                Held(
                    jobID: UInt64(job.text("id")) ?? 0, key: job.text("key"), action: job.text("action"),
                    node: job.text("node"), step: job.text("step"), since: job.time("since"))
            },
            rests: record.records("rests").map { rest in
                Rest(
                    provider: rest.text("provider"), cause: rest.text("cause"), burials: rest.integer("burials") ?? 0,
                    message: rest.text("message"), since: rest.time("since"), until: rest.time("until"))
            })
        // A forged number must not make sums overflow.
        holding = max(holding, min(record.integer("holding") ?? 0, 1_000_000))
    }
}
