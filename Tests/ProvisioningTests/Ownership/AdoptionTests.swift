import Jobs
import OpenStack
import Testing
import World

@testable import Provisioning

@Suite struct AdoptionTests {
    /// - Returns: the ids of what is kept and what is removed, the same in whatever order the cloud lists the servers.
    private func adopt(
        _ servers: [Server], spec: String? = "spec", mac: String? = nil
    ) -> (keep: String?, remove: [String]) {
        let ends = permutations(servers).map { servers in
            let adoption = Adoption(of: servers, spec: spec, put: jobPut, mac: mac)
            return (adoption.keep?.id, adoption.remove.map(\.id).sorted())
        }
        for end in ends.dropFirst() {
            #expect(end.0 == ends[0].0)
            #expect(end.1 == ends[0].1)
        }
        return ends[0]
    }

    private func permutations(_ servers: [Server]) -> [[Server]] {
        guard servers.count > 1 else { return [servers] }
        return servers.indices.flatMap { index in
            var rest = servers
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }

    private let own = Ownership.of("k5")

    @Test func nothingToAdopt() {
        let end = adopt([])
        #expect(end.keep == nil)
        #expect(end.remove.isEmpty)
    }

    /// What paddles holds beats the oldest beats the smallest id.
    @Test func everyWorkerKeepsTheSameOne() {
        let servers: [Server] = [
            .of("d", own, createdAt: 10, mac: "fa:16:3e:00:00:01"), .of("b", own, createdAt: 20),
            .of("c", own, createdAt: 20), .of("a", own, createdAt: 30, mac: "FA:16:3E:00:00:02"),
        ]
        #expect(adopt(servers).keep == "d")
        #expect(adopt(servers, mac: "fa:16:3e:00:00:02").keep == "a")
        #expect(adopt(servers, mac: "fa:16:3e:00:00:99").keep == "d")
        let younger = Array(servers[1...2])
        #expect(adopt(younger).keep == "b")
        #expect(adopt(servers).remove == ["a", "b", "c"])
    }

    /// One whose age is not known is the youngest.
    @Test func anUnknownAgeLoses() {
        #expect(adopt([.of("a", own, createdAt: nil), .of("b", own, createdAt: 50)]).keep == "b")
        #expect(adopt([.of("a", own, createdAt: nil)]).keep == "a")
    }

    @Test(
        arguments: [
            (.build, nil, true), (.active, nil, true), (.active, "powering-off", true), (.build, "spawning", true),
            (.active, "deleting", false), (.build, "deleting", false), (.active, "soft-deleting", false),
            (.error, nil, false), (.deleted, nil, false), (.softDeleted, nil, false), (.other("SHUTOFF"), nil, false),
            (.other("UNKNOWN"), nil, false),
        ] as [(ServerStatus, String?, Bool)])
    func onlyWhatIsOrBecomesActive(status: ServerStatus, task: String?, isKept: Bool) {
        let end = adopt([.of("s", own, status: status, taskState: task)])
        #expect(end.keep == (isKept ? "s" : nil))
        #expect(end.remove == (isKept ? [] : ["s"]))
    }

    /// Put times jitter by a few seconds between deliveries.
    @Test(arguments: [(-4, false), (-3, true), (0, true), (5, true)])
    func onlyWhatWasCreatedAfterThePut(second: Int, isKept: Bool) {
        #expect(adopt([.of("s", own, createdAt: second)]).keep == (isKept ? "s" : nil))
    }

    @Test func onlyWhatHasTheSameSpecification() {
        let other = Ownership.of("k5", spec: "other")
        let end = adopt([.of("a", other, createdAt: 1), .of("b", own, createdAt: 90)])
        #expect(end.keep == "b")
        #expect(end.remove == ["a"])
        #expect(adopt([.of("a", other)], mac: nil).keep == nil)
        // Before anything is chosen there is nothing to compare.
        #expect(adopt([.of("a", other)], spec: nil).keep == "a")
    }

    /// A committed server that no longer fits is no reason to keep it.
    @Test func theMACDoesNotExcuse() {
        let mac = "fa:16:3e:00:00:01"
        #expect(adopt([.of("a", own, status: .error, mac: mac), .of("b", own)], mac: mac).keep == "b")
        #expect(adopt([.of("a", own, createdAt: -90, mac: mac), .of("b", own)], mac: mac).keep == "b")
    }
}
