import HTTPKit
import Testing

@Suite struct JSONParserTests {
    @Test(arguments: [
        (#" {"a" : [1, -2.5e1, true, false, null] , "b":{}} "#, #"{"a":[1,-25,true,false,null],"b":{}}"#),
        (#""\u00e9\ud83d\ude00\/\n\"""#, #""é😀/\n\"""#),
        ("1.0", "1"),
        ("-0", "0"),
        ("12345678901234567890", "1.2345678901234567e+19"),
        (#"{"a":1,"a":2}"#, #"{"a":2}"#),
        // Half a character, as Python writes a byte that it could not decode: the rest stays readable.
        (#""a\udc80b""#, "\"a\u{FFFD}b\""),
        (
            #"["\ud83d", "\ud83dx", "\ud83d\n", "\ud83d\ud83d\ude80"]"#,
            "[\"\u{FFFD}\",\"\u{FFFD}x\",\"\u{FFFD}\\n\",\"\u{FFFD}🚀\"]"
        ),
        ("[]", "[]"),
    ])
    func reads(_ text: String, _ written: String) throws {
        #expect(try JSONValue(parsing: Array(text.utf8)).text == written)
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\" 1}", "{a:1}", "01", "1.", "1e", "+1", ".5", "tru", "nul", "\"a", "\"\\x\"",
        "\"\\u12g4\"", "\"\\ud83d\\u12\"", "\"\u{1}\"", "1 2", "<html>", "1e999", "[1 2]",
        "NaN", "-Infinity", "N", "{\"a\":1,}",
    ])
    func refuses(_ text: String) {
        #expect(throws: (any Error).self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    @Test func refusesWhatIsNotUTF8AndWhatIsTooDeep() {
        #expect(throws: (any Error).self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
        #expect(throws: (any Error).self) { try JSONValue(parsing: [UInt8](repeating: 0x5B, count: 100_000)) }
    }

    /// A text cut anywhere is no value.
    @Test func refusesEveryPrefix() {
        let whole = Array(#"{"server":{"id":"a\u00e9","n":[1,2.5,null],"t":true}}"#.utf8)
        for length in 0..<whole.count {
            #expect(throws: (any Error).self) { try JSONValue(parsing: Array(whole.prefix(length))) }
        }
    }
}
