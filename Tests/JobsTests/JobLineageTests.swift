import Jobs
import Testing
import World
import YAMLKit

@Suite struct JobLineageTests {
    private struct Refused: Error { let reading: JobReading }

    private static let put = at(1_000)
    private static let stamp = "2026-01-01T00:16:40Z"

    private static func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_767_225_600 + seconds) }

    private func lineage(of body: String = "{action: provision}", put: Timestamp = put) -> JobLineage {
        JobLineage(of: Array(body.utf8), key: "d-1", put: put)
    }

    private func written(_ text: String) -> String? {
        lineage().written(into: Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Everything else stays as it was written, to the byte.
    @Test(arguments: [
        ("action: provision\nnode: a # mine\n", "", "action: provision\nnode: a # mine\n", ""),
        ("# first\n---\naction: provision\n", "# first\n---\n", "action: provision\n", ""),
        ("\r\naction: provision\r\nnode: a\r\n", "\r\n", "action: provision\r\nnode: a\r\n", ""),
        ("\u{FEFF}action: provision", "\u{FEFF}", "action: provision", ""),
        ("# ü\n  action: provision\n  node: a", "# ü\n  ", "action: provision\n  node: a", "  "),
    ])
    func intoLines(text: String, before: String, rest: String, indentation: String) {
        let lines = "uuid: \"d-1\"\n\(indentation)first_put: \"\(Self.stamp)\"\n\(indentation)"
        #expect(written(text) == before + lines + rest)
    }

    @Test(arguments: [
        ("{action: provision}", "{", "action: provision}"),
        (#"{"action":"provision","secret":"é"}"#, "{", #""action":"provision","secret":"é"}"#),
        ("--- {\n  \"action\": provision }\n", "--- {\n  ", "\"action\": provision }\n"),
        ("!!map {action: provision}", "!!map {", "action: provision}"),
    ])
    func intoBraces(text: String, before: String, rest: String) {
        #expect(written(text) == "\(before)\"uuid\": \"d-1\", \"first_put\": \"\(Self.stamp)\", \(rest)")
    }

    @Test func onlyWhatIsMissing() {
        let whole = "action: provision\nuuid: d-1\nfirst_put: \(Self.stamp)\n"
        #expect(written(whole) == whole)
        #expect(written("{uuid: d-1, action: provision}")?.hasPrefix("{\"first_put\"") == true)
    }

    /// A form that could only be rewritten, and one in which the key stands without a value.
    @Test(arguments: ["? action\n: provision\n", "action: provision\nuuid:\n", "[action]", ""])
    func notEveryTextCanTakeIt(text: String) {
        #expect(written(text) == nil)
    }

    @Test func anotherIdentityIsAProblem() {
        let problems = lineage().problems(
            in: Array("action: provision\nuuid: other\nfirst_put: 2001-01-01T00:00:00Z".utf8), source: "new")
        #expect(problems.map(\.mark) == [Mark(line: 2, column: 1), Mark(line: 3, column: 1)])
        #expect(problems.first?.description.hasPrefix("new:2:1: uuid: expected d-1") == true)
        let same = "{uuid: d-1, first_put: \(Self.stamp)}"
        #expect(lineage().problems(in: Array(same.utf8), source: "") == [])
    }

    /// A job whose `uuid` was no name was never worked on under it.
    @Test func aUUIDThatWasNoneMayBeMended() {
        let body = Array("{action: provision, uuid: a-b}".utf8)
        #expect(lineage(of: "{action: provision, uuid: 'a b'}").problems(in: body, source: "") == [])
        #expect(lineage(of: "{action: provision, uuid: d-1}").problems(in: body, source: "").count == 1)
    }

    /// Whatever form it has.
    @Test(arguments: [
        "1767226600", "'1767226600'", "2026-01-01T00:16:40.750Z", "2026-01-01 00:16:40", "2026-01-01T00:20:00Z",
    ])
    func itsOwnUnchangedTextIsNoProblem(firstPut: String) throws {
        let text = "{action: provision, first_put: \(firstPut)}"
        let lineage = lineage(of: text)
        #expect(lineage.put == Self.put)
        #expect(lineage.problems(in: Array(text.utf8), source: "") == [])
        #expect(lineage.problems(in: Array("{first_put: \(Self.at(2_000))}".utf8), source: "").count == 1)
    }

    /// No job of ours is so old: the job stands where it was put.
    @Test func anAbsurdFirstPutIsForgotten() {
        let absurd = "{action: provision, first_put: -9223372036854775808}"
        #expect(lineage(of: absurd).put == Self.put)
        #expect(lineage(of: absurd).problems(in: Array("{action: provision}".utf8), source: "") == [])
    }

    @Test func theFirstPutIsKept() {
        let twice = "{action: provision, first_put: \(Self.stamp)}"
        #expect(lineage(of: twice, put: Self.at(4_000)).put == Self.put)
        #expect(lineage(of: twice, put: Self.at(500)).put == Self.at(500))
        #expect(lineage(put: Self.put + .milliseconds(900)).put == Self.put)
    }

    /// Its number is newer than those of jobs that were put after the first one.
    @Test func itStandsWhereTheFirstOneStood() throws {
        let body = JobBody(labDomain: "", providers: ["ovh"])
        func order(_ text: String, _ id: UInt64, _ seconds: Int64) throws -> JobOrder {
            let envelope = Envelope(
                jobID: id, put: Self.at(seconds), broker: "run", tubeProvider: "ovh", tubeAction: nil)
            let reading = body.read(Array(text.utf8), envelope)
            guard case .job(let job) = reading else { throw Refused(reading: reading) }
            return job.order
        }
        let edited = try order("{action: provision, owner: me, uuid: a, first_put: \(Self.stamp)}", 9, 5_000)
        #expect(edited.put == Self.put && edited.jobID == 9 && edited.key == "a")
        #expect(try order("{action: provision, owner: me, uuid: b}", 7, 2_000).isNewer(than: edited))
        #expect(edited.isNewer(than: try order("{action: provision, owner: me, uuid: c}", 1, 500)))
        // Nobody makes himself newer than he is, by another host's clock, too.
        let later = try order("{action: provision, owner: me, uuid: d, first_put: \(Self.at(5_010))}", 9, 5_000)
        #expect(later.put == Self.at(5_000) && later.broker == "run")
    }

    @Test func changesAreToldWithoutSecrets() {
        let changes = JobBody.changes(
            from: Array(
                "{action: provision, os_version: '1.0', token: hunter2, old: hunter3, volumes: {count: 1}}".utf8),
            to: Array(
                "{action: provision, os_version: '22.04', token: hunter4, new: hunter5, volumes: {count: 2}}".utf8))
        #expect(
            changes == [
                "os_version: 1.0 -> 22.04", "token: changed (values of this key are not shown)",
                "old: removed (values of this key are not shown)", "volumes: count: 1 -> count: 2",
                "new: added (values of this key are not shown)",
            ])
        #expect(JobBody.changes(from: Array("{a: 1}".utf8), to: Array("a: 1".utf8)) == ["only its form"])
        #expect(JobBody.changes(from: Array("{a: [".utf8), to: Array("a: 1".utf8)) == ["the whole text"])
    }

    /// YAML takes a word that begins so for something else, and what it says of that must not be the word.
    @Test(arguments: ["*hunter2", "&hunter2 *hunter2"])
    func aPasswordIsNoPartOfAnError(value: String) {
        let body = JobBody(labDomain: "", providers: ["ovh"])
        let envelope = Envelope(jobID: 1, put: Self.put, tubeProvider: "ovh", tubeAction: nil)
        let text = Array("action: provision\npassword: \(value)".utf8)
        guard case .malformed(let problems, _) = body.read(text, envelope) else {
            Issue.record("accepted")
            return
        }
        #expect(problems.first?.mark.line == 2)
        #expect(!problems.map(\.description).joined().contains("hunter2"))
    }

    /// Only in a key that is read does a tag matter, and it is not shown there.
    @Test func aTagIsNoMistakeInAKeyThatNobodyReads() {
        let body = JobBody(labDomain: "", providers: ["ovh"])
        let envelope = Envelope(jobID: 1, put: Self.put, tubeProvider: "ovh", tubeAction: nil)
        let text = "action: provision\nnode: ovh001\nowner: me\nresult: !!python/tuple [1, !hunter2 x]\n"
        guard case .job = body.read(Array(text.utf8), envelope) else {
            Issue.record("refused")
            return
        }
        let other = text.replacing("ovh001", with: "!hunter2 x")
        guard case .malformed(let problems, _) = body.read(Array(other.utf8), envelope) else {
            Issue.record("accepted")
            return
        }
        #expect(problems.map(\.path) == ["node"] && !problems[0].description.contains("hunter2"))
    }
}
