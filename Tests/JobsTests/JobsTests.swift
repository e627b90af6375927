import Jobs
import Testing
import World
import YAMLKit

@Suite struct NodeNameTests {
    @Test(arguments: [
        ("ovh001", "ovh001"), ("ovh001.front.lab.test", "ovh001"), ("ubuntu@ovh001.front.lab.test", "ovh001"),
        ("a", "a"), ("a-b-0", "a-b-0"), (String(repeating: "x", count: 63), String(repeating: "x", count: 63)),
    ])
    func reads(text: String, short: String) throws {
        let name = try NodeName(text, domain: "front.lab.test")
        #expect(name.short == short)
        #expect(name.qualified == "\(short).front.lab.test")
    }

    @Test(arguments: [
        ("", "is empty"), ("ovh 01", "a space"), ("ovh01\n", "a line break"), ("ovh01;quit", "a semicolon"),
        ("Ovh01", "lower case"), ("ovh01.other.test", "other.test"), (String(repeating: "x", count: 64), "64 bytes"),
        ("-ovh", "hyphen"), ("ovh-", "hyphen"), ("ovh_1", "'_'"), ("ovhé", "'é'"), ("192.0.2.7", "domain '0.2.7'"),
        ("ovh01.front.lab.test.\nupdate delete x", "domain"), ("a\u{0}b", "control"),
    ])
    func refusesEverythingElse(text: String, problem: String) {
        let error = #expect(throws: NodeName.Malformed.self) { try NodeName(text, domain: "front.lab.test") }
        #expect(error?.description.contains(problem) == true, "\(error.map(\.description) ?? "")")
        #expect(error?.description.contains("\n") == false)
    }
}

@Suite struct JobOrderTests {
    private func order(_ seconds: Int64, _ key: String) -> JobOrder {
        JobOrder(put: Timestamp(seconds: seconds), key: key)
    }

    @Test func laterPutIsNewer() {
        #expect(order(100, "a").isNewer(than: order(90, "z")))
        #expect(!order(90, "z").isNewer(than: order(100, "a")))
    }

    @Test func withinTheJitterTheKeyDecidesTheSameWayOnBothSides() {
        #expect(order(100, "b").isNewer(than: order(101, "a")))
        #expect(!order(101, "a").isNewer(than: order(100, "b")))
    }

    @Test func withinTheJitterTheBrokersIDBeatsTheKey() {
        let first = JobOrder(put: Timestamp(seconds: 101), jobID: 7, key: "z")
        let second = JobOrder(put: Timestamp(seconds: 100), jobID: 8, key: "a")
        #expect(second.isNewer(than: first))
        #expect(!first.isNewer(than: second))
    }

    /// The broker's clock was stepped between the two puts: their times say the contrary.
    @Test func withinOneRunOfTheBrokerItsIDsDecide() {
        let first = JobOrder(put: Timestamp(seconds: 5_000), jobID: 7, broker: "run", key: "z")
        var second = JobOrder(put: Timestamp(seconds: 1_000), jobID: 8, broker: "run", key: "a")
        #expect(second.isNewer(than: first) && !first.isNewer(than: second))
        // Another run may have begun to count again.
        for other in ["", "another run"] {
            second.broker = other
            #expect(first.isNewer(than: second) && !second.isNewer(than: first))
        }
    }

    /// However far apart.
    @Test(arguments: [Int64.min, -9_222_000_000_000_000_000, 0])
    func theOldestPutTimeIsOlder(microseconds: Int64) {
        let old = JobOrder(put: Timestamp(microseconds: microseconds), jobID: 9, key: "old")
        let now = JobOrder(put: Timestamp(seconds: 1_790_000_000), jobID: 1, key: "now")
        let last = JobOrder(put: Timestamp(microseconds: .max), key: "last")
        #expect(now.isNewer(than: old) && !old.isNewer(than: now))
        #expect(last.isNewer(than: old) && !old.isNewer(than: last))
        #expect(last.isNewer(than: now) && !now.isNewer(than: last))
    }

    @Test func nothingIsNewerThanItself() {
        #expect(!order(500, "a").isNewer(than: order(100, "a")))
    }
}

@Suite struct DigestTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func matchesTheStandardsVectors(text: String, digest: String) {
        #expect(SHA256.hex(of: Array(text.utf8)) == digest)
    }
}

