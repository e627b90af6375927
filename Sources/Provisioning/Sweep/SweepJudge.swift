import Jobs
import Lab
import OpenStack
import World

/// Why something of this site stays.
package enum KeepReason: String, Sendable, Hashable, CaseIterable {
    // As it should be.
    case inUse = "in-use"
    case young
    case jobInQueue = "job-in-queue"
    case nodeHasJob = "node-has-job"
    // Goes by itself, sooner or later.
    case nodeLocked = "node-locked"
    case seenOnce = "seen-once"
    case changed
    // A person has to look.
    case jobBuried = "job-buried"
    case extraServer = "extra-server"
    case spareVolume = "spare-volume"
    case describedByPaddles = "described-by-paddles"
    case nodeUnknown = "node-unknown"
    case attachedElsewhere = "attached-elsewhere"
    case contradictory
    case unreadable

    package var needsPerson: Bool {
        switch self {
        case .inUse, .young, .jobInQueue, .nodeHasJob, .nodeLocked, .seenOnce, .changed: false
        case .jobBuried, .extraServer, .spareVolume, .describedByPaddles, .nodeUnknown, .attachedElsewhere,
            .contradictory, .unreadable:
            true
        }
    }
}

/// What is to become of one job's remains, and why.
package struct SweepVerdict: Sendable, Hashable {
    package enum Decision: Sendable, Hashable {
        case condemned
        case kept(KeepReason)
    }

    package var remains: Remains
    package var decision: Decision
    /// In a sentence.
    package var why: String
    /// What an operator can do; empty: nothing.
    package var next: String

    package var isCondemned: Bool { decision == .condemned }
}

/// Judges what jobs left behind. A pure value: facts in, verdicts out.
///
/// Something goes only if all of this is true: it carries this site's mark, whole; it is older than an hour (a day if no
/// queue ever knew its job); two looks, a while apart, found it and came to the same end; no job of its key is in the
/// queue, buried or not, and no other job of its node that could still do something; paddles knows the node and says that
/// it is free, or locked for somebody else, or locked by this very job, which nobody will ever finish; paddles does not
/// describe one of its servers; its volumes hang on nothing that stays. Whatever cannot be told counts as a reason to keep.
package struct SweepJudge: Sendable {
    package let site: String
    package let domain: String
    package var minimumAge = Duration.seconds(3_600)
    /// `cirrata run` builds without a queue, so that nobody can say whether it still does.
    package var minimumAgeWithoutJob = Duration.seconds(86_400)

    package init(site: String, domain: String) {
        self.site = site
        self.domain = domain
    }

    /// The most that one sweep takes away, in jobs' remains: five, or a tenth of all where that is more. A small lab can
    /// get rid of what one crash left, a large one keeps up with its losses; and when most of a site suddenly looks
    /// abandoned, then what it is judged by is wrong. Remains are counted, not servers and volumes: what belongs to one
    /// node is one thing, whatever it consists of.
    package static func most(of total: Int) -> Int { max(5, total / 10) }

    /// Remains that have to be looked for in the queue: everything else is clear without it.
    package func suspects(in sighting: Sighting) -> [Remains] {
        let found = SiteRemains(in: sighting, site: site, domain: domain)
        return found.all.filter { verdict(on: $0, SweepLook(sighting, queue: nil)) == nil }
    }

    /// What both looks agree on.
    /// - Throws: `SweepRefusal` when they are no base for a judgement.
    package func verdicts(first: SweepLook, second: SweepLook) throws(SweepRefusal) -> [SweepVerdict] {
        guard first.sighting.project == second.sighting.project else {
            throw SweepRefusal(
                provider: second.sighting.provider, cause: "project-changed",
                message:
                    "the login led to project \(first.sighting.project), and a moment later to \(second.sighting.project)",
                next: "see what answers at the identity service")
        }
        try first.sighting.check(site: site)
        try second.sighting.check(site: site)
        let before = Dictionary(
            SiteRemains(in: first.sighting, site: site, domain: domain).all.map { ($0.id, $0) },
            uniquingKeysWith: { a, _ in a })
        let now = SiteRemains(in: second.sighting, site: site, domain: domain)
        let judged = now.all.map { remains in
            let verdict = known(remains, second)
            guard verdict.isCondemned else { return verdict }
            guard let earlier = before[remains.id], remains.itemIDs.isSubset(of: earlier.itemIDs) else {
                return Self.keep(remains, .seenOnce, "not all of it was there at the first look")
            }
            let firstVerdict = known(earlier, first)
            guard firstVerdict.isCondemned else {
                return Self.keep(remains, .changed, "at the first look: \(firstVerdict.why)")
            }
            return verdict
        }
        let unread = now.unreadable.map { remains in
            Self.keep(
                remains, .unreadable, "its mark cannot be read: a newer release wrote it, or somebody changed it",
                next: "remove it by hand if nobody needs it")
        }
        return judged + unread
    }

    /// Judges again just before something is done.
    /// - Parameter look: with what is true now; only this node's record has to be in it.
    package func again(_ remains: Remains, _ look: SweepLook) -> SweepVerdict { known(remains, look) }

    private func known(_ remains: Remains, _ look: SweepLook) -> SweepVerdict {
        verdict(on: remains, look)
            ?? Self.keep(remains, .changed, "nobody asked the queue about it", next: "")
    }
}

