package import World
import YAMLKit

/// A worker's sign of life in the workers' tube: put anew every half minute, the previous one deleted.
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

    package init(
        host: String, process: Int32, release: String, slots: Int, started: Timestamp, at: Timestamp,
        draining: Bool, held: [Held]
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
        return Array(
            YAMLWriter.write(
                .map([
                    ("v", .integer(Self.version)), ("host", .string(host)), ("pid", .integer(process)),
                    ("release", .string(release)), ("slots", .integer(slots)),
                    ("started", .string(started.description)), ("at", .string(at.description)),
                    ("draining", .boolean(draining)), ("holding", .integer(holding)), ("jobs", .list(jobs)),
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
            })
        // A forged number must not make sums overflow.
        holding = max(holding, min(record.integer("holding") ?? 0, 1_000_000))
    }
}
