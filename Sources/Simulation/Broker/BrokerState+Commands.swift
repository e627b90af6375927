import World

extension BrokerState {
    mutating func dispatch(_ line: [UInt8], from id: UInt64) {
        do throws(BrokerCommand.Failure) {
            try obey(BrokerCommand(line, isStrict: settings.version == .newer), from: id)
        } catch {
            reply(error == .badFormat ? "BAD_FORMAT\r\n" : "UNKNOWN_COMMAND\r\n", to: id)
        }
    }

    private mutating func obey(_ command: BrokerCommand, from id: UInt64) {
        totals.commands[command.counter, default: 0] += 1
        switch command {
        case .put(let priority, let delay, let timeToRun, let size, let hasGarbage):
            put(priority, delay, timeToRun, Int(size), hasGarbage, from: id)
        case .use(let name): use(name, id)
        case .watch(let name): watch(name, id)
        case .ignore(let name): ignore(name, id)
        case .reserve(let timeout): reserve(timeout: timeout, id)
        case .reserveJob(let job): reserve(job: job, id)
        case .delete(let job): delete(job, id)
        case .release(let job, let priority, let delay): release(job, priority, delay, id)
        case .bury(let job, let priority): bury(job, priority, id)
        case .touch(let job): touch(job, id)
        case .kick(let bound): kick(bound, id)
        case .kickJob(let job): reply(kick(job: job) ? "KICKED\r\n" : "NOT_FOUND\r\n", to: id)
        case .peek(let job): show(job, id)
        case .peekReady: show(firstReady(in: used(id)), id)
        case .peekDelayed: show(firstDelayed(in: used(id)), id)
        case .peekBuried: show(firstBuried(in: used(id)), id)
        case .stats: reply("OK", statistics(), to: id)
        case .statsJob(let job): reply(statistics(ofJob: job), id)
        case .statsTube(let name): reply(statistics(ofTube: name), id)
        case .listTubes: reply("OK", list(tubeOrder.items), to: id)
        case .listTubeUsed: reply("USING \(used(id))\r\n", to: id)
        case .listTubesWatched: reply("OK", list(connections[id]?.watch.items ?? []), to: id)
        case .pauseTube(let name, let delay): pause(name, delay, id)
        case .quit: quit(id)
        }
    }

    private func used(_ id: UInt64) -> String { connections[id]?.use ?? "default" }

    private mutating func reply(_ text: [UInt8]?, _ id: UInt64) {
        if let text { reply("OK", text, to: id) } else { reply("NOT_FOUND\r\n", to: id) }
    }

    private mutating func show(_ job: UInt64?, _ id: UInt64) {
        if let job = job.flatMap({ jobs[$0] }) {
            reply("FOUND \(job.id)", job.body, to: id)
        } else {
            reply("NOT_FOUND\r\n", to: id)
        }
    }

    // MARK: Producing

    private mutating func put(
        _ priority: UInt32, _ delay: UInt32, _ timeToRun: UInt32, _ size: Int, _ hasGarbage: Bool, from id: UInt64
    ) {
        if size > settings.maximumJobSize {
            connections[id]?.phase = .swallowing(size + 2, reply: "JOB_TOO_BIG\r\n")
            return
        }
        if hasGarbage { return reply("BAD_FORMAT\r\n", to: id) }
        connections[id]?.isProducer = true
        // The id is taken now: a put that fails later leaves a gap.
        connections[id]?.phase = .body(
            BrokerConnection.Put(
                id: nextJobID, priority: priority, delay: delay, timeToRun: max(1, timeToRun), size: size))
        nextJobID += 1
    }