// MARK: - One look

extension SweepJudge {
    /// - Returns: nil when only the queue could tell, and it was not asked.
    private func verdict(on remains: Remains, _ look: SweepLook) -> SweepVerdict? {
        let sighting = look.sighting
        guard let record = self.record(of: remains, sighting) else {
            return Self.keep(
                remains, .nodeUnknown,
                "paddles has no node \(remains.node) of type \(remains.id.provider)",
                next: "add the node to paddles or correct its machine_type; or remove this by hand")
        }
        if let verdict = inUse(remains, record) { return verdict }
        if let why = youth(of: remains, sighting.now) { return Self.keep(remains, .young, why) }
        guard let queue = look.queue else { return nil }
        if let verdict = inQueue(remains, queue) { return verdict }
        if let verdict = claimed(remains, record) { return verdict }
        if let verdict = attached(remains, sighting) { return verdict }
        return SweepVerdict(
            remains: remains, decision: .condemned, why: "its job is gone, and \(Self.state(of: record, remains))",
            next: "")
    }

    private func record(of remains: Remains, _ sighting: Sighting) -> NodeRecord? {
        let name = domain.isEmpty ? remains.node : "\(remains.node).\(domain)"
        return sighting.nodes.first { $0.name == name && $0.isVM && $0.machineType == remains.id.provider }
    }

    /// Paddles describes one of its servers: then it stays, whatever else may be true.
    private func inUse(_ remains: Remains, _ record: NodeRecord) -> SweepVerdict? {
        guard let mac = record.macAddress, let server = remains.servers.first(where: { $0.hasMAC(mac) }) else {
            return nil
        }
        guard isClaim(record, of: remains) else {
            return Self.keep(
                remains, .describedByPaddles,
                "\(Self.state(of: record, remains)), but paddles still describes its server \(server.id)",
                next: "lock the node for yourself and enqueue a destroy for it")
        }
        if remains.servers.count > 1 {
            let others = remains.servers.filter { $0.id != server.id }.map(\.id).joined(separator: ", ")
            return Self.keep(
                remains, .extraServer, "\(server.id) is in use, \(others) is not",
                next: "remove the other by hand, or with the node's destroy")
        }
        let spare = remains.volumes.filter { volume in !volume.attachments.contains { $0.serverID == server.id } }
        if !spare.isEmpty {
            return Self.keep(
                remains, .spareVolume,
                "server \(server.id) is in use, volume \(spare.map(\.id).joined(separator: ", ")) is not attached to it",
                next: "remove the volume by hand, or with the node's destroy")
        }
        return Self.keep(remains, .inUse, "the node is locked for it, and paddles describes its server")
    }

