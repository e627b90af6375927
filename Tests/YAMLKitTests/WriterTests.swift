import Testing
import YAMLKit

/// SplitMix64: the same texts in every run.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

@Suite struct WriterTests {
    @Test func writesBlockStyle() {
        let node = Node.map([
            ("user", .string("ubuntu")), ("list", .strings(["a", "no", "22.10"])), ("empty", .list([])),
            ("none", .map([])), ("num", .integer(5)), ("f", .number(1e22)), ("t", .boolean(true)), ("z", .null),
            ("nested", .list([.strings(["passwd", "-d"]), .map([("k", .integer(1)), ("l", .strings(["x"]))])])),
            ("script", .string("#!/bin/sh\n\n  echo hi\n")), ("open", .string("a\nb")), ("kept", .string("a\n\n")),
            ("key: odd", .string("x: y")), ("uni", .string("grün ☂")), ("quote", .string("it's #1")),
        ])
        #expect(
            YAMLWriter.write(node) == """
                user: ubuntu
                list:
                - a
                - 'no'
                - '22.10'
                empty: []
                none: {}
                num: 5
                f: 1.0e+22
                t: true
                z: null
                nested:
                - - passwd
                  - '-d'
                - k: 1
                  l:
                  - x
                script: |
                  #!/bin/sh

                    echo hi
                open: |-
                  a
                  b
                kept: |+
                  a

                'key: odd': 'x: y'
                uni: 'grün ☂'
                quote: 'it''s #1'

                """)
    }

    @Test func sortsKeysByCodePoint() {
        let node = Node.map([
            ("b", .map([("z", .integer(1)), ("a", .integer(2))])), ("B", .null), ("é", .null), ("z", .null),
        ])
        #expect(YAMLWriter.write(node, sortKeys: true) == "B: null\nb:\n  a: 2\n  z: 1\nz: null\n'é': null\n")
    }

    @Test(arguments: [
        "", " ", "~", "null", "no", "y", "true", "1", "1e3", "0o17", "0x1f", "22.10", "1:30", "2026-11-22", "=", "<<",
        "-", "--- a",
        "...", "? x", ": x", "a:", "a: b", "a #b", "#a", "- a", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "'", "\"",
        "\\",
        "[a", "{a", "a]", "a, b", "\ta", "a\t", " a", "a ", "\n", "\n\n", "a\n", "a\n\n", "\na", " \na", "a\n b\n",
        "a\n \n", "a\n\tb",
        "a\r\nb", "\r", "a\u{85}b", "a\u{2028}b", "\u{FEFF}a", "\u{0}", "\u{1F600}\n", "\u{E000}", "\u{FFFE}",
        "a\u{301}",
        "ssh-rsa AAAA+/= me@host", "echo 'x' > /tmp/y && z",
    ])
    func roundTripsOddTexts(text: String) throws {
        try roundTrip(text)
    }

    @Test func roundTripsRandomTexts() throws {
        var random = Seeded(state: 20_261_122)
        let pieces: [String] = [
            " ", "  ", "\n", "\n\n", "\t", "\r", ":", ": ", "#", " #", "-", "- ", "'", "\"", "\\", "|", ">", "&", "*",
            "!", "%",
            "@", "`", "[", "]", "{", "}", ",", "?", "? ", "~", "null", "yes", "0", "1", "22.10", "a", "word", "é", "☂",
            "\u{1F600}",
            "\u{0}", "\u{7}", "\u{1B}", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}", "\u{FEFF}", "---", "...", "<<", "=",
            "é",
        ]
        for _ in 0..<1_000 {
            let count = Int.random(in: 0...12, using: &random)
            try roundTrip((0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined())
        }
    }

    /// As a value, a list item, a nested value, a key, and alone.
    private func roundTrip(_ text: String) throws {
        let node = Node.map([
            ("v", .string(text)), ("l", .list([.string(text), .list([.string(text)])])),
            ("m", .map([("k", .string(text)), (text.isEmpty ? "e" : text + "k", .string(text))])),
            ("after", .integer(1)),
        ])
        for tree in [node, Node.string(text), .list([.string(text), .integer(2)])] {
            let written = YAMLWriter.write(tree)
            let back = try YAML.parse(written, source: "back", limits: .file)
            #expect(Self.bytes(back) == Self.bytes(tree), "\(written)")
        }
    }

    /// Swift's `==` takes canonically equivalent texts for equal; here every byte counts.
    private static func bytes(_ node: Node?) -> [String] {
        guard let node else { return [] }
        switch node.kind {
        case .scalar(let scalar): return ["\(scalar.type) \(Array(scalar.text.utf8))"]
        case .sequence(let items): return ["["] + items.flatMap { bytes($0) } + ["]"]
        case .mapping(let mapping):
            return ["{"] + mapping.entries.flatMap { ["\(Array($0.key.utf8))"] + bytes($0.value) } + ["}"]
        case .tagged(let tag, let node): return [tag] + bytes(node)
        }
    }

    @Test func roundTripsLongKeys() throws {
        let key = String(repeating: "k", count: 5_000)
        let node = Node.map([(key, .list([.integer(1)])), ("b", .map([(key, .string("x"))]))])
        #expect(try YAML.parse(YAMLWriter.write(node), source: "back", limits: .file) == node)
    }

    @Test(arguments: [0, 1, -1.5, 1e15, 1e22, 1.5e-7, 0.1, .greatestFiniteMagnitude, .leastNonzeroMagnitude])
    func numbersStayNumbers(value: Double) throws {
        let node = Node.number(value)
        #expect(node.scalar?.type == .float)
        #expect(node.text.flatMap(ScalarType.number) == value)
    }
}

