import Testing
import YAMLKit

func parse(_ text: String, limits: YAML.Limits = .file) throws -> Node? {
    try YAML.parse(text, source: "t.yaml", limits: limits)
}

func failure(_ bytes: [UInt8], limits: YAML.Limits = .file) -> String? {
    do throws(YAMLError) {
        _ = try YAML.parse(bytes, source: "t.yaml", limits: limits)
        return nil
    } catch {
        return error.description
    }
}

@Suite struct ParsingTests {
    @Test func keepsTextOrderAndPlaces() throws {
        let root = try #require(try parse("# hello\nb: 22.10\na:\n  - 'x'\n  - {k: no}\nü: ~\n"))
        let mapping = try #require(root.mapping)
        #expect(mapping.keys == ["b", "a", "ü"])
        #expect(root["b"]?.text == "22.10")
        #expect(root["b"]?.mark == Mark(line: 2, column: 4))
        #expect(mapping.entry("a")?.keyMark == Mark(line: 3, column: 1))
        #expect(root["a"]?.sequence?[0].mark == Mark(line: 4, column: 5))
        #expect(root["a"]?.sequence?[1]["k"]?.scalar == Scalar(text: "no", isPlain: true))
        #expect(root["a"]?.sequence?[0].scalar?.isPlain == false)
        #expect(root["ü"]?.isNull == true)
    }

    @Test(arguments: ["", "\n", "# only\n", "---\n", "--- ~\n", "null"])
    func emptyDocumentsAreNil(text: String) throws {
        #expect(try parse(text) == nil)
    }

    @Test func readsJSON() throws {
        let root = try #require(try parse(#"{"a": [1, true, null, "x\ny", {"b": -1.5e+3}], "c": "\u00e9"}"#))
        #expect(root["a"]?.sequence?.map(\.text) == ["1", "true", "null", "x\ny", nil])
        #expect(root["c"]?.text == "é")
    }

    @Test func dropsAByteOrderMark() throws {
        #expect(try YAML.parse([0xEF, 0xBB, 0xBF] + Array("a: 1".utf8), source: "t", limits: .job)?["a"]?.text == "1")
    }

    @Test func standardTagsDecideTheType() throws {
        let root = try #require(try parse("a: !!str 1\nb: !!int \"2\"\nc: ! 3\nd: !!seq []\ne: !!map {}\n"))
        #expect(root["a"] == .string("1"))
        #expect(root["b"] == .integer(2))
        #expect(root["c"] == .string("3"))
    }

    /// Whoever reads the value sees that it is something else; whoever passes it on passes the tag on, as PyYAML's
    /// loaders and dumpers do.
    @Test(arguments: [
        ("!!binary aGk=", "!!binary aGk="), ("!!binary |\n  aGVs\n  bG8K\n", "!!binary |\n  aGVs\n  bG8K"),
        ("!!set {x, 1}", "!!set\n  x: null\n  1: null"), ("!!omap [a: 1]", "!!omap\n  - a: 1"),
        ("[!!omap [a: 1], [!!pairs [b: 2]]]", "\n- !!omap\n  - a: 1\n- - !!pairs\n    - b: 2"),
        ("!!float 1", "!!float '1'"), ("!!int 1", "1"), ("!!bool 'yes'", "yes"), ("!!str 1", "'1'"),
        ("!!timestamp 2001-12-14", "2001-12-14"), ("!!set {}", "!!set {}"), ("!mine {k: v}", "!<%21mine>\n  k: v"),
        ("!!python/object:os.system 1", "!!python/object:os.system '1'"), ("!<x%20%2Cy> 1", "!<x%20%2Cy> '1'"),
        ("!!seq [1]", "\n- 1"), ("&x !!set {a}", "!!set\n  a: null"),
    ])
    func tagsStayWithTheirNodes(value: String, written: String) throws {
        let root = try #require(try parse("a: \(value)"))
        let text = YAMLWriter.write(root)
        #expect(text == "a:\(written.hasPrefix("\n") ? "" : " ")\(written)\n")
        #expect(try parse(text) == root)
    }

    @Test func aTaggedNodeIsNothingElse() throws {
        let node = try #require(try parse("a: !!binary aGk=")?["a"])
        #expect(node.text == nil && !node.isNull && node.mapping == nil)
        #expect(node.summary == "a value with a tag (quote a text that begins with !)")
        #expect(node.tags.map(\.tag) == [YAML.tagPrefix + "binary"])
        let problems = Problems(source: "t")
        #expect(Shape.string.read(node, "a", problems) == nil)
        #expect(problems.errors.count == 1)
    }

