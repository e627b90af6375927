import Jobs
import Provisioning
import Testing
import World

@Suite struct OwnershipTests {
    @Test func whatIsWrittenIsReadAgain() throws {
        let ownership = Ownership(
            site: "lab.test", key: "u-1", node: "ovh001", put: jobPut, owner: "scheduled_me@host",
            lock: "/archive/me-2026/7", spec: "0123456789abcdef")
        #expect(
            ownership.metadata == [
                "cirrata_site": "lab.test", "cirrata_key": "u-1", "cirrata_node": "ovh001",
                "cirrata_put": "1700000000", "cirrata_owner": "scheduled_me@host",
                "cirrata_lock": "/archive/me-2026/7", "cirrata_spec": "0123456789abcdef", "cirrata_v": "1",
            ])
        #expect(Ownership(metadata: ownership.metadata) == ownership)
        #expect(ownership.order == JobOrder(put: jobPut, key: "u-1"))
    }

    /// Two jobs put within seconds are told apart by it; what an earlier release wrote has none.
    @Test func theBrokersIDIsWrittenWhereThereIsOne() {
        let ownership = Ownership(
            site: "lab", key: "u-1", node: "ovh001", put: jobPut, jobID: .max, broker: "e1f2", owner: "me",
            lock: "", spec: "s")
        #expect(ownership.metadata["cirrata_job"] == "18446744073709551615")
        #expect(ownership.metadata["cirrata_broker"] == "e1f2")
        #expect(Ownership(metadata: ownership.metadata) == ownership)
        #expect(ownership.order == JobOrder(put: jobPut, jobID: .max, broker: "e1f2", key: "u-1"))
        var damaged = ownership.metadata
        damaged["cirrata_job"] = "x"
        #expect(Ownership(metadata: damaged)?.jobID == 0)
    }

    /// Others may add their own; those that only tell more may be missing.
    @Test func otherKeysAreIgnoredAndLooseOnesMayBeMissing() {
        var metadata = Ownership.of("u-1").metadata
        metadata["color"] = "blue"
        #expect(Ownership(metadata: metadata) == .of("u-1"))
        for key in ["cirrata_owner", "cirrata_lock", "cirrata_spec"] { metadata[key] = nil }
        #expect(Ownership(metadata: metadata)?.key == "u-1")
        #expect(Ownership(metadata: metadata)?.owner == "")
    }

    @Test(arguments: [
        ("cirrata_site", nil), ("cirrata_key", nil), ("cirrata_node", nil), ("cirrata_put", nil),
        ("cirrata_put", "yesterday"), ("cirrata_put", "1.5"), ("cirrata_v", nil), ("cirrata_v", "2"),
        ("cirrata_v", "one"),
    ])
    func whatCannotBeReadIsNotOurs(key: String, value: String?) {
        var metadata = Ownership.of("u-1").metadata
        metadata[key] = value
        #expect(Ownership(metadata: metadata) == nil)
    }

    @Test func foreignMetadataIsNotOurs() {
        #expect(Ownership(metadata: [:]) == nil)
        #expect(Ownership(metadata: ["site": "lab", "key": "u-1", "v": "1"]) == nil)
    }

    // MARK: 255 bytes

    @Test(arguments: [
        (String(repeating: "a", count: 255), 255), (String(repeating: "a", count: 256), 255),
        (String(repeating: "é", count: 200), 254), ("a" + String(repeating: "é", count: 200), 255),
        (String(repeating: "日", count: 100), 255), ("ab" + String(repeating: "日", count: 100), 254),
        // One of these is 25 bytes, and is never torn apart.
        (String(repeating: "👨‍👩‍👧‍👦", count: 12), 250),
        // A single character that is longer than everything.
        ("e" + String(repeating: "\u{301}", count: 200), 0), ("", 0),
    ])
    func longValuesAreCutBetweenCharacters(text: String, bytes: Int) throws {
        var ownership = Ownership.of("u-1")
        ownership = Ownership(
            site: text, key: text, node: text, put: jobPut, owner: text, lock: text, spec: text)
        for value in [
            ownership.site, ownership.key, ownership.node, ownership.owner, ownership.lock, ownership.spec,
        ] {
            #expect(value.utf8.count == bytes)
            #expect(text.hasPrefix(value))
            #expect(value.count == text.prefix(value.count).count)
        }
        #expect(ownership.metadata.values.allSatisfy { $0.utf8.count <= 255 })
        #expect(Ownership(metadata: ownership.metadata) == ownership)
    }

    /// A job's owner is compared with what could be written down of it.
    @Test func aCutValueStillMatches() {
        let long = "/archive/" + String(repeating: "é", count: 200)
        let ownership = Ownership(site: "lab", key: "k", node: "n", put: jobPut, owner: "me", lock: long, spec: "s")
        #expect(ownership.lock != long)
        #expect(Ownership.matches(ownership.lock, long))
        #expect(Ownership.matches(ownership.owner, "me"))
        #expect(!Ownership.matches(ownership.owner, "me2"))
        #expect(!Ownership.matches(ownership.lock, "/archive/"))
    }
}
