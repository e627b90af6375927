import Jobs
import Lab
import Testing
import World

@testable import OpenStack
@testable import Provisioning

/// A leftover that every rule lets go: a server with a volume, of a job that is gone, whose node is free. Each test
/// changes one thing, which must keep it.
@Suite struct SweepJudgeTests {
    private static let judge = SweepJudge(site: "lab", domain: "lab.test")
    private static let now = jobPut + .seconds(7_200)
    private static let mac = "fa:16:3e:00:00:01"

    private var mark: Ownership {
        var mark = Ownership.of("k")
        mark.jobID = 7
        mark.lock = "run/1"
        return mark
    }

    private var server: Server { .of("s1", mark, mac: Self.mac) }

    private func volume(_ change: (inout Volume) -> Void = { _ in }) -> Volume {
        var volume = Volume.of("v1", mark, attachedTo: ["s1"])
        volume.created = jobPut + .seconds(20)
        change(&volume)
        return volume
    }

    private func node(_ name: String = "ovh001", _ change: (inout NodeRecord) -> Void = { _ in }) -> NodeRecord {
        var node = NodeRecord(name: "\(name).lab.test", up: true, machineType: "ovh", isVM: true)
        change(&node)
        return node
    }

    private func locked(_ owner: String, _ description: String) -> NodeRecord {
        node { node in
            node.locked = true
            node.lockedBy = owner
            node.description = description
            node.lockedSince = jobPut
        }
    }

    private func look(
        servers: [Server]? = nil, volumes: [Volume]? = nil, nodes: [NodeRecord]? = nil, queue: [QueueFacts.Entry]? = [],
        now: Timestamp = SweepJudgeTests.now, project: String = "p"
    ) -> SweepLook {
        SweepLook(
            Sighting(
                provider: "ovh", project: project, servers: servers ?? [server], volumes: volumes ?? [volume()],
                nodes: nodes ?? [node()], now: now), queue: queue.map(QueueFacts.init))
    }

    /// What the judge says of the only remains, both looks being equal.
    private func verdict(_ look: SweepLook) throws -> SweepVerdict.Decision {
        let verdicts = try Self.judge.verdicts(first: look, second: look)
        try #require(verdicts.count == 1)
        return verdicts[0].decision
    }

    @Test func whatNobodyOwnsGoes() throws {
        let verdicts = try Self.judge.verdicts(first: look(), second: look())
        #expect(verdicts.map(\.decision) == [.condemned])
        #expect(verdicts[0].remains.itemIDs == ["s1", "v1"])
        #expect(verdicts[0].remains.jobIDs == [7])
        #expect(verdicts[0].why == "its job is gone, and the node is free")
    }

    // MARK: Whose

