import Configuration
import Jobs
import Pipelines
import Sandbox
import Simulation
import World

/// Holds a lab at rest against the invariants, from the outside: by what the cloud, paddles, DNS and the broker say.
struct Judge: Sendable {
    /// How a job ended: the last that was heard of it.
    private struct Ending {
        var job: Producer.Job
        var outcome: String
        /// What its report says is left.
        var left: [String] = []
    }

    private let bench: Bench
    private let scenery: Scenery
    private let producer: Producer
    private let watch: Watch
    private let interfered: Bool
    private let agesLie: Bool
    private let hidesLosses: Bool
    private let cloud: CloudSnapshot
    private let record: PaddlesNode?
    private let addresses: [String]

    init(_ bench: Bench, _ scenery: Scenery, _ producer: Producer, _ watch: Watch, _ stagehand: Stagehand) {
        self.bench = bench
        self.scenery = scenery
        self.producer = producer
        self.watch = watch
        interfered = stagehand.interfered
        agesLie = stagehand.agesLie
        hidesLosses = stagehand.hidesLosses
        let now = bench.simulation.world.time.wallClock
        let name = "\(Scenery.node).\(Bench.domain)"
        (cloud, record, addresses) = bench.sandbox.withState { state in
            (state.cloud.snapshot(at: now), state.paddles.node(name), state.nsupdate.zone.addresses(of: name))
        }
    }

    private var servers: [CloudSnapshot.Server] {
        cloud.servers.filter { $0.name == Scenery.node && $0.metadata["cirrata_site"] == Bench.site }
    }

    private var volumes: [CloudSnapshot.Volume] {
        cloud.volumes.filter { volume in
            volume.metadata["cirrata_site"] == Bench.site && volume.metadata["cirrata_node"] == Scenery.node
        }
    }

    /// - Returns: all that is wrong, and how each job ended.
    func judge() -> (violations: [String], outcomes: [String]) {
        var wrong = watch.violations
        let endings = endings(&wrong)
        wrong += stories(endings)
        wrong += scenery.differences(cloud)
        if !watch.hadLateRequest {
            wrong += resources(endings)
            wrong += node(endings)
            wrong += locks(endings)
        }
        wrong += secrets()
        return (wrong, endings.map(\.outcome))
    }

    // MARK: I1

    private func endings(_ wrong: inout [String]) -> [Ending] {
        let kept = bench.broker.jobs
        let reports = bench.reports
        let replies = producer.allReplies
        let burials = Set(OutcomeKind.allCases.filter(\.isBuried).map(\.rawValue))
        // A job that was put anew is the newer one.
        return producer.jobs.sorted { $0.order < $1.order }.map { job in
            let key = job.part.uuid
            let said = replies.filter { $0.key == key }.map(\.outcome)
            // A job that is gone was not buried: that was said of an equal one. Where two workers may have had one job
            // without knowing it, either may have spoken last.
            let settled = hidesLosses ? nil : said.last { !burials.contains($0) }
            var ending = Ending(job: job, outcome: settled ?? said.last ?? "")
            // A broker that forgot its jobs uses their ids again.
            let mine = kept.filter { $0.id == job.id && $0.tube == job.tube && $0.body == Array(job.body.utf8) }
            for copy in mine {
                guard copy.state == "buried" else {
                    wrong.append("I1 job \(copy.id) (\(key)) is still \(copy.state)")
                    continue
                }
                guard let report = reports.last(where: { $0.jobID == copy.id && $0.key == key }) else {
                    wrong.append("I1 job \(copy.id) (\(key)) is buried without a report")
                    continue
                }
                ending.outcome = report.outcome
                ending.left = report.left
            }
            if mine.isEmpty, ending.outcome.isEmpty {
                wrong.append("I1 job \(job.id) (\(key)) vanished without a reply")
            }
            return ending
        }
    }

    // MARK: What the workers tell of it

