import World

/// What the binlog of a broker with `-b` would bring back: written only on put, delete, release with delay, bury and
/// kick (facts D1).
struct BrokerLog: Sendable {
    /// One run of the broker writes one file. A file goes when no job has its put in it.
    struct File: Sendable {
        var number: Int
        var jobs = 0
        /// Ids up to this were put while it was written.
        var lastID: UInt64 = 0
    }

    var files: [File] = []
    var jobs: [UInt64: BrokerJob] = [:]
    var written: UInt64 = 0
}

extension BrokerState {
    /// A job can be written, or needs not to be.
    var canLog: Bool { !(settings.isPersistent && isDiskFull) }

    mutating func writeLog(_ id: UInt64) {
        guard settings.isPersistent, var job = jobs[id], let file = log.files.last?.number else { return }
        if job.file == 0 {
            job.file = file
            log.files[log.files.count - 1].jobs += 1
            log.files[log.files.count - 1].lastID = id
        }
        job.logged = job.record
        jobs[id] = job
        log.jobs[id] = job
        log.written += 1
    }

    mutating func eraseLog(_ id: UInt64) {
        guard settings.isPersistent, let job = log.jobs.removeValue(forKey: id) else { return }
        log.written += 1
        if let index = log.files.firstIndex(where: { $0.number == job.file }) { log.files[index].jobs -= 1 }
        dropEmptyFiles()
    }

    private mutating func dropEmptyFiles() {
        while log.files.count > 1, log.files[0].jobs == 0 { log.files.removeFirst() }
    }

    /// What a start with `-b` finds: reserved jobs are ready, delayed ones keep their deadline, buried ones are in the
    /// order of their puts and counted as buried once more (facts D1, D2, E7). The next id follows the highest in a file
    /// that is still there, so that ids come back when all are gone (D5).
    mutating func startLog() {
        log.written = 0
        nextJobID = (log.files.map(\.lastID).max() ?? 0) + 1
        log.files.append(BrokerLog.File(number: (log.files.last?.number ?? 0) + 1))
        for (id, saved) in log.jobs.sorted(by: { $0.key < $1.key }) {
            var job = saved
            if let logged = saved.logged { job.record = logged }
            jobs[id] = job
            openTube(job.tube)
            tubes[job.tube]?.jobs += 1
            switch job.record.state {
            case .buried: bury(id)
            case .delayed: enqueue(id, delay: max(.zero, job.record.deadline - now))
            case .ready, .reserved, .limbo: enqueue(id)
            }
        }
        dropEmptyFiles()
    }

    /// Another process in the place of this one: connections, counters, pauses, drain mode are gone, and without a log
    /// the jobs too.
    func restarted(with settings: BrokerSettings, at time: Timestamp, instance: UInt64) -> BrokerState {
        var next = BrokerState(settings: settings, now: time, instance: instance, log: log)
        next.isDiskFull = isDiskFull
        return next
    }
}
