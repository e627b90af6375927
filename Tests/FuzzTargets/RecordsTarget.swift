import Jobs
import World
import YAMLKit

/// What workers leave each other in the broker: reports, replies, signs of life. A tube is open to everybody.
enum RecordsTarget {
    static func check(_ input: [UInt8]) throws {
        _ = (Report.jobID(atGlance: input), try read(Report.head(of: input), Report.init(parsing:)))
        if let report = try read(input, Report.init(parsing:)) {
            try requireStable(report, report.encoded(limit: .max), Report.init(parsing:))
            let short = report.encoded(limit: 1_000)
            _ = try read(short, Report.init(parsing:))
            try require(
                Report.jobID(atGlance: short) == report.jobID, "a glance does not show job \(report.jobID)")
            for step in report.steps { for attempt in step.attempts { _ = attempt.took.short } }
        }
        if let reply = try read(input, Reply.init(parsing:)) {
            try requireStable(reply, reply.encoded(limit: .max), Reply.init(parsing:))
            _ = (reply.ended - reply.began).short
        }
        if let presence = try read(input, Presence.init(parsing:)) {
            try requireStable(presence, presence.encoded(limit: .max), Presence.init(parsing:))
            _ = (presence.at - presence.started).short
        }
    }

    private static func read<Value>(
        _ bytes: [UInt8], _ parse: ([UInt8]) throws(Unreadable) -> Value
    ) throws -> Value? {
        do throws(Unreadable) {
            return try parse(bytes)
        } catch {
            try requireOneLine(error.description)
            return nil
        }
    }

    /// What was read once is written and read the same for ever.
    private static func requireStable<Value: Equatable>(
        _ value: Value, _ encoded: [UInt8], _ parse: ([UInt8]) throws(Unreadable) -> Value
    ) throws {
        // Aliases written out may make it too large to be read.
        guard encoded.count <= YAML.Limits.job.bytes else { return }
        guard let again = try read(encoded, parse) else {
            throw BrokenProperty("cannot be read again:\n\(String(decoding: encoded, as: UTF8.self))")
        }
        try require(
            again == value, "\(value) became \(again) through\n\(String(decoding: encoded, as: UTF8.self))")
    }
}
