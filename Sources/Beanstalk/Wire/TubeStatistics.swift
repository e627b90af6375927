/// Jobs by state. Ready ones with a priority below 1,024 count as urgent too (fact C3).
package struct JobCounts: Sendable, Hashable {
    package var urgent: Int
    package var ready: Int
    package var reserved: Int
    package var delayed: Int
    package var buried: Int

    init(_ document: StatisticsDocument) throws(ProtocolViolation) {
        urgent = try document.count("current-jobs-urgent")
        ready = try document.count("current-jobs-ready")
        reserved = try document.count("current-jobs-reserved")
        delayed = try document.count("current-jobs-delayed")
        buried = try document.count("current-jobs-buried")
    }
}

/// The answer to `stats-tube`.
package struct TubeStatistics: Sendable, Hashable {
    package var name: TubeName
    package var jobs: JobCounts
    /// Since the tube came into being; tubes vanish when they are empty and nobody uses or watches them (fact G5).
    package var totalJobs: Int
    package var using: Int
    package var watching: Int
    package var waiting: Int
    package var deletes: Int
    package var pauses: Int
    package var pause: Duration
    package var pauseLeft: Duration

    package init(parsing bytes: [UInt8]) throws(ProtocolViolation) {
        let document = try StatisticsDocument(parsing: bytes)
        name = try document.tube("name")
        jobs = try JobCounts(document)
        totalJobs = try document.count("total-jobs")
        using = try document.count("current-using")
        watching = try document.count("current-watching")
        waiting = try document.count("current-waiting")
        deletes = try document.count("cmd-delete")
        pauses = try document.count("cmd-pause-tube")
        pause = try document.seconds("pause")
        pauseLeft = try document.seconds("pause-time-left")
    }
}