    private func stories(_ endings: [Ending]) -> [String] {
        var wrong = bench.events.undone.map { "I3 \($0) took away what it had built, only to be tried again" }
        // Unless nobody can know which of them is the newest.
        if let newest = endings.last?.job.part.uuid, !producer.hasReordered, !agesLie, !hidesLosses,
            bench.events.superseded.contains(newest)
        {
            wrong.append("I7 \(newest) is the newest job of its node, and gave way to an older one")
        }
        return wrong
    }

    // MARK: I2, I3, I4

    /// Every server and volume belongs to a provision that ended well, or stands in a report.
    private func resources(_ endings: [Ending]) -> [String] {
        var wrong: [String] = []
        let reported = endings.flatMap(\.left) + bench.events.left
        let good = Set(endings.filter { $0.outcome == "done" && $0.job.part.action == .provision }.map(\.job.part.uuid))
        // The older job's node stands until somebody is done with it, or has begun to.
        let allowed = good.union([Scenery.olderKey])
        // What could not even be looked up is said as a whole.
        func isReported(_ id: String) -> Bool { reported.contains { $0.contains(id) || $0.hasPrefix("whatever") } }
        let unexplained = servers.filter { !isReported($0.id) }
        if unexplained.count > 1 { wrong.append("I4 \(Scenery.node) has \(unexplained.count) servers") }
        for server in unexplained where !allowed.contains(server.metadata["cirrata_key"] ?? "") {
            wrong.append(
                "I3 server \(server.id) of \(server.metadata["cirrata_key"] ?? "?") is left (\(server.status))")
        }
        for volume in volumes where !isReported(volume.id) {
            let key = volume.metadata["cirrata_key"] ?? ""
            if !allowed.contains(key) {
                wrong.append("I3 volume \(volume.id) of \(key) is left (\(volume.status))")
            } else if interfered {
                continue
            } else if agesLie, key == Scenery.olderKey {
                // A destroy that comes back an hour older takes what it has not yet removed for newer than itself: that
                // stays until a sweep.
                continue
            } else if volume.server == nil || !servers.contains(where: { $0.id == volume.server }) {
                wrong.append("I3 volume \(volume.id) of \(key) is attached to nothing (\(volume.status))")
            }
        }
        return wrong
    }

    /// The newest job that ended well says what is to stand, unless a newer one took that away and then failed.
    private func node(_ endings: [Ending]) -> [String] {
        guard let last = endings.lastIndex(where: { $0.outcome == "done" }) else {
            return interfered ? [] : undescribed(endings)
        }
        let done = endings[last].job.part
        // A provision that was put anew may only have told that it was committed, before a job that was put anew ahead of
        // it took the node: that one is newer than what stood.
        let mayHaveBeenTaken =
            producer.hasReordered
            && endings[..<last].contains { $0.outcome != "superseded" && $0.outcome != "obsolete" }
        let mayBeGone =
            interfered || mayHaveBeenTaken || endings[(last + 1)...].contains { $0.outcome != "obsolete" }
        guard done.action == .provision else { return interfered ? [] : undescribed(endings) }
        guard let server = servers.first(where: { $0.metadata["cirrata_key"] == done.uuid }) else {
            return mayBeGone ? [] : ["I2 \(done.uuid) is done and has no server"]
        }
        if mayBeGone { return [] }
        var wrong: [String] = []
        if server.status != "ACTIVE" { wrong.append("I2 the server is \(server.status)") }
        let attached = volumes.filter { $0.status == "in-use" && $0.server == server.id }
        // A worker that cannot know that it lost the job may attach its own volumes beside those of its successor.
        if attached.count < done.volumes || attached.count > done.volumes && !hidesLosses {
            wrong.append("I2 \(attached.count) of \(done.volumes) volumes are attached")
        }
        // A job that is put anew is the newer one by its time, and cannot tell whose the name is in between.
        if !producer.hasReordered, !server.addresses.contains(where: { addresses == [$0.address] }) {
            wrong.append("I2 DNS says \(addresses), the server has \(server.addresses.map(\.address))")
        }
        if watch.hadLateUpdate { return wrong }
        if !server.addresses.contains(where: { $0.mac == record?.macAddress }) {
            wrong.append("I2 paddles has MAC \(record?.macAddress ?? "none")")
        }
        if record?.osType == nil || record?.osVersion == nil { wrong.append("I2 paddles has no os") }
        return wrong
    }