@Suite struct JobBodyTests {
    private let body = JobBody(labDomain: "front.lab.test", providers: ["ovh", "other"])
    private let envelope = Envelope(
        jobID: 7, put: Timestamp(seconds: 1_767_225_600), tubeProvider: "ovh", tubeAction: .provision)

    private func read(_ text: String, _ envelope: Envelope? = nil) -> JobReading {
        body.read(Array(text.utf8), envelope ?? self.envelope)
    }

    private func job(_ text: String, _ envelope: Envelope? = nil) -> Job? {
        if case .job(let job) = read(text, envelope) { job } else { nil }
    }

    private func problems(_ text: String, _ envelope: Envelope? = nil) -> String {
        if case .malformed(let problems, _) = read(text, envelope) {
            problems.map(\.description).joined(separator: "\n")
        } else {
            ""
        }
    }

    @Test func readsEveryKey() {
        let job = job(
            """
            v: 1
            action: provision
            uuid: 5f0c-77
            node: ubuntu@ovh001.front.lab.test
            machine_type: other
            os_type: ubuntu
            os_version: 22.10
            owner: scheduled_me@host
            archive_path: /a/run/1
            openstack: [{machine: {ram: 9000}}]
            volumes: {count: 3, size: 10}
            lock: yes
            reply_to: replies.1
            name: run
            job_id: 12
            expire: 2026-11-22 15:00:00
            something_of_teuthology: [1, 2]
            """)
        #expect(job?.node?.short == "ovh001")
        #expect(job?.provider == "other")
        #expect(job?.osVersion == "22.10")
        #expect(job?.owner == "scheduled_me@host")
        #expect(job?.lockDescription == "/a/run/1")
        #expect(job?.wishes.volumes?["count"]?.text == "3")
        #expect(job?.lock == true)
        #expect(job?.replyTo == "replies.1")
        #expect(job?.run == "run/12")
        #expect(job?.key == "5f0c-77")
        #expect(job?.expire == Timestamp(parsing: "2026-11-22T15:00:00Z"))
    }

    @Test func readsJSON() {
        #expect(job(#"{"action":"provision","owner":"me","node":"ovh001"}"#)?.node?.short == "ovh001")
    }

    @Test func lockDescriptionBeatsTheArchivePath() {
        #expect(job("{action: provision, owner: me, archive_path: a, lock_description: b}")?.lockDescription == "b")
        #expect(job("{action: provision, owner: me, description: suite text}")?.lockDescription == nil)
    }

    @Test func withoutUUIDTheKeyIsBodyAndID() {
        let text = "{action: provision, owner: me}"
        var other = envelope
        other.jobID = 8
        #expect(job(text)?.key == job(text)?.key)
        #expect(job(text)?.key != job(text, other)?.key)
        #expect(job(text)?.key.hasPrefix("d-") == true)
    }

    @Test func aBodyWithoutActionIsNotOurs() {
        for text in ["{name: run, priority: 50, description: rados/x}", "{action: null, owner: me}"] {
            if case .foreign = read(text) {} else { Issue.record("taken as ours: \(text)") }
        }
        if case .foreign(let why) = read("{v: 2, action: provision, owner: me}") {
            #expect(why.contains("version 2"))
        } else {
            Issue.record("a newer major version was read")
        }
    }

    @Test(arguments: [
        ("", "empty"), ("just text", "expected a mapping"), ("[1, 2]", "expected a mapping"), ("{a: [", "not YAML"),
        ("\u{1}\u{2}", "not YAML"), ("{action: explode, owner: me}", "provision or destroy"),
        ("{action: provision, owner: me, node: 'ovh 1'}", "space"),
        ("{action: provision, owner: me, node: OVH1}", "lower case"),
        ("{action: provision, owner: me, machine_type: nosuch}", "configured: ovh, other"),
        ("{action: provision}", "owner"), ("{action: provision, owner: me, uuid: 'a b'}", "uuid"),
        ("{action: provision, owner: me, expire: soon}", "expire"),
        ("{action: provision, owner: me, lock: maybe}", "lock"),
        ("{action: destroy, owner: me, node: ovh001}", "tube for provision"),
        ("{action: provision, action: provision}", "action"),
        ("{action: provision, owner: me, first_put: -9223372036854775808}", "expected a time from 2020-01-01"),
        ("{action: provision, owner: me, first_put: 1577836799}", "expected a time from 2020-01-01"),
        ("{action: provision, owner: me, first_put: 2100-01-01}", "to the put of this job"),
    ])
    func saysWhatIsWrong(text: String, problem: String) {
        #expect(problems(text).contains(problem), "\(problems(text))")
    }

