import World

extension BrokerState {
    // MARK: Tubes

    mutating func openTube(_ name: String) {
        if tubes[name] != nil { return }
        tubes[name] = BrokerTube(name: name)
        tubeOrder.append(name)
    }

    /// Tubes vanish when no job and no connection needs them, and their pause and counters with them (facts G5).
    mutating func dropIfUnused(_ name: String) {
        guard name != "default", let tube = tubes[name], tube.jobs == 0, tube.using == 0, tube.watching == 0 else {
            return
        }
        tubes[name] = nil
        tubeOrder.remove(name)
    }

    mutating func firstReady(in name: String) -> UInt64? {
        let jobs = jobs
        return tubes[name]?.ready.first { id, stamp in jobs[id]?.stamp == stamp && jobs[id]?.record.state == .ready }
    }

    mutating func firstDelayed(in name: String) -> UInt64? {
        let jobs = jobs
        return tubes[name]?.delayed.first { id, stamp in
            jobs[id]?.stamp == stamp && jobs[id]?.record.state == .delayed
        }
    }

    mutating func firstBuried(in name: String) -> UInt64? {
        let jobs = jobs
        return tubes[name]?.buried.first { id, stamp in jobs[id]?.stamp == stamp && jobs[id]?.record.state == .buried }
    }

    // MARK: Jobs between states

    /// Makes a job that is in no queue ready, or delayed.
    mutating func enqueue(_ id: UInt64, delay: Duration = .zero) {
        guard let job = jobs[id] else { return }
        let stamp = newSequence()
        jobs[id]?.stamp = stamp
        if delay > .zero {
            let deadline = now + delay
            jobs[id]?.record.deadline = deadline
            jobs[id]?.record.state = .delayed
            tubes[job.tube]?.delayed.insert(key: deadline.microseconds, id: id, stamp: stamp)
            at(deadline, .delayOver(job: id, stamp: stamp))
        } else {
            jobs[id]?.record.state = .ready
            tubes[job.tube]?.ready.insert(key: Int64(job.record.priority), id: id, stamp: stamp)
            if job.isUrgent { tubes[job.tube]?.urgent += 1 }
        }
        matchWaiting()
    }

    mutating func bury(_ id: UInt64) {
        guard let job = jobs[id] else { return }
        let stamp = newSequence()
        jobs[id]?.stamp = stamp
        jobs[id]?.record.state = .buried
        jobs[id]?.record.buries += 1
        tubes[job.tube]?.buried.insert(key: Int64(clamping: stamp), id: id, stamp: stamp)
    }

    /// Takes a ready, delayed or buried job out of its queue.
    /// - Returns: whether it was in one.
    mutating func dequeue(_ id: UInt64) -> Bool {
        guard let job = jobs[id] else { return false }
        switch job.record.state {
        case .ready:
            tubes[job.tube]?.ready.left()
            if job.isUrgent { tubes[job.tube]?.urgent -= 1 }
        case .delayed: tubes[job.tube]?.delayed.left()
        case .buried: tubes[job.tube]?.buried.left()
        case .reserved, .limbo: return false
        }
        jobs[id]?.stamp = 0
        return true
    }

    mutating func reserve(_ id: UInt64, for connection: UInt64) {
        guard let job = jobs[id], dequeue(id) else { return }
        let deadline = now + .seconds(Int64(job.timeToRun))
        let stamp = newSequence()
        jobs[id]?.stamp = stamp
        jobs[id]?.record.state = .reserved(by: connection)
        jobs[id]?.record.deadline = deadline
        jobs[id]?.record.reserves += 1
        tubes[job.tube]?.reserved += 1
        connections[connection]?.reserved.append(id)
        at(deadline, .timeToRunOver(job: id, connection: connection, stamp: stamp))
        reply("RESERVED \(id)", job.body, to: connection)
    }

    /// Takes a job from its holder and leaves it in no state: the caller gives it one.
    mutating func unreserve(_ id: UInt64, from connection: UInt64) {
        guard let job = jobs[id] else { return }
        connections[connection]?.reserved.removeAll { $0 == id }
        tubes[job.tube]?.reserved -= 1
    }

    mutating func remove(_ id: UInt64) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        tubes[job.tube]?.jobs -= 1
        dropIfUnused(job.tube)
    }

    /// Gives ready jobs to waiting connections: the best job of all tubes first, and to whom the tube's order says.
    mutating func matchWaiting() {
        while let best = bestAwaited() {
            guard let name = jobs[best]?.tube, let connection = tubes[name]?.waiting.take() else { return }
            leaveWaiting(connection)
            reserve(best, for: connection)
        }
    }

    private mutating func bestAwaited() -> UInt64? {
        var best: (priority: UInt32, id: UInt64)?
        for name in tubeOrder.items {
            guard let tube = tubes[name], tube.pausedUntil == nil, !tube.waiting.isEmpty, tube.ready.count > 0,
                let id = firstReady(in: name), let priority = jobs[id]?.record.priority
            else { continue }
            if let best, (best.priority, best.id) < (priority, id) { continue }
            best = (priority, id)
        }
        return best?.id
    }
}
