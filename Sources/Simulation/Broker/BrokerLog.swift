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

    /// What a start finds.
    struct Replay: Sendable {
        /// In the order in which the files name them first.
        var jobs: [BrokerJob] = []
        /// The highest id that the files name.
        var lastID: UInt64 = 0
        /// In the order in which they came about: also those of jobs that are gone leave their trace in it.
        var tubes = SwapBag<String>()
    }

    /// Reads all files, and leaves them as a start does.
    /// - Parameter limit: the largest body (`-z`). A body is kept with its line end, and measured with it: one within
    ///   two bytes of the limit was accepted once and ends the reading of its file now, which loses every later record
    ///   there, of whatever job (facts E5).
    mutating func replay(limit: Int) -> Replay {
        var replay = Replay()
        var jobs: [UInt64: BrokerJob] = [:]
        var order: [UInt64] = []
        replay.tubes.append("default")
        for index in files.indices {
            files[index].jobs = []
            reading: for entry in files[index].entries {
                switch entry {
                case .whole(let job):
                    if let before = jobs[job.id] {
                        forget(before)
                    } else {
                        guard job.body.count + 2 <= limit else { break reading }
                        order.append(job.id)
                        replay.lastID = max(replay.lastID, job.id)
                        if !replay.tubes.contains(job.tube) { replay.tubes.append(job.tube) }
                    }
                    jobs[job.id] = job
                    files[index].jobs.insert(job.id)
                case .change(let id, let record):
                    jobs[id]?.record = record
                case .gone(let id):
                    guard let job = jobs.removeValue(forKey: id) else { continue }
                    forget(job)
                    order.removeAll { $0 == id }
                    let isLast = job.tube != "default" && !jobs.values.contains { $0.tube == job.tube }
                    if isLast { replay.tubes.remove(job.tube) }
                }
            }
        }
        dropEmptyFiles()
        (written, migrated) = (0, 0)
        replay.jobs = order.compactMap { jobs[$0] }
        return replay
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
        let replay = log.replay(limit: settings.maximumJobSize)
        nextJobID = replay.lastID + 1
        for name in replay.tubes.items { openTube(name) }
        log.files.append(BrokerLog.File(number: (log.files.last?.number ?? 0) + 1))
        log.dropEmptyFiles()
        for job in replay.jobs {
            jobs[job.id] = job
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