    /// Every text that is read goes into logs, replies, reports and metadata.
    @Test(arguments: [
        ("action", 13), ("node", 255), ("machine_type", 128), ("owner", 64), ("os_type", 128), ("os_version", 128),
        ("lock_description", 255), ("archive_path", 255), ("name", 255), ("job_id", 128), ("uuid", 64),
        ("reply_to", 200),
    ])
    func everyTextHasALimit(key: String, most: Int) throws {
        func text(_ count: Int) -> String {
            let body = ["action": "provision", "owner": "me", "node": "ovh001"].merging(
                [key: String(repeating: "x", count: count)]) { $1 }
            return "{" + body.sorted { $0.key < $1.key }.map { "\($0): \($1)" }.joined(separator: ", ") + "}"
        }
        let tooLong = text(most + 1)
        #expect(problems(tooLong).contains("\(key): "), "\(problems(tooLong))")
        guard case .malformed(let found, let stub) = read(text(60_000)) else {
            Issue.record("accepted")
            return
        }
        #expect(found.map(\.description).joined().utf8.count < 1_000)
        let kept = [stub.key, stub.action, stub.node, stub.provider, stub.replyTo ?? "", stub.uuid, stub.run]
        #expect(kept.allSatisfy { $0.utf8.count <= 511 }, "\(kept)")
    }

    @Test func readsJSONThatNoYAMLReaderTakes() {
        let text = #"{"action":"provision","owner":"me","node":"ovh001","os_version":22.10,"note":"\ud83d\ude80"}"#
        #expect(job(text)?.osVersion == "22.10")
        #expect(JobBody.shownKeys(Array(text.utf8)).map(\.0).contains("node"))
    }

    @Test func aForeignBodyIsDescribedShortly() {
        let key = String(repeating: "k", count: 60_000)
        #expect(JobBody.whyForeign(Array("{\"\(key)\": 1}".utf8)).map { $0.utf8.count < 200 } == true)
        #expect(JobBody.whyForeign(Array("{v: 2, action: provision}".utf8))?.contains("version 2") == true)
        for text in ["{action: provision}", "{action: explode}", "- a", "{a: [", ""] {
            #expect(JobBody.whyForeign(Array(text.utf8)) == nil)
        }
    }

    @Test func saysEverythingAtOnceAndKeepsWhatTheReplyNeeds() {
        guard
            case .malformed(let problems, let stub) = read(
                "{action: provision, node: 'x y', machine_type: nosuch, reply_to: r, uuid: u1}")
        else {
            Issue.record("accepted")
            return
        }
        #expect(problems.count == 3)
        #expect(stub.replyTo == "r")
        #expect(stub.key == "u1")
        #expect(stub.provider == "nosuch")
    }

    @Test func binaryAndHugeBodiesAreRefused() {
        for bytes in [[UInt8](repeating: 0xFF, count: 100), [UInt8](repeating: UInt8(ascii: "["), count: 65_535)] {
            if case .malformed = body.read(bytes, envelope) {} else { Issue.record("accepted") }
        }
    }

    @Test func aReportShowsOnlyKnownKeys() {
        let shown = JobBody.shownKeys(
            Array("{action: provision, owner: me, password: hunter2, volumes: {count: 1}}".utf8))
        #expect(shown.map(\.0) == ["action", "owner", "volumes"])
        #expect(!shown.contains { $0.1.contains("hunter2") })
    }
}

@Suite struct BrokerBodiesTests {
    private let report = Report(
        broker: "127.0.0.1:11300", jobID: 17, key: "k", digest: "d", tube: "t", worker: "h/1", action: "provision",
        node: "ovh001", provider: "ovh", run: "r/1", put: Timestamp(seconds: 1), began: Timestamp(seconds: 2),
        ended: Timestamp(seconds: 3), outcome: "rejected", step: "create-server", cause: "no-image",
        message: "no: \"image\"\nat all", next: "add one", status: 400, requestID: "req-1", deliveries: 2,
        steps: [
            .init(
                step: "claim", summary: "claimed",
                attempts: [
                    .init(
                        number: 1, at: Timestamp(seconds: 2), took: .milliseconds(5), error: "", cause: "", status: nil,
                        requestID: nil)
                ])
        ], created: ["server ovh001 id1"], removed: [], left: [], warnings: ["w"], console: "login:",
        body: [("os_version", "22.10")])

