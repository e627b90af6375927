import Beanstalk
import Testing

@Suite struct CommandTests {
    static let tube: TubeName = .standard

    @Test func everyCommandIsWrittenAsTheProtocolSays() throws {
        let id = JobID(18_446_744_073_709_551_615)
        let week = WireSeconds(604_800)
        let tube = try TubeName("cirrata.provision.ovh")
        let cases: [(Command, String)] = [
            (
                .put(priority: 4_294_967_295, delay: WireSeconds(0), ttr: week, body: Array("hi|".utf8)),
                "put 4294967295 0 604800 3|hi||"
            ),
            (.use(tube), "use cirrata.provision.ovh|"),
            (.reserve, "reserve|"),
            (.reserveWithTimeout(WireSeconds(0)), "reserve-with-timeout 0|"),
            (.reserveJob(id), "reserve-job 18446744073709551615|"),
            (.delete(id), "delete 18446744073709551615|"),
            (.release(JobID(7), priority: 5, delay: WireSeconds(30)), "release 7 5 30|"),
            (.bury(JobID(7), priority: 0), "bury 7 0|"),
            (.touch(JobID(7)), "touch 7|"),
            (.watch(tube), "watch cirrata.provision.ovh|"),
            (.ignore(.standard), "ignore default|"),
            (.peek(JobID(7)), "peek 7|"),
            (.peekReady, "peek-ready|"),
            (.peekDelayed, "peek-delayed|"),
            (.peekBuried, "peek-buried|"),
            (.kick(bound: 10), "kick 10|"),
            (.kickJob(JobID(7)), "kick-job 7|"),
            (.statsJob(JobID(7)), "stats-job 7|"),
            (.statsTube(tube), "stats-tube cirrata.provision.ovh|"),
            (.stats, "stats|"),
            (.listTubes, "list-tubes|"),
            (.listTubeUsed, "list-tube-used|"),
            (.listTubesWatched, "list-tubes-watched|"),
            (.pauseTube(tube, WireSeconds(60)), "pause-tube cirrata.provision.ovh 60|"),
            (.quit, "quit|"),
        ]
        for (command, text) in cases {
            let expected = command.name == .put ? Array("put 4294967295 0 604800 3\r\nhi|\r\n".utf8) : wire(text)
            #expect(command.bytes == expected)
        }
        #expect(Set(cases.map(\.0.name)) == Set(Command.Name.allCases))
    }

    @Test func theLongestLineFitsIntoTheBrokersLimit() throws {
        let name = try TubeName(String(repeating: "x", count: 200))
        #expect(Command.pauseTube(name, WireSeconds(.max)).bytes.count == 224)
    }

    @Test func oneByteAboveTheLargestBodyIsNotSendable() {
        func put(_ size: Int) -> Command {
            .put(priority: 0, delay: WireSeconds(0), ttr: WireSeconds(1), body: [UInt8](repeating: 0, count: size))
        }
        #expect(put(1 << 30).fault == nil)
        #expect(put((1 << 30) + 1).fault?.contains("1073741825 bytes") == true)
    }

    @Test(arguments: [
        (Duration.zero, UInt32(0)), (.milliseconds(1), 1), (.seconds(1), 1), (.milliseconds(1_001), 2),
        (.seconds(-5), 0), (.milliseconds(-500), 0), (.seconds(1 << 40), .max), (.seconds(Int64.max), .max),
    ])
    func secondsAreRoundedUpAndClamped(_ duration: Duration, _ seconds: UInt32) {
        #expect(WireSeconds(roundingUp: duration).count == seconds)
    }

    @Test(arguments: ["a", "default", "cirrata.provision.ovh", "A-Z+/;.$_()9", String(repeating: "t", count: 200)])
    func goodTubeNames(_ text: String) throws {
        #expect(try TubeName(text).text == text)
    }

    @Test(arguments: [
        ("", "empty"), ("-a", "hyphen"), (String(repeating: "t", count: 201), "201 bytes"), ("a b", "0x20"),
        ("a:b", "':'"), ("a\r\nquit", "0xd"), ("tübe", "0xc3"), ("a\0", "0x0"),
    ])
    func badTubeNames(_ text: String, _ reason: String) {
        let error = #expect(throws: InvalidTubeName.self) { try TubeName(text) }
        #expect(error?.description.contains(reason) == true)
    }
}
