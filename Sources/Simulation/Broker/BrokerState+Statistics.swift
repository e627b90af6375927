import World

extension BrokerState {
    private static let counted = [
        "put", "peek", "peek-ready", "peek-delayed", "peek-buried", "reserve", "reserve-with-timeout", "delete",
        "release", "use", "watch", "ignore", "bury", "kick", "touch", "stats", "stats-job", "stats-tube",
        "list-tubes", "list-tube-used", "list-tubes-watched", "pause-tube",
    ]

    /// 1.13 quotes, 1.12 does not (facts G6).
    private func text(_ value: String) -> String { settings.version == .newer ? "\"\(value)\"" : value }

    private func whole(_ duration: Duration) -> Int64 { duration.nanoseconds / 1_000_000_000 }

    /// Cut to seconds; between two commands some time always passes, so that nothing is left whole.
    private func left(until deadline: Timestamp) -> Int64 { whole(deadline - now - .microseconds(1)) }

    private func yaml(_ lines: [(String, String)]) -> [UInt8] {
        Array(("---\n" + lines.map { "\($0): \($1)\n" }.joined()).utf8)
    }

    func list(_ names: [String]) -> [UInt8] {
        Array(("---\n" + names.map { "- \($0)\n" }.joined()).utf8)
    }

    func statistics() -> [UInt8] {
        let tubes = tubeOrder.items.compactMap { self.tubes[$0] }
        func sum(_ value: (BrokerTube) -> Int) -> String { String(tubes.reduce(0) { $0 + value($1) }) }
        let file = settings.isPersistent ? log.files.last?.number ?? 0 : 0
        let oldest = settings.isPersistent ? log.files.first?.number ?? 0 : 0
        var lines = [
            ("current-jobs-urgent", sum(\.urgent)), ("current-jobs-ready", sum(\.ready.count)),
            ("current-jobs-reserved", sum(\.reserved)), ("current-jobs-delayed", sum(\.delayed.count)),
            ("current-jobs-buried", sum(\.buried.count)),
        ]
        lines += Self.counted.map { ("cmd-\($0)", String(totals.commands[$0] ?? 0)) }
        lines += [
            ("job-timeouts", String(totals.timeouts)), ("total-jobs", String(totals.jobs)),
            ("max-job-size", String(settings.maximumJobSize)), ("current-tubes", String(tubes.count)),
            ("current-connections", String(connections.count)),
            ("current-producers", String(connections.values.count { $0.isProducer })),
            ("current-workers", String(connections.values.count { $0.isWorker })),
            ("current-waiting", String(connections.values.count { $0.isWaiting })),
            ("total-connections", String(totals.connections)), ("pid", "1"),
            ("version", "\"\(settings.version.rawValue)\""), ("rusage-utime", "0.000000"),
            ("rusage-stime", "0.000000"), ("uptime", String(whole(now - started))),
            ("binlog-oldest-index", String(oldest)), ("binlog-current-index", String(file)),
            ("binlog-records-migrated", String(settings.isPersistent ? log.migrated : 0)),
            ("binlog-records-written", String(settings.isPersistent ? log.written : 0)),
            ("binlog-max-size", "10485760"), ("draining", isDraining ? "true" : "false"), ("id", instanceText),
            ("hostname", text(settings.hostname)), ("os", text("#1 SMP simulated")), ("platform", text("x86_64")),
        ]
        return yaml(lines)
    }

    private var instanceText: String {
        let hex = String(instance, radix: 16)
        return String(repeating: "0", count: 16 - hex.utf8.count) + hex
    }

    func statistics(ofJob id: UInt64) -> [UInt8]? {
        guard let job = jobs[id] else { return nil }
        let timeLeft: Int64
        switch job.record.state {
        case .reserved, .limbo, .delayed: timeLeft = left(until: job.record.deadline)
        case .ready, .buried: timeLeft = 0
        }
        return yaml([
            ("id", String(id)), ("tube", text(job.tube)), ("state", job.record.state.name),
            ("pri", String(job.record.priority)), ("age", String(whole(now - job.created))),
            ("delay", String(job.record.delay)), ("ttr", String(job.timeToRun)), ("time-left", String(timeLeft)),
            ("file", String(job.file)), ("reserves", String(job.record.reserves)),
            ("timeouts", String(job.record.timeouts)), ("releases", String(job.record.releases)),
            ("buries", String(job.record.buries)), ("kicks", String(job.record.kicks)),
        ])
    }

    func statistics(ofTube name: String) -> [UInt8]? {
        guard let tube = tubes[name] else { return nil }
        let timeLeft = tube.pausedUntil.map { left(until: $0) } ?? 0
        return yaml([
            ("name", text(name)), ("current-jobs-urgent", String(tube.urgent)),
            ("current-jobs-ready", String(tube.ready.count)), ("current-jobs-reserved", String(tube.reserved)),
            ("current-jobs-delayed", String(tube.delayed.count)), ("current-jobs-buried", String(tube.buried.count)),
            ("total-jobs", String(tube.totalJobs)), ("current-using", String(tube.using)),
            ("current-watching", String(tube.watching)), ("current-waiting", String(tube.waiting.count)),
            ("cmd-delete", String(tube.deletes)), ("cmd-pause-tube", String(tube.pauses)),
            ("pause", String(tube.pause)), ("pause-time-left", String(timeLeft)),
        ])
    }
}
