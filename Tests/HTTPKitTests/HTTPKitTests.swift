import HTTPKit
import Testing
import World

@Suite struct URLTextTests {
    @Test func escapesAllButUnreserved() {
        #expect(URLText.escape("a b+c/ü~") == "a%20b%2Bc%2F%C3%BC~")
        #expect(URLText.unescape("a%20b%2Bc%2F%C3%BC~") == "a b+c/ü~")
        #expect(URLText.unescape("50%+x%2", plusIsSpace: true) == "50% x%2")
    }

    @Test func nothingBreaksTheLineOfARequest() {
        let plain = "http://h:1/a%20b?c=d&e"
        #expect(URLText.printable(plain) == plain)
        #expect(URLText.printable("/x?a b\r\nX: é") == "/x?a%20b%0D%0AX:%20%C3%A9")
    }

    @Test func takesURLsApart() {
        #expect(URLText.target(of: "http://h:1/a/b?x=1#f") == ("/a/b", "x=1"))
        #expect(URLText.target(of: "http://h") == ("/", ""))
        #expect(URLText.target(of: "http://h?x=1") == ("/", "x=1"))
        #expect(URLText.target(of: "/nodes/?count=2") == ("/nodes/", "count=2"))
        #expect(URLText.origin(of: "https://h:5000/v3") == "https://h:5000")
        #expect(URLText.origin(of: "h:5000/v3") == nil)
        for url in ["http://127.0.0.1:5000/v3", "https://localhost", "http://localhost:1/", "http://[::1]:80/x"] {
            #expect(URLText.isLoopback(url))
        }
        for url in ["http://cloud:5000", "http://localhost.example.com/", "http://[2001:db8::1]/", "127.0.0.1"] {
            #expect(!URLText.isLoopback(url))
        }
        let items = URLText.items(of: "a=1&b=x%26y&c&a=2")
        #expect(items.map(\.name) == ["a", "b", "c", "a"])
        #expect(items.map(\.value) == ["1", "x&y", "", "2"])
    }
}

@Suite struct JSONValueTests {
    @Test func writesSortedAndReadsBack() throws {
        let value: JSONValue = ["b": [1, 2.5, true, nil], "a": "q\"\n\u{1}é"]
        #expect(value.text == #"{"a":"q\"\n\u0001é","b":[1,2.5,true,null]}"#)
        #expect(try JSONValue(parsing: value.bytes) == value)
        #expect(throws: (any Error).self) { try JSONValue(parsing: Array("<html>".utf8)) }
    }

    /// JSON is shown on terminals, too.
    @Test func escapesWhatATerminalActsOn() throws {
        let commands: [Unicode.Scalar] =
            (0..<0xA0).map { Unicode.Scalar(UInt8($0)) }.filter { $0.value < 0x20 || $0.value > 0x7E } + [
                "\u{061C}", "\u{200E}", "\u{200F}", "\u{2028}", "\u{2029}", "\u{202A}", "\u{202E}", "\u{2066}",
                "\u{2069}",
            ]
        for scalar in commands {
            let value: JSONValue = .string("a\(scalar)ü")
            #expect(!value.text.unicodeScalars.contains(scalar), "U+\(String(scalar.value, radix: 16))")
            #expect(try JSONValue(parsing: value.bytes) == value)
        }
        let harmless: JSONValue = "£ Ø ß … “ 👩‍👩‍👧 日本語 \u{200B}\u{FEFF}"
        #expect(harmless.text == "\"\(harmless.string ?? "")\"")
        #expect(JSONValue.string("\u{7F}\u{9B}\u{202E}").text == #""\u007f\u009b\u202e""#)
    }
}

extension JSONValue: ExpressibleByFloatLiteral {
    public init(floatLiteral value: Double) { self = .number(value) }
}

@Suite struct TimestampTests {
    @Test func differencesAndSumsEndAtTheirLimits() {
        let (first, now, last) = (Timestamp(microseconds: .min), Timestamp(seconds: 1), Timestamp(microseconds: .max))
        #expect(last - first == .microseconds(Int64.max) && first - last == .microseconds(Int64.min))
        #expect(now - first == .microseconds(Int64.max) && first - now < .zero)
        #expect(first - .seconds(3) == first && last + .seconds(3) == last && last - .seconds(3) < last)
        #expect(now + .seconds(2) == Timestamp(seconds: 3) && now - now == .zero)
    }

    @Test(arguments: [
        ("2026-11-22T15:42:54Z", "2026-11-22T15:42:54Z"),
        ("2026-11-22 15:22:56.288681", "2026-11-22T15:22:56.288681Z"),
        ("2026-01-01 00:00:00", "2026-01-01T00:00:00Z"),
        ("2014-01-31T15:30:58+02:00", "2014-01-31T13:30:58Z"),
        ("2000-02-29T23:59:59.5Z", "2000-02-29T23:59:59.500000Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ("2026-11-22", "2026-11-22T00:00:00Z"),
    ])
    func readsEveryFormSeen(text: String, written: String) {
        #expect(Timestamp(parsing: text)?.description == written)
    }

    @Test(arguments: ["", "soon", "2026-13-01", "2026-11-22T", "2026-11-22T15:42:54 CET"])
    func refusesOthers(text: String) {
        #expect(Timestamp(parsing: text) == nil)
    }

    @Test func timesOfAnySizeAreTakenAndCompared() {
        #expect(Timestamp(seconds: .max).microseconds == .max)
        #expect(Timestamp(seconds: .min).microseconds == .min)
        #expect(Timestamp(microseconds: .max).description == "294247-01-10T04:00:54.775807Z")
        #expect(Timestamp(microseconds: .min).description == "-290308-12-21T19:59:05.224192Z")
        #expect(Timestamp(parsing: "9999-12-31T23:59:59-01:00") == nil)
        #expect(Timestamp(parsing: "0000-01-01T00:00:00+01:00") == nil)
        #expect((Duration.zero - .seconds(Int64.min)).nanoseconds == .max)
        #expect(Duration.seconds(Int64.min).nanoseconds == .min)
    }

    @Test func durationsForPeople() {
        #expect(Duration.milliseconds(340).short == "340ms")
        #expect(Duration.milliseconds(1_500).short == "1.5s")
        #expect(Duration.seconds(130).short == "2m10s")
        #expect(Duration.seconds(3_900).short == "1h05m")
    }
}
