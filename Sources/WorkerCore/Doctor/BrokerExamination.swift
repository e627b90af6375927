import Beanstalk
import Configuration
import Jobs
import Provisioning
import World

/// The broker as a worker of this site needs it. Only looks.
struct BrokerExamination: Sendable {
    let broker: Broker
    let configuration: SiteConfiguration
    let world: World

    private var examination: Examination { Examination("broker", time: world.time) }

    /// What everything else about the broker needs, or nil when it does not answer.
    private struct Facts: Sendable {
        var statistics: ServerStatistics
        /// On this host, so that what the kernel says about it can be read.
        var isLocal: Bool
        var openFiles: Int?
    }

    func findings() async throws -> [Finding] {
        let facts = Locked<Facts?>(nil)
        let answer = try await examination.ask("answers") {
            do {
                let found = try await look()
                facts.withLock { $0 = found }
                return reachable(found.statistics)
            } catch let error as BrokerError {
                return examination.finding(.failed, "answers", error.summary, remedy: error.next)
            }
        }
        guard let facts = facts.withLock({ $0 }) else { return [answer] }
        return [answer]
            + (try await examination.ask([
                .init("binlog") { binlog(facts.statistics) }, .init("puts") { puts(facts.statistics) },
                .init("job size") { jobSize(facts.statistics) }, .init("connections") { connections(facts) },
                .init("queue") { try await queue() }, .init("sweep") { try await sweep() },
                .init("keep-alive") { try await keepAlive(facts) },
            ]))
    }

    private func look() async throws -> Facts {
        let statistics = try await broker.connect { try await $0.statistics() }
        let isLocal = try await isLocal(statistics)
        let files = isLocal ? try await openFiles(statistics.process) : nil
        return Facts(statistics: statistics, isLocal: isLocal, openFiles: files)
    }

    // MARK: What the broker says

    private func reachable(_ statistics: ServerStatistics) -> Finding {
        let text = "beanstalkd \(statistics.version) at \(broker.endpoint), up \(statistics.uptime.short)"
        let parts = statistics.version.split(separator: ".").prefix(2).compactMap { Int($0) }
        if parts.count == 2, (parts[0], parts[1]) < (1, 12) {
            return examination.finding(
                .warning, "answers", "\(text): older than what Cirrata is tested with",
                remedy: "use beanstalkd 1.12 or later")
        }
        return examination.finding(.ok, "answers", text)
    }

    private func binlog(_ statistics: ServerStatistics) -> Finding {
        guard statistics.binlog.isActive else {
            return examination.finding(
                .warning, "binlog", "runs without -b: every job is lost when it or its host stops",
                remedy: "start beanstalkd with -b FOLDER (Debian: BEANSTALKD_EXTRA in /etc/default/beanstalkd)")
        }
        return examination.finding(
            .ok, "binlog", "-b is on, \(statistics.binlog.recordsWritten.counted("record")) written")
    }

    private func puts(_ statistics: ServerStatistics) -> Finding {
        guard statistics.isDraining else { return examination.finding(.ok, "puts", "takes new jobs") }
        return examination.finding(
            .failed, "puts", "drain mode: it takes no new job, report or reply",
            remedy: "restart beanstalkd: nothing else ends drain mode")
    }

    /// Enough for a report, and for the test jobs that teuthology puts.
    private func jobSize(_ statistics: ServerStatistics) -> Finding {
        let size = statistics.maximumJobSize
        let report = configuration.reports.maximumBytes
        if size < report {
            return examination.finding(
                .failed, "job size", "takes jobs of up to \(size) bytes; reports have up to \(report)",
                remedy: "start beanstalkd with -z 65535 or more")
        }
        if size < 65_535 {
            return examination.finding(
                .warning, "job size", "takes jobs of up to \(size) bytes, less than usual",
                remedy: "start beanstalkd with -z 65535: bodies of test runs are large")
        }
        return examination.finding(.ok, "job size", "up to \(size) bytes")
    }

    /// At its limit of open files beanstalkd spins and accepts nobody (facts/beanstalkd.md I6). Each running job has a
    /// connection of its own.
    private func connections(_ facts: Facts) -> Finding {
        let open = facts.statistics.connections
        let worker = configuration.slots + configuration.waitingConnections + Self.sideConnections
        let limit = facts.openFiles ?? Self.usualOpenFiles
        let source =
            facts.openFiles == nil ? "its limit is not to be seen from here; Debian's is \(limit)" : "of \(limit)"
        let text = "\(open) open, \(source); a worker with these settings takes up to \(worker)"
        guard open + worker + Self.spareFiles > limit else { return examination.finding(.ok, "connections", text) }
        return examination.finding(
            .warning, "connections", "\(text): there may be no room for another worker",
            remedy: "set LimitNOFILE of beanstalkd's unit to 16384")
    }

    // MARK: The token of the sweeps

