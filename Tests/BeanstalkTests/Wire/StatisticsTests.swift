import Beanstalk
import Testing
import World

@Suite struct StatisticsTests {
    /// Recorded from 1.12 (`facts/lab-recordings/beanstalkd-protocol.txt`).
    static let job112 = """
        ---
        id: 85301
        tube: ovh
        state: reserved
        pri: 100
        age: 1
        delay: 0
        ttr: 1
        time-left: 0
        file: 0
        reserves: 2
        timeouts: 1
        releases: 0
        buries: 0
        kicks: 0

        """

    @Test func aJobOfBothVersions() throws {
        let old = try JobStatistics(parsing: Array(Self.job112.utf8))
        let new = try JobStatistics(
            parsing: Array(Self.job112.replacing("tube: ovh", with: "tube: \"ovh\"").utf8))
        #expect(old == new)
        #expect(old.id == JobID(85_301))
        #expect(old.tube.text == "ovh")
        #expect(old.state == .reserved)
        #expect(old.priority == 100)
        #expect(old.ttr == .seconds(1))
        #expect((old.reserves, old.timeouts, old.releases) == (2, 1, 0))
    }

    /// After the broker's clock was stepped back (facts B8).
    @Test func nothingWasPutInTheFuture() throws {
        let job = try JobStatistics(parsing: Array(Self.job112.replacing("age: 1", with: "age: -3600").utf8))
        #expect(job.age == .zero)
    }

    @Test(arguments: ["1.5", "12145", "no", "0x10", "1e3", "null"])
    func namesOfTubesAreNotGuessedAt(_ name: String) throws {
        for text in [name, "\"\(name)\""] {
            let bytes = Array(Self.job112.replacing("tube: ovh", with: "tube: \(text)").utf8)
            #expect(try JobStatistics(parsing: bytes).tube.text == name)
            #expect(try StatisticsDocument.tubes(parsing: Array("---\n- \(text)\n".utf8)).map(\.text) == [name])
        }
    }

    @Test func absurdTimesAreClamped() throws {
        let late = try JobStatistics(
            parsing: Array(
                Self.job112.replacing("time-left: 0", with: "time-left: -4220")
                    .replacing("age: 1", with: "age: 18446744073709551615").utf8))
        #expect(late.timeLeft == .seconds(-4_220))
        #expect(late.age == .seconds(Int64.max))
    }

    @Test(arguments: [
        "", "--- \n", "id: 1\n", "---\nid 1\n", "---\n: 1\n", "---\nid: x\n", "---\nid: 1\n", "---\nid: -1\n",
    ])
    func otherDocumentsAreRefused(_ text: String) {
        #expect(throws: ProtocolViolation.self) { try JobStatistics(parsing: Array(text.utf8)) }
    }

    @Test(arguments: [
        ("state: reserved", "state: lost"), ("pri: 100", "pri: high"), ("tube: ovh", "tube: a b"), ("kicks: 0", ""),
    ])
    func oneBadFieldIsRefused(_ field: String, _ replacement: String) {
        let text = Self.job112.replacing(field, with: replacement)
        #expect(throws: ProtocolViolation.self) { try JobStatistics(parsing: Array(text.utf8)) }
    }

    @Test func theServersOperatingSystemIsNotYAML() throws {
        let text = "---\nos: #1 SMP PREEMPT_DYNAMIC @0\nhostname: \"vm: 1\"\nempty:\n"
        let document = try StatisticsDocument(parsing: Array(text.utf8))
        #expect(document["os"] == "#1 SMP PREEMPT_DYNAMIC @0")
        #expect(document["hostname"] == "vm: 1")
        #expect(document["empty"]?.isEmpty == true)
        #expect(document["absent"] == nil)
    }

    @Test(arguments: ["- a\n", "---\na\n", "---\n-a\n", "---\n- a b\n"])
    func badListsAreRefused(_ text: String) {
        #expect(throws: ProtocolViolation.self) { try StatisticsDocument.tubes(parsing: Array(text.utf8)) }
    }
}
