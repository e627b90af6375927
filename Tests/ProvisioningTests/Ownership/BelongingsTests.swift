import Jobs
import OpenStack
import Testing
import World

@testable import Provisioning

@Suite struct BelongingsTests {
    private let order = JobOrder(put: jobPut, key: "k5")

    private func sorted(_ servers: [Server], _ volumes: [Volume] = []) -> Belongings {
        Belongings(
            servers: servers, volumes: volumes, site: "lab", node: "ovh001", order: order,
            requestedAt: Moment(nanoseconds: 0))
    }

    /// Which drawer the only server, and the only volume, of these marks ends up in.
    private func drawer(_ ownership: Ownership) -> [String] {
        let found = sorted([.of("s", ownership)], [.of("v", ownership)])
        let drawers = [
            ("own", found.own), ("older", found.older), ("newer", found.newer), ("unmarked", found.unmarked),
        ]
        return drawers.flatMap { name, items in items.servers.map { _ in name } + items.volumes.map { _ in name } }
    }

    @Test(
        arguments: [
            (.of("k5"), "own"),
            // The key decides, even if the put time was measured differently.
            (.of("k5", putAt: -500), "own"), (.of("k5", putAt: 500), "own"),
            (.of("k1", putAt: -10), "older"), (.of("k9", putAt: -4), "older"),
            (.of("k9", putAt: 10), "newer"), (.of("k1", putAt: 4), "newer"),
            // Within the slack the keys decide, for both workers in the same way.
            (.of("k1", putAt: 3), "older"), (.of("k9", putAt: -3), "newer"), (.of("k9"), "newer"), (.of("k1"), "older"),
        ] as [(Ownership, String)])
    func jobsOfTheNodeAreOrdered(ownership: Ownership, drawer name: String) {
        #expect(drawer(ownership) == [name, name])
    }

    /// Within the slack the broker's ids decide before the keys.
    @Test(arguments: [("k9", 6, "older"), ("k1", 8, "newer")] as [(String, UInt64, String)])
    func jobsPutTogetherAreOrderedByTheBroker(key: String, jobID: UInt64, drawer: String) {
        var ownership = Ownership.of(key)
        ownership.jobID = jobID
        let found = Belongings(
            servers: [.of("s", ownership)], volumes: [], site: "lab", node: "ovh001",
            order: JobOrder(put: jobPut, jobID: 7, key: "k5"), requestedAt: Moment(nanoseconds: 0))
        #expect(found.older.servers.count == (drawer == "older" ? 1 : 0))
        #expect(found.newer.servers.count == (drawer == "newer" ? 1 : 0))
    }

    @Test func otherSitesAndOtherNodesAreLeftOut() {
        #expect(drawer(.of("k5", site: "other")).isEmpty)
        #expect(drawer(.of("k1", site: "other", putAt: -10)).isEmpty)
        #expect(drawer(.of("k5", node: "ovh002")).isEmpty)
        #expect(drawer(.of("k1", node: "ovh0011", putAt: -10)).isEmpty)
    }

    /// Only marks count, not names.
    @Test func ourServersAreFoundUnderAnyName() {
        #expect(sorted([.of("s", .of("k5"), name: "renamed")]).own.servers.map(\.id) == ["s"])
    }

    @Test func theServersOfTheSiteAreCounted() {
        let found = sorted([
            .of("a", .of("k5")), .of("b", .of("k1", node: "ovh002")), .of("c", .of("k2", site: "other")), .of("d"),
            .of("e", .of("k9", node: "ovh003"), status: .error),
            // Of one `uuid`, for another node.
            .of("f", .of("k5", node: "ovh004")),
        ])
        #expect(
            found.siteServers.map { "\($0.key) \($0.node)" } == ["k5 ovh001", "k1 ovh002", "k9 ovh003", "k5 ovh004"])
    }

    // MARK: Unmarked

    @Test func aServerWithoutMarksIsKnownByItsExactName() {
        let found = sorted([
            .of("a"), .of("b", name: "ovh0011"), .of("c", name: "OVH001"), .of("d", name: "ovh001.front.lab.test"),
        ])
        #expect(found.unmarked.servers.map(\.id) == ["a"])
        #expect(found.own.isEmpty && found.older.isEmpty && found.newer.isEmpty)
    }

    /// Marks that this release cannot read are somebody's: of a newer release, or damaged.
    @Test(arguments: [
        ["cirrata_v": "2"], ["cirrata_key": "k5"], ["cirrata_site": "lab"], ["cirrata_owner": "me"],
        ["cirrata_something": "new"],
    ])
    func unreadableMarksAreNobodysToTake(metadata: [String: String]) {
        var server = Server.of("s")
        server.metadata = metadata
        var volume = Volume.of("v")
        volume.metadata = metadata
        let found = sorted([server], [volume])
        for items in [found.own, found.older, found.newer, found.unmarked] { #expect(items.isEmpty) }
    }

    /// teuthology's volumes of the node, and only while nobody else uses them.
    @Test(
        arguments: [
            ("ovh001_0", [], true), ("ovh001_12", ["s"], true), ("ovh001_007", [], true),
            ("ovh001_0", ["stranger"], false), ("ovh001_0", ["s", "stranger"], false), ("ovh001_0", ["marked"], false),
            ("ovh001_backup", ["s"], false), ("ovh001_", [], false), ("ovh001", [], false), ("ovh0011_0", [], false),
            ("xovh001_0", [], false), ("ovh001_0x", [], false),
        ] as [(String, [String], Bool)])
    func volumesWithoutMarks(name: String, servers: [String], isTheNodes: Bool) {
        let found = sorted(
            [.of("s"), .of("marked", .of("k1", putAt: -10)), .of("stranger", name: "other")],
            [.of("v", name: name, attachedTo: servers)])
        #expect(found.unmarked.volumes.map(\.id) == (isTheNodes ? ["v"] : []))
        #expect(found.own.volumes.isEmpty && found.older.volumes.isEmpty && found.newer.volumes.isEmpty)
    }

    @Test func aMarkedVolumeIsItsJobsWhateverItIsAttachedTo() {
        let found = sorted([], [.of("v", .of("k5"), name: "data", attachedTo: ["stranger"])])
        #expect(found.own.volumes.map(\.id) == ["v"])
    }
}
