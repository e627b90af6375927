import Jobs
import Pipelines
import WorkerCore
import World

@testable import Beanstalk

/// The same number every time: 0 is the least that jitter can be, .max the most.
struct FixedRandom: RandomSource {
    let value: UInt64

    func next() -> UInt64 { value }
}

extension Moment {
    static func at(_ seconds: Int64) -> Moment { Moment(nanoseconds: seconds * 1_000_000_000) }
}

extension Verdicts.Life {
    /// Of a job whose `uuid` all have.
    static func of(_ jobID: UInt64, kicks: Int = 0) -> Verdicts.Life {
        Verdicts.Life(jobID: jobID, key: "k", kicks: kicks)
    }
}

extension Delivery {
    static func of(
        _ body: String, id: UInt64 = 17, tube: String = "cirrata.provision.ovh", age: Duration = .seconds(90),
        ttr: Duration = .seconds(300), reserves: Int = 1, releases: Int = 0
    ) throws -> Delivery {
        Delivery(
            id: JobID(id), body: Array(body.utf8),
            statistics: JobStatistics(
                id: JobID(id), tube: try TubeName(tube), state: .reserved, priority: 1_000, age: age, delay: .zero,
                ttr: ttr, timeLeft: ttr, reserves: reserves, timeouts: 0, releases: releases, buries: 0, kicks: 0,
                file: 0),
            broker: .tcp(host: "broker", port: 11_300))
    }
}

extension JobTag {
    static func of(_ jobID: UInt64, node: String = "ovh001") -> JobTag {
        JobTag(key: "k\(jobID)", action: "provision", node: node, provider: "ovh", jobID: jobID, run: "run/1")
    }
}