    @Test func reportsComeBack() throws {
        let back = try Report(parsing: report.encoded(limit: 16 << 10))
        #expect(back == report)
        #expect(back.message == report.message)
        #expect(back.steps.first?.attempts.first?.took == .milliseconds(5))
        #expect(back.body.first?.1 == "22.10")
    }

    /// Whatever is said in it, even what looks like a report's own lines.
    @Test(arguments: ["fine", "two\nid: 99\nsteps:\nv: 2\n", "\nid: 99\nsteps: []", " id: 99\r\nid: 5\n", "'id: 99'"])
    func aGlanceAtAReport(_ text: String) throws {
        var report = report
        (report.message, report.next, report.console, report.warnings) = (text, text, text, [text])
        report.body = [("id", text), ("name", "x\nid: 5")]
        report.steps[0].summary = text
        let bytes = report.encoded(limit: .max)
        #expect(Report.jobID(atGlance: bytes) == 17)
        let head = try Report(parsing: Report.head(of: bytes))
        #expect(head.message == text && head.next == text && head.ended == report.ended && head.digest == "d")
        #expect(head.steps.isEmpty && head.console.isEmpty && head.body.isEmpty)
    }

    @Test func noGlanceAtWhatIsWrittenInAnotherWay() {
        for text in [
            "", "v: 2\nid: 17\n", "v: 1\nid: 'x'\n", "v: 1\nid: 99999999999999999999\n", "{v: 1, id: 17}",
            "v: 1\n id: 1\n",
        ] {
            #expect(Report.jobID(atGlance: Array(text.utf8)) == nil)
        }
        #expect(Report.head(of: Array("{v: 1}\nsteps:".utf8)).count == 13)
        #expect(
            Array("abcab".utf8).end(of: Array("cab".utf8)) == 5 && Array("ab".utf8).end(of: Array("abc".utf8)) == nil)
        #expect(Array("abc".utf8).mentions([]) && !Array("".utf8).mentions(Array("a".utf8)))
    }

    @Test func aReportNeverExceedsItsLimit() throws {
        var long = report
        long.console = String(repeating: "x", count: 40_000)
        long.message = String(repeating: "é", count: 9_000)
        long.steps = (0..<8).map { step in
            .init(
                step: "s\(step)", summary: String(repeating: "s", count: 900),
                attempts: (0..<90).map {
                    .init(
                        number: $0, at: Timestamp(seconds: 1), took: .zero, error: String(repeating: "e", count: 700),
                        cause: "c", status: 503, requestID: "req")
                })
        }
        #expect(long.encoded(limit: 16 << 10).count <= 16 << 10)
        let hostile = String(repeating: "\u{1}\n\"", count: 20_000)
        var worst = report
        (worst.message, worst.next, worst.step, worst.run) = (hostile, hostile, hostile, hostile)
        worst.requestID = hostile
        worst.left = Array(repeating: hostile, count: 50)
        worst.body = [("os_version", hostile)]
        for limit in [4_096, 16 << 10, 65_000] {
            let bytes = worst.encoded(limit: limit)
            let back = try Report(parsing: bytes)
            #expect(bytes.count <= limit && !back.left.isEmpty)
            #expect([back.key, back.digest, back.tube] == [worst.key, worst.digest, worst.tube])
            #expect(Report.jobID(atGlance: bytes) == 17)
        }
        #expect(try Report(parsing: long.encoded(limit: 16 << 10)).steps.count == 8)
    }

    @Test func newerMajorVersionsAndStrangersAreRefused() {
        #expect(throws: Unreadable.self) { try Report(parsing: Array("{v: 2}".utf8)) }
        #expect(throws: Unreadable.self) { try Reply(parsing: Array("hello".utf8)) }
        #expect(throws: Unreadable.self) { try Presence(parsing: Array("{a: 1}".utf8)) }
    }

    @Test func numbersBeyondAllMeasureAreTaken() throws {
        #expect(try Presence(parsing: Array("{v: 1, pid: 99999999999}".utf8)).process == .max)
        let report = try Report(parsing: Array("{v: 1, steps: [{attempts: [{ms: 9223372036854775807}]}]}".utf8))
        #expect(try Report(parsing: report.encoded(limit: .max)).steps.count == 1)
    }

    @Test func repliesAndPresenceComeBack() throws {
        let reply = Reply(
            uuid: "u", jobID: 7, key: "u", action: "provision", node: "ovh001", outcome: "done", error: nil,
            server: .init(id: "i", name: "ovh001", addresses: ["192.0.2.1"]), publicKey: "ssh-ed25519 AAAA",
            osType: "ubuntu", osVersion: "22.10", volumes: ["ovh001_0 v0"], worker: "h/1",
            began: Timestamp(seconds: 1), ended: Timestamp(seconds: 2))
        #expect(try Reply(parsing: reply.encoded(limit: 65_535)) == reply)
        var long = reply
        long.volumes = (0..<1_000).map { "ovh001_\($0) 0f3c7a52-9f6e-4f7e-8f2e-3d1c5a7b9e10 of a long name" }
        long.error = .init(cause: "c", step: "s", message: String(repeating: "\u{1}", count: 60_000), next: "n")
        for limit in [2_000, 65_535] {
            let back = try Reply(parsing: long.encoded(limit: limit))
            #expect(long.encoded(limit: limit).count <= limit)
            #expect([back.uuid, back.node, back.outcome] == ["u", "ovh001", "done"] && back.jobID == 7)
        }
        let presence = Presence(
            host: "h", process: 1, release: "0.1.0", slots: 50, started: Timestamp(seconds: 1),
            at: Timestamp(seconds: 2), draining: true,
            held: [
                .init(
                    jobID: 7, key: "k", action: "destroy", node: "n", step: "removal", since: Timestamp(seconds: 1))
            ], rests: [Self.rest("ovh", message: "HTTP 403: no\n\u{1B}[31m")])
        #expect(try Presence(parsing: presence.encoded(limit: 65_535)) == presence)
    }

    private static func rest(_ provider: String, message: String) -> Presence.Rest {
        .init(
            provider: provider, cause: "nova-403", burials: 5, message: message, since: Timestamp(seconds: 1),
            until: Timestamp(seconds: 601))
    }

    /// Releases of both sides of `rests` read each other's signs of life.
    @Test func readsPresenceOfOlderAndNewerReleases() throws {
        let old = try Presence(parsing: Array("{v: 1, host: h, pid: 1, slots: 5, jobs: []}".utf8))
        #expect(old.rests == [] && old.slots == 5)
        let body = "{v: 1, host: h, rests: [{provider: ovh, more: 1}], more: {a: 1}}"
        let newer = try Presence(parsing: Array(body.utf8))
        #expect(newer.rests.map(\.provider) == ["ovh"])
    }

    @Test func keepsPresenceSmallHoweverManyProvidersRest() throws {
        let long = String(repeating: "\u{1F680}\u{1B}", count: 5_000)
        let presence = Presence(
            host: "h", process: 1, release: "1", slots: 1, started: Timestamp(seconds: 1), at: Timestamp(seconds: 2),
            draining: false, held: [], rests: (0..<500).map { Self.rest("p\($0)", message: long) })
        #expect(presence.encoded(limit: 65_535).count < 32_768)
        #expect(try Presence(parsing: presence.encoded(limit: 65_535)) == presence)
    }

    @Test func aBusyWorkersPresenceFitsAndTellsHowManyItHolds() throws {
        let held = (0..<10_000).map {
            Presence.Held(
                jobID: UInt64($0), key: String(repeating: "k", count: 64), action: "provision",
                node: String(repeating: "n", count: 63), step: "wait-active", since: Timestamp(seconds: 1))
        }
        let presence = Presence(
            host: "h", process: 1, release: "0.1.0", slots: 10_000, started: Timestamp(seconds: 1),
            at: Timestamp(seconds: 2), draining: false, held: held)
        let bytes = presence.encoded(limit: 65_535)
        let back = try Presence(parsing: bytes)
        #expect(bytes.count <= 65_535 && back.holding == 10_000 && back.held.count > 50)
    }

    /// Written by somebody else, it must not grow with every sweep.
    @Test func aSweepTokenIsReadOnlySoFar() throws {
        let projects = (0..<5_000).map { "p\($0): x" }.joined(separator: ", ")
        let long = String(repeating: "x", count: 200)
        let token = try SweepToken(parsing: Array("{v: 1, projects: {\(long): x, a: \(long), \(projects)}}".utf8))
        #expect(token.projects.count == 100 && token.projects["p0"] == "x" && token.encoded.count < 10_000)
    }
}