    /// `1` and `'1'` are different keys to cloud-init.
    @Test func keysStayWhatTheyAre() throws {
        let text = "1: a\n'2': b\ntrue: c\n'no': d\nnull: e\n1.5: f\n2001-12-14: g\nh: {3: i}\n"
        #expect(try YAMLWriter.write(#require(try parse(text))) == text.replacing(" {3: i}", with: "\n  3: i"))
    }

    @Test(arguments: [
        ("a # b", true), ("a#b", false), ("'a' # b", false), ("ü€𝄞 \t # b", true), ("a\n# b", false), ("# b", true),
        ("[x # b\n]", true), ("a b\n  c # d", true),
    ])
    func seesACommentBehindAPlainScalar(text: String, isCommented: Bool) throws {
        let node = try #require(try parse("ä: ö\nk: \(text)\n"))
        let scalar = node["k"]?.sequence?.first?.scalar ?? node["k"]?.scalar
        #expect(scalar?.isCommented == isCommented)
    }

    @Test(arguments: [
        ("a: b: c", "t.yaml:1:5: mapping values are not allowed in this context; quote a text that contains a colon"),
        ("a: 1\n\tb: 2", "t.yaml:2:1: found a tab character that violates indentation while scanning a plain scalar"),
        (
            "a: [1, 2",
            "t.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence that begins on line 1"
        ),
        (
            "x:\n  - a\n b: 1\n",
            "t.yaml:3:2: did not find expected key while parsing a block mapping that begins on line 1"
        ),
        ("a: 1\nb: 2\na: 3", "t.yaml:3:1: the key \"a\" is here a second time; first on line 1"),
        ("{a: 1, \"a\": 2}", "t.yaml:1:8: the key \"a\" is here a second time"),
        ("a: 1\n---\nb: 2", "t.yaml:2:1: a second document begins here; only one"),
        ("? [1, 2]\n: x", "t.yaml:1:3: a key must be a scalar"),
        ("!!binary aGk=: x", "t.yaml:1:1: a key must be a scalar"),
        ("null: 1\n~: 2", "t.yaml:2:1: the key \"null\" is here a second time; first on line 1"),
        ("a: *nope", "t.yaml:1:4: this alias has no anchor"),
        ("a: &x [1, *x]", "t.yaml:1:11: this alias repeats a node that contains it"),
        ("<<: 1", "t.yaml:1:1: << merges a mapping or a list of mappings, found the number 1"),
        ("a: \u{1}", "t.yaml:1:4: the character U+1 is not allowed"),
        ("ü: \0", "t.yaml:1:4: the character U+0 is not allowed; YAML is text in UTF-8"),
        ("a: \u{7F}", "t.yaml:1:4: the character U+7F is not allowed"),
        ("@x", "t.yaml:1:1: found character that cannot start any token while scanning for the next token; indent"),
    ])
    func refusesWithPlace(text: String, expected: String) throws {
        let message = try #require(failure(Array(text.utf8)))
        #expect(message.hasPrefix(expected))
    }

    @Test(
        arguments: [
            ([0xFF, 0xFE, 0x61, 0x00], "t.yaml:1:1: this is UTF-16; save it as UTF-8"),
            ([0xFE, 0xFF, 0x00, 0x61], "t.yaml:1:1: this is UTF-16; save it as UTF-8"),
            ([0x61, 0x00, 0x3A, 0x00], "t.yaml:1:2: the character U+0 is not allowed"),
            ([0x61, 0x0A, 0x62, 0xC3, 0x28], "t.yaml:2:2: this is not UTF-8"),
            ([0xC0, 0x80], "t.yaml:1:1: this is not UTF-8"),
            ([0xED, 0xA0, 0x80], "t.yaml:1:1: this is not UTF-8"),
            ([0x7F, 0x45, 0x4C, 0x46, 0x02], "t.yaml:1:1: the character U+7F is not allowed"),
        ] as [([UInt8], String)])
    func refusesBinary(bytes: [UInt8], expected: String) throws {
        let message = try #require(failure(bytes))
        #expect(message.hasPrefix(expected))
    }
}