    @Test func anotherSitesIsNotSeen() throws {
        let theirs = Server.of("s2", .of("k2", site: "other"))
        #expect(
            try Self.judge.verdicts(
                first: look(servers: [theirs], volumes: []), second: look(servers: [theirs], volumes: [])
            ).isEmpty)
    }

    @Test func theUnmarkedIsNotSeen() throws {
        let bare = look(servers: [.of("s2", name: "ovh001")], volumes: [.of("v2", name: "ovh001_0")])
        #expect(try Self.judge.verdicts(first: bare, second: bare).isEmpty)
    }

    /// Of a newer release, or mutilated: ours, but nobody knows what it means.
    @Test(arguments: ["cirrata_v", "cirrata_put", "cirrata_key", "cirrata_node"])
    func aMarkThatCannotBeRead(_ member: String) throws {
        var server = server
        server.metadata[member] = member == "cirrata_v" ? "2" : nil
        #expect(try verdict(look(servers: [server], volumes: [])) == .kept(.unreadable))
    }

    // MARK: Age

    @Test func theYoung() throws {
        var server = server
        server.created = Self.now - .seconds(3_599)
        #expect(try verdict(look(servers: [server])) == .kept(.young))
        server.created = Self.now - .seconds(3_600)
        #expect(try verdict(look(servers: [server])) == .condemned)
    }

    @Test func aYoungVolumeKeepsItsServer() throws {
        #expect(try verdict(look(volumes: [volume { $0.created = Self.now - .seconds(60) }])) == .kept(.young))
    }

    @Test func anAgeThatIsNotKnown() throws {
        var server = server
        server.created = nil
        #expect(try verdict(look(servers: [server])) == .kept(.young))
    }

    /// `cirrata run` has no job in any queue.
    @Test func whatNoQueueKnewIsKeptForADay() throws {
        var mark = mark
        mark.jobID = 0
        let server = Server.of("s1", mark)
        #expect(try verdict(look(servers: [server], volumes: [])) == .kept(.young))
        let tomorrow = jobPut + .seconds(90_000)
        #expect(try verdict(look(servers: [server], volumes: [], now: tomorrow)) == .condemned)
    }

    // MARK: Queue

    @Test func itsJobIsInTheQueue() throws {
        // Put again after the broker lost it: the same key under another number.
        let job = QueueFacts.Entry(jobID: 99, key: "k", node: "ovh001", isBuried: false)
        #expect(try verdict(look(queue: [job])) == .kept(.jobInQueue))
    }

    @Test func itsJobIsBuried() throws {
        let job = QueueFacts.Entry(jobID: 7, key: "k", node: "ovh001", isBuried: true)
        #expect(try verdict(look(queue: [job])) == .kept(.jobBuried))
    }

    @Test func aBodyThatDoesNotTellCountsForItsNumber() throws {
        let job = QueueFacts.Entry(jobID: 7, key: "", node: "", isBuried: false)
        #expect(try verdict(look(queue: [job])) == .kept(.jobInQueue))
        let other = QueueFacts.Entry(jobID: 8, key: "", node: "", isBuried: false)
        #expect(try verdict(look(queue: [other])) == .condemned)
    }

    /// Ids are used again (facts/beanstalkd.md D5).
    @Test func anotherJobWithItsNumber() throws {
        let job = QueueFacts.Entry(jobID: 7, key: "another", node: "ovh009", isBuried: false)
        #expect(try verdict(look(queue: [job])) == .condemned)
    }

    @Test func anotherJobOfItsNode() throws {
        let open = QueueFacts.Entry(jobID: 9, key: "k2", node: "ovh001", isBuried: false)
        #expect(try verdict(look(queue: [open])) == .kept(.nodeHasJob))
        let buried = QueueFacts.Entry(jobID: 9, key: "k2", node: "ovh001", isBuried: true)
        #expect(try verdict(look(queue: [buried])) == .condemned)
    }

    @Test func nobodyAskedTheQueue() throws {
        #expect(try verdict(look(queue: nil)) == .kept(.changed))
        #expect(Self.judge.suspects(in: look().sighting).map(\.key) == ["k"])
        // What is clear without the queue is no reason to count its jobs.
        var young = server
        young.created = Self.now
        #expect(Self.judge.suspects(in: look(servers: [young]).sighting).isEmpty)
    }

    // MARK: Paddles

    @Test func paddlesDoesNotKnowTheNode() throws {
        #expect(try verdict(look(nodes: [node("ovh002")])) == .kept(.nodeUnknown))
        #expect(try verdict(look(nodes: [node { $0.isVM = false }])) == .kept(.nodeUnknown))
        #expect(try verdict(look(nodes: [node { $0.machineType = "smithi" }])) == .kept(.nodeUnknown))
    }

    @Test func theNodeIsLockedForIt() throws {
        #expect(try verdict(look(nodes: [locked("me", "run/1")])) == .kept(.nodeLocked))
    }

    @Test(arguments: [("you", "run/1"), ("me", "run/2")])
    func theNodeIsLockedForSomebodyElse(owner: String, description: String) throws {
        #expect(try verdict(look(nodes: [locked(owner, description)])) == .condemned)
    }

    /// A mark without an owner or lock is compared with nothing.
    @Test func anOwnerThatTheMarkDoesNotName() throws {
        var mark = mark
        mark.owner = ""
        mark.lock = ""
        let server = Server.of("s1", mark)
        #expect(
            try verdict(look(servers: [server], volumes: [], nodes: [locked("you", "run/2")])) == .kept(.nodeLocked))
    }

    @Test func paddlesDescribesItsServer() throws {
        let free = node { $0.macAddress = Self.mac.uppercased() }
        #expect(try verdict(look(nodes: [free])) == .kept(.describedByPaddles))
        var taken = locked("you", "run/2")
        taken.macAddress = Self.mac
        #expect(try verdict(look(nodes: [taken])) == .kept(.describedByPaddles))
        // Another server's MAC protects nothing.
        #expect(try verdict(look(nodes: [node { $0.macAddress = "fa:16:3e:00:00:02" }])) == .condemned)
    }

    @Test func inUse() throws {
        var record = locked("me", "run/1")
        record.macAddress = Self.mac
        #expect(try verdict(look(nodes: [record])) == .kept(.inUse))
        #expect(try verdict(look(nodes: [record], queue: nil)) == .kept(.inUse))
        let second = Server.of("s2", mark)
        #expect(try verdict(look(servers: [server, second], nodes: [record])) == .kept(.extraServer))
        let spare = volume { volume in
            volume.attachments = []
            volume.status = .available
        }
        #expect(try verdict(look(volumes: [spare], nodes: [record])) == .kept(.spareVolume))
    }

    /// The lock that the job took itself, and never finished under: nobody ever will.
    @Test func itsOwnLock() throws {
        #expect(try verdict(look(nodes: [locked("me", "cirrata:k")])) == .condemned)
        let job = QueueFacts.Entry(jobID: 9, key: "k", node: "", isBuried: false)
        #expect(try verdict(look(nodes: [locked("me", "cirrata:k")], queue: [job])) == .kept(.jobInQueue))
        var young = locked("me", "cirrata:k")
        young.lockedSince = Self.now
        #expect(try verdict(look(nodes: [young])) == .kept(.young))
        // The lock of another job is no claim of this one's, and no lock of nobody's either.
        let other = try Self.judge.verdicts(
            first: look(nodes: [locked("me", "cirrata:k2")]), second: look(nodes: [locked("me", "cirrata:k2")]))
        #expect(other.map(\.remains.key) == ["k", "k2"])
    }

    @Test func aLockWithoutAnythingElse() throws {
        let look = look(servers: [], volumes: [], nodes: [locked("me", "cirrata:k")])
        let verdicts = try Self.judge.verdicts(first: look, second: look)
        #expect(verdicts.map(\.decision) == [.condemned])
        #expect(verdicts[0].remains.isLock && verdicts[0].remains.itemIDs.isEmpty)
        // Locks that say anything else are somebody's.
        for description in ["run/1", "cirrata:", "provisioned by cirrata:k", "cirrata"] {
            let other = self.look(servers: [], volumes: [], nodes: [locked("me", description)])
            #expect(try Self.judge.verdicts(first: other, second: other).isEmpty, "\(description)")
        }
    }

    /// Two sites that share a paddles: what the other one builds tells whose the lock is.
    @Test(arguments: ["k", "k2"]) func theLockOfAnotherSite(_ key: String) throws {
        let theirs = Server.of("s2", .of("k", site: "other"))
        let look = look(servers: [theirs], volumes: [], nodes: [locked("me", "cirrata:\(key)")])
        #expect(try Self.judge.verdicts(first: look, second: look).isEmpty)
    }

    // MARK: Volumes

    @Test func aVolumeThatIsAttachedElsewhere() throws {
        let other = Server.of("s9", name: "stranger")
        let volume = volume { $0.attachments = [.init(serverID: "s9")] }
        #expect(try verdict(look(servers: [server, other], volumes: [volume])) == .kept(.attachedElsewhere))
        // To a server that is no more: a stale attachment, as removal knows it.
        #expect(try verdict(look(servers: [server], volumes: [volume])) == .condemned)
    }

    @Test func aVolumeAlone() throws {
        let spare = volume { volume in
            volume.attachments = []
            volume.status = .available
        }
        let other = Server.of("s9", name: "stranger")
        #expect(try verdict(look(servers: [other], volumes: [spare])) == .condemned)
    }

    @Test func marksThatContradictEachOther() throws {
        var other = mark
        other.owner = "you"
        let verdict = try verdict(look(servers: [server, .of("s2", other)]))
        #expect(verdict == .kept(.contradictory))
    }

    // MARK: Two looks

    @Test func whatWasNotThereAtFirst() throws {
        let nothing = look(servers: [.of("s9", name: "stranger")], volumes: [])
        #expect(try Self.judge.verdicts(first: nothing, second: look()).map(\.decision) == [.kept(.seenOnce)])
        let without = look(volumes: [])
        let one = look(servers: [server, .of("s2", mark)], volumes: [])
        #expect(try Self.judge.verdicts(first: without, second: one).map(\.decision) == [.kept(.seenOnce)])
        // Less than before is fine: somebody is removing it.
        #expect(try Self.judge.verdicts(first: one, second: without).map(\.decision) == [.condemned])
    }

    @Test func whatWasKeptAtFirst() throws {
        let before = look(nodes: [locked("me", "run/1")])
        #expect(try Self.judge.verdicts(first: before, second: look()).map(\.decision) == [.kept(.changed)])
        #expect(try Self.judge.verdicts(first: look(), second: before).map(\.decision) == [.kept(.nodeLocked)])
    }

    @Test func anotherProject() throws {
        let error = #expect(throws: SweepRefusal.self) {
            try Self.judge.verdicts(first: look(project: "p"), second: look(project: "q"))
        }
        #expect(error?.cause == "project-changed")
    }

    // MARK: Lists that contradict each other (facts/openstack.md section 3, 21)

    @Test func suspiciousLists() throws {
        let described = node("ovh002") { $0.macAddress = "fa:16:3e:00:00:09" }
        var holding = server
        holding.volumeIDs = ["v1"]
        let looks = [
            "no nodes": look(nodes: []), "no servers": look(servers: [], nodes: [node(), described]),
            "attached to nothing": look(servers: []), "no volumes": look(servers: [holding], volumes: []),
        ]
        for (name, bad) in looks.sorted(by: { $0.key < $1.key }) {
            for (first, second) in [(bad, look()), (look(), bad)] {
                let error = #expect(throws: SweepRefusal.self, "\(name)") {
                    try Self.judge.verdicts(first: first, second: second)
                }
                #expect(error?.cause == "lists-disagree", "\(name)")
            }
        }
    }

    /// An idle lab at night is no suspicion.
    @Test func anEmptySite() throws {
        let empty = look(servers: [], volumes: [])
        #expect(try Self.judge.verdicts(first: empty, second: empty).isEmpty)
    }

    // MARK: How many

    @Test(arguments: [(0, 5), (1, 5), (50, 5), (59, 5), (60, 6), (1_000, 100)])
    func theMostThatGo(total: Int, most: Int) {
        #expect(SweepJudge.most(of: total) == most)
    }
}
