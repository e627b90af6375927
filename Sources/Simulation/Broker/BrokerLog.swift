import World

/// The binlog of a broker with `-b`, record by record: written only on put, delete, release with delay, bury and kick
/// (facts D1), and read again at a start.
struct BrokerLog: Sendable {
    enum Entry: Sendable {
        /// A put, or a job that moved here from an older file: with its counters as they were then, logged or not.
        case whole(BrokerJob)
        case change(UInt64, BrokerJob.Record)
        case gone(UInt64)
    }

    /// Each run of the broker begins a file (a second one after 10 MB is left out). A file goes when it is the oldest
    /// and holds no job any more.
    struct File: Sendable {
        var number: Int
        /// Whose whole record it holds.
        var jobs: Set<UInt64> = []
        var entries: [Entry] = []
    }

    var files: [File] = []
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
            files[last].entries.append(.whole(job))
        } else {
            files[last].entries.append(.change(job.id, job.record))
        }
        written += 1
    }

    mutating func erase(_ job: BrokerJob) {
        guard let last = files.indices.last else { return }
        files[last].entries.append(.gone(job.id))
        written += 1
        leave(job)
    }

    /// After each write the jobs of the oldest file move to the newest one, unless these two are neighbours. (The real
    /// one moves as many as the ratio of dead bytes says: all of them, as long as the live ones are few megabytes.)
    /// - Parameter jobs: all of the broker's.
    mutating func compact(_ jobs: inout [UInt64: BrokerJob]) {
        while files.count > 2 {
            for var job in files[0].jobs.compactMap({ jobs[$0] }).sorted(by: { $0.logPosition < $1.logPosition }) {
                job.file = 0
                write(&job)
                migrated += 1
                jobs[job.id] = job
            }
            files.removeFirst()
            dropEmptyFiles()
        }
    }

    mutating func dropEmptyFiles() {
        while files.count > 1, files[0].jobs.isEmpty { files.removeFirst() }
    }

    private mutating func leave(_ job: BrokerJob) {
        if let index = files.firstIndex(where: { $0.number == job.file }) { files[index].jobs.remove(job.id) }
        dropEmptyFiles()
    }

    /// What a start finds, in the order in which the files name it first, and the highest id that they name. Afterwards
    /// the files are as that start leaves them.
    /// - Parameter limit: the largest body (`-z`). A body is kept with its line end, and measured with it: one within
    ///   two bytes of the limit was accepted once and ends the reading of its file now, which loses every later record
    ///   there, of whatever job (facts E5).
    mutating func replay(limit: Int) -> (jobs: [BrokerJob], lastID: UInt64) {
        var jobs: [UInt64: BrokerJob] = [:]
        var order: [UInt64] = []
        var lastID: UInt64 = 0
        for index in files.indices {
            files[index].jobs = []
            reading: for entry in files[index].entries {
                switch entry {
                case .whole(let job):
                    if jobs[job.id] == nil {
                        guard job.body.count + 2 <= limit else { break reading }
                        order.append(job.id)
                        lastID = max(lastID, job.id)
                    }
                    if let before = jobs[job.id] { forget(before) }
                    jobs[job.id] = job
                    files[index].jobs.insert(job.id)
                case .change(let id, let record):
                    jobs[id]?.record = record
                case .gone(let id):
                    if let job = jobs.removeValue(forKey: id) { forget(job) }
                    order.removeAll { $0 == id }
                }
            }
        }
        dropEmptyFiles()
        (written, migrated) = (0, 0)
        return (order.compactMap { jobs[$0] }, lastID)
    }

    private mutating func forget(_ job: BrokerJob) {
        if let index = files.firstIndex(where: { $0.number == job.file }) { files[index].jobs.remove(job.id) }
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
        guard settings.isPersistent, let job = jobs[id] else { return }
        log.erase(job)
        compactLog()
    }

    private mutating func compactLog() {
        if canLog { log.compact(&jobs) }
    }

    /// What a start with `-b` finds: reserved jobs are ready, delayed ones keep their deadline, buried ones are in the
    /// order of their puts and counted as buried once more, not in the log (facts D1, D2, E7). The next id follows the
    /// highest that a file still names, so that ids come back when all jobs are gone (D5).
    mutating func startLog() {
        let (found, lastID) = log.replay(limit: settings.maximumJobSize)
        nextJobID = lastID + 1
        log.files.append(BrokerLog.File(number: (log.files.last?.number ?? 0) + 1))
        log.dropEmptyFiles()
        for job in found {
            jobs[job.id] = job
            openTube(job.tube)
            tubes[job.tube]?.jobs += 1
            switch job.record.state {
            case .buried: bury(job.id)
            case .delayed: enqueue(job.id, delay: max(.zero, job.record.deadline - now))
            case .ready, .reserved, .limbo: enqueue(job.id)
            }
        }
    }

    /// Another process in the place of this one: connections, counters, pauses and drain mode are gone, and without a log
    /// the jobs too.
    func restarted(with settings: BrokerSettings, at time: Timestamp, instance: UInt64) -> BrokerState {
        var next = BrokerState(settings: settings, now: time, instance: instance, log: log)
        next.isDiskFull = isDiskFull
        return next
    }
}