    private func youth(of remains: Remains, _ now: Timestamp) -> String? {
        let isOfAQueue = !remains.jobIDs.isEmpty || remains.itemIDs.isEmpty
        let limit = isOfAQueue ? minimumAge : minimumAgeWithoutJob
        var births = remains.servers.map(\.created) + remains.volumes.map(\.created)
        if let lock = remains.ownLock { births.append(lock.lockedSince) }
        for birth in births {
            guard let birth else { return "its age is not known" }
            if now - birth < limit {
                return isOfAQueue
                    ? "younger than \(limit.short)"
                    : "built without a queue, and younger than \(limit.short)"
            }
        }
        return nil
    }

    private func inQueue(_ remains: Remains, _ queue: QueueFacts) -> SweepVerdict? {
        if let job = queue.job(ofKey: remains.key, jobIDs: remains.jobIDs) {
            return job.isBuried
                ? Self.keep(
                    remains, .jobBuried, "its job \(job.jobID) is buried",
                    next: "see `cirrata failed show \(job.jobID)`: kick the job, or delete it and this goes, too")
                : Self.keep(remains, .jobInQueue, "its job \(job.jobID) is in the queue")
        }
        if let job = queue.openJob(ofNode: remains.node) {
            return Self.keep(remains, .nodeHasJob, "job \(job.jobID) of the same node is in the queue")
        }
        return nil
    }

    /// Whoever has the node still counts on it.
    private func claimed(_ remains: Remains, _ record: NodeRecord) -> SweepVerdict? {
        if remains.owners.count > 1 || remains.locks.count > 1 {
            return Self.keep(
                remains, .contradictory, "its marks name different owners", next: "remove it by hand if nobody needs it"
            )
        }
        // Its own lock says that it was never finished, and there is no job left that could.
        if isOwnLock(record, of: remains) || !isClaim(record, of: remains) { return nil }
        return Self.keep(
            remains, .nodeLocked,
            "its job is gone without having finished it, but the node is locked for \(record.lockedBy ?? "nobody")",
            next: "goes once the node is unlocked; or enqueue the job again")
    }

    private func attached(_ remains: Remains, _ sighting: Sighting) -> SweepVerdict? {
        let own = Set(remains.servers.map(\.id))
        let existing = Set(sighting.servers.map(\.id))
        for volume in remains.volumes {
            let other = volume.attachments.first { !own.contains($0.serverID) && existing.contains($0.serverID) }
            if let other {
                return Self.keep(
                    remains, .attachedElsewhere,
                    "its volume \(volume.id) is attached to server \(other.serverID), which is not this job's",
                    next: "see whose server that is; detach the volume")
            }
        }
        return nil
    }

    private func isOwnLock(_ record: NodeRecord, of remains: Remains) -> Bool {
        record.locked && record.description == Job.ownLock(key: remains.key)
    }

    /// Whether the node is locked for those for whom this was built. An owner that its mark does not name may be anybody.
    private func isClaim(_ record: NodeRecord, of remains: Remains) -> Bool {
        guard record.locked else { return false }
        if isOwnLock(record, of: remains) { return true }
        guard let by = record.lockedBy else { return true }
        let isOwner = remains.owners.contains { $0.isEmpty || Ownership.matches($0, by) }
        let isLock = remains.locks.contains { $0.isEmpty || Ownership.matches($0, record.description ?? "") }
        return isOwner && isLock
    }

    private static func state(of record: NodeRecord, _ remains: Remains) -> String {
        guard record.locked else { return "the node is free" }
        if record.description == Job.ownLock(key: remains.key) { return "the node's lock is its own" }
        let text = record.description ?? ""
        return "the node is locked for \(record.lockedBy ?? "nobody")\(text.isEmpty ? "" : " (\(text))")"
    }

    private static func keep(
        _ remains: Remains, _ reason: KeepReason, _ why: String, next: String = ""
    ) -> SweepVerdict {
        SweepVerdict(remains: remains, decision: .kept(reason), why: why, next: next)
    }
}