@Suite struct DamageTests {
    /// Whatever the bytes are: a tree that can be written and read again, or an error with a place.
    @Test func damagedTextsNeverDoHarm() throws {
        let sample = Array(
            """
            # c
            a: &x {k: [1, 'two', "th\\u00e9ree"], <<: {z: !!str 5}}
            b: [*x, *x, ~, -1.5e+3, 2026-11-22]
            c: |
              literal
                text
            ? long key
            : >-
              folded
              text
            """.utf8)
        var random = Seeded(state: 4_711)
        var parsed = 0
        for _ in 0..<5_000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: position)
                case 2: bytes.insert(sample.randomElement(using: &random) ?? 0, at: position)
                default: bytes.removeSubrange(position...)
                }
                if bytes.isEmpty { bytes = [0x61] }
            }
            do throws(YAMLError) {
                guard let node = try YAML.parse(bytes, source: "t", limits: .job) else { continue }
                parsed += 1
                let again = try YAML.parse(YAMLWriter.write(node), source: "written", limits: .file)
                #expect(again == node)
            } catch {
                #expect(error.source == "t" && error.line >= 1 && error.column >= 1, "\(error)")
            }
        }
        #expect(parsed > 100)
    }
}

@Suite struct AliasTests {
    @Test func aliasesRepeatTheNode() throws {
        let root = try #require(try parse("a: &x {k: [1]}\nb: *x\nc: &x 5\nd: *x\n"))
        #expect(root["b"] == root["a"])
        #expect(root["d"]?.text == "5")
    }

    /// The results are PyYAML's (6.0.3), order included.
    @Test(arguments: [
        ("b: &b {x: 1, y: 2}\nm: {<<: *b, y: 3}", ["x=1", "y=3"]),
        ("b: &b {x: 1}\nc: &c {x: 2, z: 3}\nm: {a: 0, <<: [*b, *c]}", ["x=1", "z=3", "a=0"]),
        ("b: &b {x: 1}\nm: {x: 9, <<: *b}", ["x=9"]),
        ("m: {\"<<\": 1}", ["<<=1"]),
        ("m: {<<: {x: 1}}", ["x=1"]),
        ("b: &b {x: 1}\nc: &c {<<: *b, y: 2}\nm: {<<: *c}", ["x=1", "y=2"]),
    ])
    func mergesAsPyYAML(text: String, expected: [String]) throws {
        let merged = try #require(try parse(text)?["m"]?.mapping)
        #expect(merged.entries.map { "\($0.key)=\($0.value.text ?? "?")" } == expected)
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try parse(nested(64)) != nil)
        #expect(failure(Array(nested(65).utf8)) == "t.yaml:1:65: nested more than 64 levels deep")
        #expect(failure(Array(String(repeating: "[", count: 60_000).utf8)) != nil)
        #expect(failure(Array(String(repeating: "- ", count: 60_000).utf8)) != nil)
        #expect(failure(Array(String(repeating: "? ", count: 60_000).utf8)) != nil)
        // An alias brings its own depth along.
        let aliased = "a: &a \(nested(60))\nb: [[[[[*a]]]]]\n"
        #expect(failure(Array(aliased.utf8))?.contains("nested more than 64 levels deep") == true)
    }

    @Test func nodesAreBoundedAfterExpansion() throws {
        var bomb = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*l\(level - 1)", count: 9).joined(separator: ", ")
            bomb += "l\(level): &l\(level) [\(aliases)]\n"
        }
        #expect(failure(Array(bomb.utf8))?.contains("the document grows too large here") == true)
        #expect(failure(Array(bomb.utf8), limits: .job)?.contains("the document grows too large here") == true)
    }

    @Test func textIsBoundedAfterExpansion() throws {
        let long = String(repeating: "x", count: 40_000)
        let bomb = "a: &a \(long)\nb: [\(Array(repeating: "*a", count: 30).joined(separator: ", "))]\n"
        #expect(failure(Array(bomb.utf8), limits: .job)?.contains("grows too large") == true)
        #expect(failure(Array(bomb.utf8), limits: .file) == nil)
    }

    @Test func sizeIsBounded() throws {
        let limits = YAML.Limits(bytes: 10, depth: 4, nodes: 10, text: 100)
        #expect(failure(Array("a: 4567890".utf8), limits: limits) == nil)
        #expect(
            failure(Array("a: 45678901".utf8), limits: limits)
                == "t.yaml:1:1: 11 bytes are too many; at most 10 are read")
    }
}