    /// Nobody sweeps before somebody can take the token.
    private func sweep() async throws -> Finding {
        guard configuration.sweep.isEnabled else {
            return examination.finding(.ok, "sweep", "workers of this configuration do not sweep (sweep.enabled)")
        }
        let tube = try TubeName(configuration.tubes.sweep)
        return try await broker.connect(Tubes(use: tube)) { connection in
            guard let found = try await connection.statistics(of: tube), found.jobs.all > 0 else {
                return examination.finding(.ok, "sweep", "no token yet: the first worker puts one")
            }
            let longest = configuration.sweep.interval * 2
            if found.pauseLeft > longest {
                return examination.finding(
                    .warning, "sweep", "\(tube) is paused for \(found.pauseLeft.short): nobody sweeps",
                    remedy: "send the broker: pause-tube \(tube) 0")
            }
            guard found.jobs.ready + found.jobs.reserved == 0, let first = try await connection.peek(.delayed),
                let token = try await connection.statistics(of: first.id)
            else { return examination.finding(.ok, "sweep", "a worker sweeps, or is about to") }
            let text = "the next one is due in \(max(.zero, token.timeLeft).short)"
            guard token.timeLeft > longest else { return examination.finding(.ok, "sweep", text) }
            return examination.finding(
                .warning, "sweep", "\(text), and every \(configuration.sweep.interval.short) is configured",
                remedy: "start a worker: it puts that right within a minute")
        }
    }

    /// For signs of life, for the sweep token, and for a sweep.
    private static let sideConnections = 3
    private static let usualOpenFiles = 1_024
    /// For binlog files, standard streams, and people who look.
    private static let spareFiles = 24

    /// Whether ready jobs are taken.
    private func queue() async throws -> Finding {
        let view = try await QueueReader(broker: broker, tubes: configuration.tubes, world: world).view()
        let now = world.time.wallClock
        var texts: [String] = []
        var remedies: [String] = []
        for tube in view.tubes {
            for hindrance in tube.hindrances {
                texts.append("\(tube.statistics.name): \(hindrance.text(now: now))")
                let remedy = hindrance.remedy(provider: tube.provider ?? "")
                if !remedies.contains(remedy) { remedies.append(remedy) }
            }
        }
        guard !texts.isEmpty else { return examination.finding(.ok, "queue", "no tube is paused, no provider rests") }
        return examination.finding(
            .warning, "queue", texts.joined(separator: "; "), remedy: remedies.joined(separator: "; "))
    }

    // MARK: What its host says

    /// A worker whose host loses power is noticed only by keep-alive (facts/beanstalkd.md I7).
    private func keepAlive(_ facts: Facts) async throws -> Finding {
        let remedy =
            "on the broker's host: sysctl -w net.ipv4.tcp_keepalive_time=60 net.ipv4.tcp_keepalive_intvl=10 "
            + "net.ipv4.tcp_keepalive_probes=3, and the same in /etc/sysctl.d"
        if case .unix = broker.endpoint {
            return examination.finding(.ok, "keep-alive", "not needed: it is reached by a socket of this host")
        }
        guard facts.isLocal else {
            return examination.finding(
                .skipped, "keep-alive", "runs on another host, \(facts.statistics.hostname): look there", remedy: remedy
            )
        }
        guard let time = try await kernelNumber("tcp_keepalive_time"),
            let interval = try await kernelNumber("tcp_keepalive_intvl"),
            let probes = try await kernelNumber("tcp_keepalive_probes")
        else {
            return examination.finding(
                .skipped, "keep-alive", "this host does not show its settings", remedy: remedy)
        }
        let noticed = Duration.seconds(time + interval * probes)
        let text = "a vanished worker is noticed after \(noticed.short)"
        guard noticed > Self.longestSilence else { return examination.finding(.ok, "keep-alive", text) }
        return examination.finding(
            .warning, "keep-alive", "\(text); its jobs stay reserved so long if their TTR is longer", remedy: remedy)
    }

    private static let longestSilence = Duration.seconds(300)

    private func kernelNumber(_ name: String) async throws -> Int? {
        try await text("/proc/sys/net/ipv4/\(name)").flatMap { text in
            text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
        }
    }

    /// Whether its process is one of this host: the port may lead elsewhere, so the process itself is looked at.
    private func isLocal(_ statistics: ServerStatistics) async throws -> Bool {
        try await text("/proc/\(statistics.process)/comm")?.hasPrefix("beanstalkd") ?? false
    }

    /// The soft limit; nil when it is not for us to see.
    private func openFiles(_ process: Int) async throws -> Int? {
        let lines = try await text("/proc/\(process)/limits")?.split(separator: "\n") ?? []
        guard let line = lines.first(where: { $0.hasPrefix("Max open files") }) else { return nil }
        return line.split(whereSeparator: \.isWhitespace).dropFirst(3).first.flatMap { Int($0) }
    }

    private func text(_ path: String) async throws -> String? {
        do {
            return String(decoding: try await world.files.read(path, limit: 1 << 16), as: UTF8.self)
        } catch is FileFailure {
            return nil
        }
    }
}