    mutating func finish(_ put: BrokerConnection.Put, _ body: [UInt8], from id: UInt64) {
        guard body.suffix(2) == [13, 10] else { return reply("EXPECTED_CRLF\r\n", to: id) }
        if isDraining { return reply("DRAINING\r\n", to: id) }
        guard canLog else { return reply("OUT_OF_MEMORY\r\n", to: id) }
        let tube = used(id)
        jobs[put.id] = BrokerJob(
            id: put.id, tube: tube, body: body.dropLast(2), timeToRun: put.timeToRun, created: now,
            record: BrokerJob.Record(priority: put.priority, delay: put.delay, deadline: now))
        tubes[tube]?.jobs += 1
        tubes[tube]?.totalJobs += 1
        totals.jobs += 1
        // The put is in the log before a waiting connection can get the job.
        jobs[put.id]?.record.state = put.delay > 0 ? .delayed : .ready
        jobs[put.id]?.record.deadline = now + .seconds(Int64(put.delay))
        writeLog(put.id)
        // The producer's answer leaves after a waiting connection got the job: they are different connections.
        enqueue(put.id, delay: .seconds(Int64(put.delay)))
        reply("INSERTED \(put.id)\r\n", to: id)
    }

    private mutating func use(_ name: String, _ id: UInt64) {
        let old = used(id)
        openTube(name)
        tubes[old]?.using -= 1
        connections[id]?.use = name
        tubes[name]?.using += 1
        dropIfUnused(old)
        reply("USING \(name)\r\n", to: id)
    }

    // MARK: Watching and reserving

    private mutating func watch(_ name: String, _ id: UInt64) {
        openTube(name)
        if connections[id]?.watch.contains(name) == false {
            connections[id]?.watch.append(name)
            tubes[name]?.watching += 1
        }
        reply("WATCHING \(connections[id]?.watch.count ?? 0)\r\n", to: id)
    }

    private mutating func ignore(_ name: String, _ id: UInt64) {
        guard let watch = connections[id]?.watch else { return }
        if watch.contains(name) {
            if watch.count < 2 { return reply("NOT_IGNORED\r\n", to: id) }
            connections[id]?.watch.remove(name)
            tubes[name]?.watching -= 1
            dropIfUnused(name)
        }
        reply("WATCHING \(connections[id]?.watch.count ?? 0)\r\n", to: id)
    }

    private mutating func reserve(timeout: Int32?, _ id: UInt64) {
        connections[id]?.isWorker = true
        guard let connection = connections[id] else { return }
        // Only when no watched tube has a ready job, be it paused or not (facts B3).
        if let soonest = soonestDeadline(of: connection), soonest - .seconds(1) <= now,
            !connection.watch.items.contains(where: { (tubes[$0]?.ready.count ?? 0) > 0 })
        {
            return reply("DEADLINE_SOON\r\n", to: id)
        }
        startWaiting(id, timeout: timeout)
    }

    /// Takes a job in any state but reserved, and looks neither at pauses nor at watched tubes (facts F5).
    private mutating func reserve(job: UInt64, _ id: UInt64) {
        switch jobs[job]?.record.state {
        case .ready, .delayed, .buried:
            connections[id]?.isWorker = true
            reserve(job, for: id)
        case .reserved, .limbo, nil:
            reply("NOT_FOUND\r\n", to: id)
        }
    }

    // MARK: Ending a reservation

    /// A job that this connection holds, or that nobody holds: a stale delete is not fenced (facts B5).
    private mutating func delete(_ job: UInt64, _ id: UInt64) {
        guard let found = jobs[job] else { return reply("NOT_FOUND\r\n", to: id) }
        if found.isReserved(by: id) {
            unreserve(job, from: id)
        } else if !dequeue(job) {
            return reply("NOT_FOUND\r\n", to: id)
        }
        tubes[found.tube]?.deletes += 1
        eraseLog(job)
        remove(job)
        reply("DELETED\r\n", to: id)
    }

    private mutating func release(_ job: UInt64, _ priority: UInt32, _ delay: UInt32, _ id: UInt64) {
        guard jobs[job]?.isReserved(by: id) == true else { return reply("NOT_FOUND\r\n", to: id) }
        unreserve(job, from: id)
        if delay > 0, !canLog {
            jobs[job]?.record.state = .limbo
            return reply("OUT_OF_MEMORY\r\n", to: id)
        }
        jobs[job]?.record.priority = priority
        jobs[job]?.record.delay = delay
        jobs[job]?.record.releases += 1
        if delay > 0 {
            jobs[job]?.record.state = .delayed
            jobs[job]?.record.deadline = now + .seconds(Int64(delay))
            writeLog(job)
        }
        enqueue(job, delay: .seconds(Int64(delay)))
        reply("RELEASED\r\n", to: id)
    }

