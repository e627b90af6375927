import HTTPKit
import Sandbox
import Testing
import World

/// What the recordings of paddles do not show by themselves.
@Suite struct PaddlesTests {
    private static let name = "ovh001.front.lab.test"

    private func paddles(_ count: Int = 3, mount: String = "") -> Paddles {
        Paddles(
            nodes: (1...count).map {
                PaddlesNode(name: "ovh00\($0).front.lab.test", machineType: "ovh", isVM: true, up: true)
            }, mount: mount)
    }

    private func lock(_ json: String, _ name: String = name) -> HTTPRequest {
        HTTPRequest(.put, "/nodes/\(name)/lock/", body: Array(json.utf8))
    }

    @Test func wholeSecondsHaveNoFraction() throws {
        var paddles = paddles()
        let whole = try #require(Timestamp(parsing: "2026-01-01T00:00:00Z"))
        #expect(paddles.handle(lock(#"{"locked": true, "locked_by": "a"}"#), at: whole).status == 200)
        let node = paddles.handle(HTTPRequest(.get, "/nodes/\(Self.name)/"), at: whole)
        #expect(node.text.contains(#""locked_since": "2026-01-01 00:00:00","#))
    }

    @Test func aRepeatedUnlockLooksLikeARefusal() {
        var paddles = paddles()
        _ = paddles.handle(lock(#"{"locked": true, "locked_by": "a", "description": "d"}"#), at: .recorded)
        let unlock = lock(#"{"locked": false, "locked_by": "a"}"#)
        #expect(paddles.handle(unlock, at: .recorded).status == 200)
        let again = paddles.handle(unlock, at: .recorded)
        #expect(again.status == 403)
        #expect(again.text == #"{"message": "Cannot unlock an already-unlocked node"}"#)
        #expect(paddles.node(Self.name)?.description == "d")
        #expect(paddles.node(Self.name)?.lockedSince == nil)
    }

    @Test func redirectsKeepMountHostAndQuery() {
        var paddles = paddles(mount: "/paddles")
        let request = HTTPRequest(.delete, "/nodes/\(Self.name)?x=1", headers: ["Host": "lab:1"])
        let response = paddles.handle(request, at: .recorded)
        #expect(response.status == 302)
        #expect(response.headers["Location"] == "http://lab:1/paddles/nodes/\(Self.name)/?x=1")
        #expect(paddles.node(Self.name) != nil)
    }

    @Test func troublesOfTheDatabase() {
        var paddles = paddles()
        paddles.trouble.databaseErrors = 1
        let update = HTTPRequest(.put, "/nodes/\(Self.name)/", body: Array(#"{"os_type": "ubuntu"}"#.utf8))
        let lost = paddles.handle(update, at: .recorded)
        #expect(lost.status == 503)
        #expect(lost.text == #"{"message": "encountered a DB error"}"#)
        #expect(paddles.node(Self.name)?.osType == nil)
        #expect(paddles.handle(update, at: .recorded).status == 200)

        paddles.trouble.conflictingLocks = 1
        let many = HTTPRequest(
            .post, "/nodes/lock_many/",
            body: Array(#"{"count": 2, "locked_by": "a", "machine_type": "ovh", "description": "d"}"#.utf8))
        let refused = paddles.handle(many, at: .recorded)
        #expect(refused.status == 403)
        #expect(refused.text == #"{"message": "Cannot lock an already-locked node"}"#)
        #expect(paddles.nodes.allSatisfy { !$0.locked })
        #expect(paddles.handle(many, at: .recorded).status == 200)
        #expect(paddles.nodes.count { $0.locked } == 2)
    }

    @Test(arguments: [
        (#"{"os_version": "1234567890123456"}"#, 200), (#"{"os_version": "12345678901234567"}"#, 500),
        (#"{"arch": "éééééééééééééééé"}"#, 200), (#"{"up": 2}"#, 500), (#"{"up": 0}"#, 200),
        (#"{"vm_host": "ovh002.front.lab.test"}"#, 200), (#"{"vm_host": "nosuch"}"#, 500),
        (#"{"description": ["x"]}"#, 500), (#"{"locked_since": "2026-01-01 00:00:00.5"}"#, 200),
        (#"{"locked_since": 5}"#, 500), (#"{"description": "a\u0000b"}"#, 500),
    ])
    func columns(json: String, status: Int) {
        var paddles = paddles()
        let response = paddles.handle(
            HTTPRequest(.put, "/nodes/\(Self.name)/", body: Array(json.utf8)), at: .recorded)
        #expect(response.status == status)
    }

    @Test func textIsASCIIAsPythonWritesIt() {
        var paddles = paddles()
        _ = paddles.handle(
            HTTPRequest(.put, "/nodes/\(Self.name)/", body: Array(#"{"description": "é😀\"\n"}"#.utf8)), at: .recorded)
        let node = paddles.handle(HTTPRequest(.get, "/nodes/\(Self.name)/"), at: .recorded)
        #expect(node.text.contains(#""description": "\u00e9\ud83d\ude00\"\n""#))
    }

    @Test func hostsInARingAreWrittenOnce() {
        var paddles = paddles(2)
        for (name, host) in [("ovh001", "ovh002"), ("ovh002", "ovh001")] {
            _ = paddles.handle(
                HTTPRequest(
                    .put, "/nodes/\(name).front.lab.test/", body: Array(#"{"vm_host": "\#(host).front.lab.test"}"#.utf8)
                ),
                at: .recorded)
        }
        let node = paddles.handle(HTTPRequest(.get, "/nodes/\(Self.name)/"), at: .recorded)
        #expect(node.status == 200)
        #expect(node.text.matches(of: /"vm_host": \{/).count == 1)
    }

    /// 1.9: whoever comes first has the lock; a thousand tries never lock twice.
    @Test func oneOfManyGetsTheLock() {
        var paddles = paddles()
        let answers = (0..<32).map { number in
            paddles.handle(
                lock(#"{"locked": true, "locked_by": "owner\#(number)", "description": "d"}"#), at: .recorded)
        }
        #expect(answers.map(\.status) == [200] + Array(repeating: 403, count: 31))
        #expect(paddles.node(Self.name)?.lockedBy == "owner0")
    }
}
