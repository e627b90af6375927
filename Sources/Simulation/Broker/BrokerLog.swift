import World

/// What the binlog of a broker with `-b` would bring back: written only on put, delete, release with delay, bury and
/// kick (facts D1).
struct BrokerLog: Sendable {
    /// Each run of the broker begins a file (a second one after 10 MB is left out). A file goes when it is the oldest
    /// and holds no job any more.
    struct File: Sendable {
        var number: Int
        /// Whose whole record it holds.
        var jobs: Set<UInt64> = []
        /// The highest id that it names.
        var lastID: UInt64 = 0
    }

    var files: [File] = []
    var jobs: [UInt64: BrokerJob] = [:]
    /// Whole records so far: their order is the order of the replay.
    var position: UInt64 = 0
    // Of this run:
    var written: UInt64 = 0
    var migrated: UInt64 = 0

    mutating func write(_ job: inout BrokerJob) {
        guard let last = files.indices.last else { return }
        if job.file == 0 {
            position += 1
            job.file = files[last].number
            job.logPosition = position
            files[last].jobs.insert(job.id)
            files[last].lastID = max(files[last].lastID, job.id)
        }
        job.logged = job.record
        jobs[job.id] = job
        written += 1
    }

    mutating func erase(_ id: UInt64) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        written += 1
        leave(job)
    }

    /// After each write the jobs of the oldest file move to the newest one, unless these two are neighbours. (The real
    /// one moves as many as the ratio of dead bytes says: all of them, as long as the live ones are few megabytes.)
    /// - Returns: who moved, as they are now.
    mutating func compact() -> [BrokerJob] {
        var moved: [BrokerJob] = []
        while files.count > 2 {
            for id in files[0].jobs.sorted(by: { (jobs[$0]?.logPosition ?? 0) < (jobs[$1]?.logPosition ?? 0) }) {
                guard var job = jobs[id] else { continue }
                let logged = job.logged
                job.file = 0
                write(&job)
                job.logged = logged
                jobs[id] = job
                migrated += 1
                moved.append(job)
            }
            files.removeFirst()
            dropEmptyFiles()
        }
        return moved
    }

    mutating func dropEmptyFiles() {
        while files.count > 1, files[0].jobs.isEmpty { files.removeFirst() }
    }

    private mutating func leave(_ job: BrokerJob) {
        if let index = files.firstIndex(where: { $0.number == job.file }) { files[index].jobs.remove(job.id) }
        dropEmptyFiles()
    }
}

extension BrokerState {
    /// A job can be written, or needs not to be.
    var canLog: Bool { !(settings.isPersistent && isDiskFull) }

    mutating func writeLog(_ id: UInt64) {
        guard settings.isPersistent, var job = jobs[id] else { return }
        log.write(&job)
        jobs[id] = job
        compactLog()
    }

    mutating func eraseLog(_ id: UInt64) {
        guard settings.isPersistent else { return }
        log.erase(id)
        compactLog()
    }

    private mutating func compactLog() {
        for moved in log.compact() {
            jobs[moved.id]?.file = moved.file
            jobs[moved.id]?.logPosition = moved.logPosition
        }
    }

    /// What a start with `-b` finds: reserved jobs are ready, delayed ones keep their deadline, buried ones are in the
    /// order of their puts and counted as buried once more, not in the log (facts D1, D2, E7). The next id follows the
    /// highest that a file still names, so that ids come back when all jobs are gone (D5).
    mutating func startLog() {
        (log.written, log.migrated) = (0, 0)
        nextJobID = (log.files.map(\.lastID).max() ?? 0) + 1
        log.files.append(BrokerLog.File(number: (log.files.last?.number ?? 0) + 1))
        for saved in log.jobs.values.sorted(by: { $0.logPosition < $1.logPosition }) {
            var job = saved
            if let logged = saved.logged { job.record = logged }
            jobs[job.id] = job
            openTube(job.tube)
            tubes[job.tube]?.jobs += 1
            switch job.record.state {
            case .buried: bury(job.id)
            case .delayed: enqueue(job.id, delay: max(.zero, job.record.deadline - now))
            case .ready, .reserved, .limbo: enqueue(job.id)
            }
        }
        log.dropEmptyFiles()
    }

    /// Another process in the place of this one: connections, counters, pauses and drain mode are gone, and without a log
    /// the jobs too.
    func restarted(with settings: BrokerSettings, at time: Timestamp, instance: UInt64) -> BrokerState {
        var next = BrokerState(settings: settings, now: time, instance: instance, log: log)
        next.isDiskFull = isDiskFull
        return next
    }
}