    private mutating func bury(_ job: UInt64, _ priority: UInt32, _ id: UInt64) {
        guard jobs[job]?.isReserved(by: id) == true else { return reply("NOT_FOUND\r\n", to: id) }
        unreserve(job, from: id)
        jobs[job]?.record.priority = priority
        guard canLog else {
            jobs[job]?.record.state = .limbo
            return reply("INTERNAL_ERROR\r\n", to: id)
        }
        bury(job)
        writeLog(job)
        reply("BURIED\r\n", to: id)
    }

    /// The deadline counts from here; never written to the log (facts B7).
    private mutating func touch(_ job: UInt64, _ id: UInt64) {
        guard let found = jobs[job], found.isReserved(by: id) else { return reply("NOT_FOUND\r\n", to: id) }
        let deadline = now + .seconds(Int64(found.timeToRun))
        jobs[job]?.record.deadline = deadline
        if deadline < found.record.deadline {
            // The clock was stepped back: what waits for the old end comes too late.
            at(deadline, .timeToRunOver(job: job, connection: id, stamp: found.stamp))
        }
        reply("TOUCHED\r\n", to: id)
    }

    // MARK: Kicking and pausing

    /// Buried jobs of the used tube, and only if there are none its delayed ones (facts F3). On a full disk nothing is
    /// kicked, and as many are counted as were asked for.
    private mutating func kick(_ bound: UInt32, _ id: UInt64) {
        let tube = used(id)
        let buried = tubes[tube]?.buried.count ?? 0
        let kickable = buried > 0 ? buried : tubes[tube]?.delayed.count ?? 0
        guard canLog || kickable == 0 else { return reply("KICKED \(bound)\r\n", to: id) }
        let count = min(Int(bound), kickable)
        for _ in 0..<count {
            if let job = buried > 0 ? firstBuried(in: tube) : firstDelayed(in: tube) { _ = kick(job: job) }
        }
        reply("KICKED \(count)\r\n", to: id)
    }

    private mutating func kick(job: UInt64) -> Bool {
        guard let found = jobs[job], found.record.state == .buried || found.record.state == .delayed, canLog,
            dequeue(job)
        else { return false }
        jobs[job]?.record.kicks += 1
        jobs[job]?.record.state = .ready
        writeLog(job)
        enqueue(job)
        return true
    }

    private mutating func pause(_ name: String, _ delay: UInt32, _ id: UInt64) {
        guard BrokerCommand.isTubeName(Array(name.utf8)) else { return reply("BAD_FORMAT\r\n", to: id) }
        guard tubes[name] != nil else { return reply("NOT_FOUND\r\n", to: id) }
        let until = now + (delay == 0 ? .microseconds(1) : .seconds(Int64(delay)))
        tubes[name]?.pause = delay
        tubes[name]?.pausedUntil = until
        tubes[name]?.pauses += 1
        at(until, .pauseOver(tube: name))
        reply("PAUSED\r\n", to: id)
    }
}

extension BrokerCommand {
    /// The line of `stats` that counts it. `kick-job` and `reserve-job` have none.
    var counter: String {
        switch self {
        case .put: "put"
        case .use: "use"
        case .watch: "watch"
        case .ignore: "ignore"
        case .reserve(timeout: nil): "reserve"
        case .reserve: "reserve-with-timeout"
        case .reserveJob: "reserve-job"
        case .delete: "delete"
        case .release: "release"
        case .bury: "bury"
        case .touch: "touch"
        case .kick: "kick"
        case .kickJob: "kick-job"
        case .peek: "peek"
        case .peekReady: "peek-ready"
        case .peekDelayed: "peek-delayed"
        case .peekBuried: "peek-buried"
        case .stats: "stats"
        case .statsJob: "stats-job"
        case .statsTube: "stats-tube"
        case .listTubes: "list-tubes"
        case .listTubeUsed: "list-tube-used"
        case .listTubesWatched: "list-tubes-watched"
        case .pauseTube: "pause-tube"
        case .quit: "quit"
        }
    }
}