@Suite struct WriterLimitTests {
    private static let long: [String] = [
        String(repeating: "x", count: 50_000), String(repeating: "\u{1}", count: 50_000),
        String(repeating: "\"\n", count: 20_000), String(repeating: "🚀", count: 20_000),
        // One character, as Swift counts.
        "e" + String(repeating: "\u{301}", count: 20_000),
    ]

    @Test(arguments: long, [2_000, 16_384, 65_535])
    func cutsTextsUntilTheDocumentFits(text: String, limit: Int) throws {
        let node = Node.map([("a", .string(text)), ("b", .list([.string(text), .map([("c", .string(text))])]))])
        let written = YAMLWriter.write(node, limit: limit)
        #expect(written.utf8.count <= limit)
        let back = try #require(try YAML.parse(written, source: "back", limits: .job))
        let cut = try #require(back["a"]?.text)
        #expect(cut.hasSuffix("…") && text.unicodeScalars.starts(with: cut.unicodeScalars.dropLast()))
    }

    @Test func cutsListsAndSaysHowManyAreMissing() throws {
        let names = (0..<3_000).map { "volume \($0)" }
        let node = Node.map([("left", .strings(names)), ("steps", .list(names.map { .map([("step", .string($0))]) }))])
        let back = try #require(
            try YAML.parse(YAMLWriter.write(node, limit: 16_384), source: "back", limits: .job))
        let left = back["left"]?.sequence?.compactMap(\.text) ?? []
        #expect(left.first == "volume 0" && left.last == "… and \(3_001 - left.count) more")
        #expect(back["steps"]?.sequence?.last?["step"]?.text == "volume 2999")
    }

    @Test func leavesAloneWhatFits() {
        let node = Node.map([("a", .string("b")), ("c", .integer(1))])
        #expect(YAMLWriter.write(node, limit: 100) == YAMLWriter.write(node))
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdef", 5, "ab…"), ("ééé", 5, "é…"), ("🚀🚀", 7, "🚀…"), ("abcd", 3, "…"),
    ])
    func shortensByWholeScalars(text: String, bytes: Int, short: String) {
        #expect(text.shortened(to: bytes) == short)
    }
}
