import Testing
import YAMLKit

/// A text that is JSON is read as JSON, not as the YAML that it is nearly, too.
@Suite struct JSONTests {
    @Test(arguments: [
        (#"{"a":"\ud83d\ude80"}"#, "🚀"), (#"{"a":"\/\b\f\n\r\t\"\\"}"#, "/\u{8}\u{C}\n\r\t\"\\"),
        ("{\"a\":\"\u{7F}\u{80}\u{FFFE}\u{2028}\"}", "\u{7F}\u{80}\u{FFFE}\u{2028}"), (#"{"a":"\u0000"}"#, "\0"),
        // Python writes half a character for a byte that it could not decode: the job need not fail for it.
        (#"{"a":"x\udc80"}"#, "x\u{FFFD}"), (#"{"a":"1","a":"2"}"#, "2"),
        ("{\n\t\"a\":\t\"x\"\n}\n", "x"), (#"{"b":"@ % ` : # - ! & *","a":"~"}"#, "~"), (#"{"a":"<<"}"#, "<<"),
    ])
    func readsTexts(text: String, value: String) throws {
        #expect(try parse(text, limits: .job)?["a"] == .string(value))
    }

    /// The text of a number stays as it was written.
    @Test(arguments: [
        ("22.10", ScalarType.float), ("-0", .integer), ("123456789012345678901234567890", .integer), ("1.5e+3", .float),
        ("true", .boolean), ("null", .null),
    ])
    func keepsOtherScalars(text: String, type: ScalarType) throws {
        let scalar = try #require(try parse("{\"a\": \(text)}")?["a"]?.scalar)
        #expect(scalar.text == text && scalar.type == type && scalar.isPlain)
    }

    /// YAML takes these for texts.
    @Test(arguments: [("1e5", 100_000.0), ("1E-2", 0.01), ("2.5e1", 25)])
    func readsNumbersThatYAMLDoesNotKnow(text: String, value: Double) throws {
        let scalar = try #require(try parse("{\"a\": \(text)}")?["a"]?.scalar)
        #expect(ScalarType.number(scalar.text) == value && scalar.isPlain)
    }

    @Test(arguments: ["NaN", "Infinity", "-Infinity", "1e999"])
    func readsWhatPythonWritesForNoNumber(text: String) throws {
        #expect(try parse("{\"a\": \(text), \"b\": 1}")?["b"] == .integer(1))
    }

    @Test func knowsThePlacesOfKeysAndValues() throws {
        let text = "\u{FEFF} {\"é\": [1,\r\n  {\"k\": 2}],\n\"l\": \"\u{2028}\", \"m\": 3}"
        let root = try #require(try parse(text))
        let mapping = try #require(root.mapping)
        #expect(root.mark == Mark(line: 1, column: 2))
        #expect(mapping.entry("é")?.keyMark == Mark(line: 1, column: 3))
        #expect(root["é"]?.sequence?[1].mark == Mark(line: 2, column: 3))
        #expect(root["é"]?.sequence?[1]["k"]?.mark == Mark(line: 2, column: 9))
        #expect(mapping.entry("l")?.keyMark == Mark(line: 3, column: 1))
        // A line separator in a text ends a line, as in YAML.
        let last = try #require(mapping.entry("m"))
        #expect(last.keyMark == Mark(line: 4, column: 4))
        let offset = try #require(YAML.offset(of: last.keyMark, in: Array(text.utf8)))
        #expect(Array(text.utf8)[offset...].starts(with: "\"m\": 3".utf8))
    }

    @Test func ofAKeyThatIsThereTwiceTheLastStands() throws {
        let root = try #require(try parse(#"{"a": 1, "b": 2, "a": 3}"#))
        #expect(root.mapping?.keys == ["b", "a"] && root["a"]?.mark == Mark(line: 1, column: 23))
    }

    /// What is no JSON is YAML, with YAML's rules and complaints.
    @Test func anythingElseIsYAML() throws {
        #expect(try parse("{a: 010, 'b': [x, y]}")?["a"]?.text == "010")
        #expect(failure(Array(#"{a: 1, "a": 2}"#.utf8))?.contains("a second time") == true)
        #expect(failure(Array(#"{"a": "x"#.utf8))?.hasPrefix("t.yaml:") == true)
        #expect(failure([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D])?.contains("this is not UTF-8") == true)
    }

    @Test func isBoundedAsYAMLIs() {
        let limits = YAML.Limits(bytes: 1_000, depth: 8, nodes: 100, text: 1_000)
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(failure(nested(8), limits: limits) == nil)
        #expect(failure(nested(9), limits: limits)?.contains("nested more than 8 levels") == true)
        let many = "[" + String(repeating: "1,", count: 100) + "1]"
        #expect(failure(Array(many.utf8), limits: limits)?.contains("grows too large") == true)
    }
}