    /// Nothing of ours stands: paddles and DNS must not say otherwise.
    private func undescribed(_ endings: [Ending]) -> [String] {
        guard servers.isEmpty, endings.allSatisfy(\.left.isEmpty) else { return [] }
        // A destroy that has grown an hour older leaves everything to whom it takes for newer, and says so, even if another
        // worker that has it, too, speaks last.
        let said = endings.map(\.outcome) + producer.allReplies.map(\.outcome)
        if agesLie, said.contains("superseded") { return [] }
        var wrong: [String] = []
        if !watch.hadLateUpdate {
            // Who lost its node to another owner may remove its server after that owner's job has failed, and writes
            // nothing into a record that is not its own. The os was cleared by whoever took the node over.
            let isAnothers =
                record?.locked == true
                && endings.contains { $0.outcome == "obsolete" && $0.job.part.owner != record?.lockedBy }
            if record?.macAddress != nil, !isAnothers { wrong.append("I3 paddles still has a MAC") }
            if record?.osType != nil { wrong.append("I3 paddles still has an os") }
        }
        if !(addresses.isEmpty || addresses == [bench.configuration.dns.parkingAddress]) {
            wrong.append("I3 DNS still says \(addresses)")
        }
        return wrong
    }

    private func locks(_ endings: [Ending]) -> [String] {
        var wrong: [String] = []
        for ending in endings {
            let ownLock = "cirrata:\(ending.job.part.uuid)"
            let isLeft = ending.left.contains { $0.contains(ownLock) || $0.hasPrefix("lock") }
            if record?.locked == true, record?.description == ownLock, !isLeft {
                wrong.append("I3 the node is still locked with \(ownLock), whose job ended \(ending.outcome)")
            }
        }
        guard let part = endings.last?.job.part, !interfered else { return wrong }
        // Of two workers that have the job the one that lost it may speak last: who was done has said so, too.
        let unlocks = part.unlocks && producer.allReplies.contains { $0.outcome == "done" }
        switch part.node {
        case .locked:
            // A destroy may have done all of it and failed to say so: then the node is free and nothing of it is left.
            let isAllDone = part.unlocks && servers.isEmpty && volumes.isEmpty && record?.macAddress == nil
            if unlocks != (record?.locked != true), endings.count == 1, !isAllDone {
                wrong.append("I3 the node is \(record?.locked == true ? "locked" : "free") at the end")
            }
        case .lockedByJob, .any:
            let isDone = endings.last?.outcome == "done"
            if isDone, record?.locked != true || record?.lockedBy != part.owner {
                wrong.append("I2 the node is not locked for \(part.owner)")
            }
            let isLeft = endings.contains { !$0.left.isEmpty }
            if !isDone, !isLeft, record?.locked == true {
                wrong.append("I3 the node stays locked by \(record?.lockedBy ?? "")")
            }
        }
        return wrong
    }

    // MARK: I6

    private func secrets() -> [String] {
        let secrets = watch.tokens.sorted() + [Bench.password]
        let bodies = bench.broker.jobs.filter { job in
            job.tube == Producer.replies || job.tube == bench.configuration.tubes.reports
        }.map(\.body)
        return secrets.filter { secret in bodies.contains { Self.holds($0, secret) } }.map { secret in
            "I6 a \(secret == Bench.password ? "password" : "token") stands in a report or reply"
        }
    }

    private static func holds(_ body: [UInt8], _ secret: String) -> Bool {
        let secret = Array(secret.utf8)
        return body.indices.contains { body[$0] == secret.first && body[$0...].starts(with: secret) }
    }
}
