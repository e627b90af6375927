import HTTPKit
import Logging
import Telemetry
import Testing

@Suite struct LogLineTests {
    private func lines(
        _ format: LogFormat, _ message: String, _ metadata: Logger.Metadata = [:]
    ) -> [String] {
        let listener = Listener()
        listener.logger(format).info("\(message)", metadata: metadata)
        return listener.lines
    }

    @Test func text() {
        #expect(
            lines(.text, "create-server: server s1", ["node": "ovh001", "step": "create-server", "ms": "12"]) == [
                "2023-11-14T22:13:20.250000Z info    create-server: server s1 node=ovh001 step=create-server ms=12"
            ])
    }

    @Test func json() {
        #expect(
            lines(.json, "create-server: server s1", ["node": "ovh001", "ms": "12"]) == [
                #"{"level":"info","message":"create-server: server s1","ms":"12","node":"ovh001","time":"2023-11-14T22:13:20.250000Z"}"#
            ])
    }

    // MARK: Metadata

    /// What people look for first; unknown keys behind the known ones, by name.
    @Test func theOrderOfMetadata() {
        var metadata: Logger.Metadata = ["zebra": "1", "ape": "2"]
        for key in LogKeys.order { metadata[key] = "x" }
        let words = lines(.text, "m", metadata)[0].split(separator: " ").dropFirst(3)
        #expect(words.map { String($0.prefix { $0 != "=" }) } == LogKeys.order + ["ape", "zebra"])
        #expect(LogKeys.order.prefix(2) == ["node", "action"])
    }

    @Test func emptyValuesAreLeftOut() {
        #expect(lines(.text, "m", ["node": "", "step": "s"])[0].hasSuffix("info    m step=s"))
        #expect(!lines(.json, "m", ["node": ""])[0].contains("node"))
    }

    /// What a handler, its logger and the call say of one key: the nearest wins.
    @Test func nearerMetadataWins() {
        let listener = Listener()
        var logger = listener.logger(.text)
        logger[metadataKey: "node"] = "ovh001"
        logger[metadataKey: "job"] = "7"
        logger.info("m", metadata: ["node": "ovh002"])
        #expect(listener.lines[0].hasSuffix("m node=ovh002 job=7"))
        #expect(logger[metadataKey: "node"] == "ovh001")
    }

    @Test(arguments: [
        ("plain-1.2/x:y", "plain-1.2/x:y"), ("two words", #""two words""#), ("a=b", #""a=b""#),
        (#"say "x""#, #""say \"x\"""#), ("a\nb", #""a\nb""#), ("\u{1B}[2J", #""\u001b[2J""#),
        ("\u{9B}2J", #""\u009b2J""#), ("a\u{202E}b", #""a\u202eb""#), ("a\u{2028}b", #""a\u2028b""#), ("grün", "grün"),
    ])
    func valuesThatNeedQuotesHaveThem(value: String, shown: String) {
        #expect(lines(.text, "m", ["x": "\(value)"])[0].hasSuffix(" x=\(shown)"))
    }

    // MARK: One line

    static let hostile = [
        "two\nlines", "\r\n", "tab\there", "nul\0nul", "bell\u{7}", "\u{1B}[31mred\u{1B}[0m", "del\u{7F}",
        "next\u{85}line", "csi\u{9B}2J", "line\u{2028}separator", "paragraph\u{2029}separator", "\u{B}\u{C}",
        "turned \u{202E}round\u{202C} and \u{2066}back\u{2069}",
        #"quotes " and \ backslashes \n"#, "emoji 👩‍👩‍👧 and 日本語", "e\u{301}", "\u{FFFD}\u{FEFF}", "", "{\"a\":1}",
    ]

    /// Whatever a service answered; terminals and readers of lines see no character that they act on.
    @Test(arguments: hostile) func aLineIsOneLine(text: String) {
        for format in LogFormat.allCases {
            let lines = lines(format, text, ["node": "\(text)", "other": "\(text)"])
            #expect(lines.count == 1)
            for scalar in lines[0].unicodeScalars {
                let category = scalar.properties.generalCategory
                #expect(category != .control && category != .lineSeparator && category != .paragraphSeparator)
                #expect(!scalar.isTerminalControl)
            }
        }
    }

    /// JSON loses nothing: what comes out of a parser is what went in.
    @Test(arguments: hostile) func jsonSaysExactlyWhatWasSaid(text: String) throws {
        let line = lines(.json, text, ["node": "\(text)", "other": "x"])[0]
        let value = try JSONValue(parsing: Array(line.utf8))
        #expect(value["message"] == .string(text))
        #expect(value["node"] == (text.isEmpty ? nil : .string(text)))
        #expect(value["other"] == "x")
        #expect(value["level"] == "info")
        #expect(value["time"] == "2023-11-14T22:13:20.250000Z")
    }

    /// Metadata cannot take the place of what every line has.
    @Test func membersAreUnique() throws {
        let metadata: Logger.Metadata = ["message": "m2", "level": "l2", "time": "t2"]
        let value = try JSONValue(parsing: Array(lines(.json, "m", metadata)[0].utf8))
        #expect(value["message"] == "m")
        #expect(value["message_"] == "m2")
        #expect(value["level"] == "info")
        #expect(value.object?.count == 6)
    }

    // MARK: Budget

    /// What services and job bodies say may be of any length, and escapes make it longer still.
    @Test(arguments: ["x", "ü", "\u{1B}", "\"", "e\u{301}", "👩‍👩‍👧"], LogFormat.allCases)
    func aLineHasABudget(_ unit: String, _ format: LogFormat) throws {
        let long = String(repeating: unit, count: 20_000)
        var metadata: Logger.Metadata = [:]
        for key in LogKeys.order { metadata[key] = "\(long)" }
        let line = lines(format, long, metadata)[0]
        #expect(line.utf8.count < 9_000)
        #expect(line.contains("…"))
        guard format == .json else { return }
        let value = try JSONValue(parsing: Array(line.utf8))
        #expect((300...2_003).contains(value["message"]?.string?.utf8.count ?? 0))
        #expect((value["node"]?.string?.utf8.count ?? 0) <= 203)
    }

    @Test func whatFitsIsWhole() {
        let text = String(repeating: "x", count: 200)
        #expect(lines(.text, "m", ["x": "\(text)"])[0].hasSuffix(" x=\(text)"))
        #expect(lines(.text, "m", ["x": "\(text)y"])[0].hasSuffix(" x=\(text)…"))
        let message = String(repeating: "ü", count: 1_000)
        #expect(lines(.text, message)[0].hasSuffix(" \(message)"))
    }

    // MARK: Levels

    @Test(arguments: Logger.Level.allCases) func levelsAreKept(level: Logger.Level) {
        let listener = Listener()
        let logger = listener.logger(.text, level: level)
        for level in Logger.Level.allCases { logger.log(level: level, "m") }
        let expected = Logger.Level.allCases.filter { $0 >= level }.map(\.rawValue)
        #expect(listener.lines.map { $0.split(separator: " ")[1] } == expected.map { Substring($0) })
    }
}
