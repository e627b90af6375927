import Beanstalk
import HTTPKit
import Jobs
import WorkerCore
import World

extension FailedJob {
    /// What a list says of it.
    func json(now: Timestamp) -> JSONObject {
        var members: JSONObject = [
            "event": "failed", "job": .integer(Int(clamping: report.jobID)), "key": .string(report.key),
            "node": .string(report.node), "provider": .string(report.provider), "action": .string(report.action),
            "outcome": .string(report.outcome), "step": .string(report.step), "class": .string(report.cause),
            "message": .string(report.message), "next": .string(report.next), "attempts": .integer(attempts),
            "deliveries": .integer(report.deliveries), "ended": .string(report.ended.description),
            "age_seconds": .integer(Int((now - report.ended).seconds)), "left": Self.list(report.left),
            "is_current": .bool(isCurrent), "standing": .string(standing.description), "tube": .string(report.tube),
            "worker": .string(report.worker), "run": .string(report.run),
        ]
        if let status = report.status { members["status"] = .integer(status) }
        if let requestID = report.requestID { members["request_id"] = .string(requestID) }
        return members
    }

    /// Everything.
    func detailedJSON(now: Timestamp) -> JSONObject {
        var members = json(now: now)
        members["broker"] = .string(report.broker)
        members["digest"] = .string(report.digest)
        members["put"] = .string(report.put.description)
        members["began"] = .string(report.began.description)
        members["steps"] = .array(report.steps.map(Self.json))
        members["created"] = Self.list(report.created)
        members["removed"] = Self.list(report.removed)
        members["warnings"] = Self.list(report.warnings)
        members["console"] = .string(report.console)
        members["body"] = .object(JSONObject(report.body.map { ($0.0, .string($0.1)) }))
        if let statistics { members["counters"] = .object(statistics.json) }
        return members
    }

    private static func json(_ story: Report.StepStory) -> JSONValue {
        let attempts = story.attempts.map { attempt in
            var members: JSONObject = [
                "n": .integer(attempt.number), "at": .string(attempt.at.description),
                "ms": .integer(Int(attempt.took.nanoseconds / 1_000_000)), "error": .string(attempt.error),
                "class": .string(attempt.cause),
            ]
            if let status = attempt.status { members["status"] = .integer(status) }
            if let requestID = attempt.requestID { members["request_id"] = .string(requestID) }
            return JSONValue.object(members)
        }
        return ["step": .string(story.step), "summary": .string(story.summary), "attempts": .array(attempts)]
    }

    private static func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}

extension QueuedJobFacts {
    /// As a buried job without a report.
    var buriedJSON: JSONObject { BuriedJob(statistics: statistics, body: body).json }
}

extension BuriedJob {
    var json: JSONObject {
        [
            "event": "buried", "job": .integer(Int(clamping: statistics.id.number)),
            "tube": .string(statistics.tube.text), "counters": .object(statistics.json),
            "body": .object(JSONObject(body.map { ($0.key, .string($0.value)) })),
        ]
    }
}

extension JobStatistics {
    var json: JSONObject {
        [
            "state": .string(state.rawValue), "priority": .integer(Int(priority)),
            "age_seconds": .integer(Int(age.seconds)), "ttr_seconds": .integer(Int(ttr.seconds)),
            "reserves": .integer(reserves), "releases": .integer(releases), "timeouts": .integer(timeouts),
            "buries": .integer(buries), "kicks": .integer(kicks),
        ]
    }
}
