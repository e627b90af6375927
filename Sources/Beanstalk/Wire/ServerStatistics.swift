/// The answer to `stats`.
package struct ServerStatistics: Sendable, Hashable {
    package struct Binlog: Sendable, Hashable {
        package var oldestIndex: Int
        package var currentIndex: Int
        package var recordsMigrated: Int
        package var recordsWritten: Int
        package var maximumSize: Int

        /// Whether the broker was started with `-b`: without it a restart loses every job (fact E1).
        package var isActive: Bool { currentIndex > 0 }
    }

    package var version: String
    package var process: Int
    package var uptime: Duration
    package var jobs: JobCounts
    package var totalJobs: Int
    package var jobTimeouts: Int
    /// The largest body that this broker takes (fact G1).
    package var maximumJobSize: Int
    package var tubes: Int
    package var connections: Int
    package var producers: Int
    package var workers: Int
    package var waiting: Int
    package var totalConnections: Int
    package var binlog: Binlog
    /// Drain mode: no new jobs until it is restarted (fact G3). Older brokers do not say.
    package var isDraining: Bool
    /// Hexadecimal, another one in every process.
    package var id: String
    package var hostname: String
    /// Everything, also what has no property here: `cmd-put`, `rusage-utime` …
    package var document: StatisticsDocument

    package init(parsing bytes: [UInt8]) throws(ProtocolViolation) {
        let document = try StatisticsDocument(parsing: bytes)
        version = try document.text("version")
        process = try document.count("pid")
        uptime = try document.seconds("uptime")
        jobs = try JobCounts(document)
        totalJobs = try document.count("total-jobs")
        jobTimeouts = try document.count("job-timeouts")
        maximumJobSize = try document.count("max-job-size")
        tubes = try document.count("current-tubes")
        connections = try document.count("current-connections")
        producers = try document.count("current-producers")
        workers = try document.count("current-workers")
        waiting = try document.count("current-waiting")
        totalConnections = try document.count("total-connections")
        binlog = Binlog(
            oldestIndex: try document.countIfKnown("binlog-oldest-index"),
            currentIndex: try document.countIfKnown("binlog-current-index"),
            recordsMigrated: try document.countIfKnown("binlog-records-migrated"),
            recordsWritten: try document.countIfKnown("binlog-records-written"),
            maximumSize: try document.countIfKnown("binlog-max-size"))
        isDraining = document["draining"] == "true"
        id = document["id"] ?? ""
        hostname = document["hostname"] ?? ""
        self.document = document
    }

    /// How often a command was carried out; nil where the broker does not count it.
    package func count(of command: Command.Name) -> Int? {
        document["cmd-\(command.rawValue)"].flatMap { Int($0) }
    }
}
