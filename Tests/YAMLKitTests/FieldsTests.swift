import Testing
import YAMLKit

private enum Colour: String, CaseIterable, Sendable { case red, green, blue }

private func fields(_ text: String, path: String = "") throws -> Fields {
    Fields(try parse(text), path: path, problems: Problems(source: "t.yaml"))
}

@Suite struct FieldsTests {
    @Test func readsEveryShape() throws {
        let fields = try fields(
            """
            s: 22.10
            q: "no"
            i: 0x10
            d: 1.5
            w: 3
            b: off
            t: 1h30m
            l: [a, 1]
            one: a
            e: green
            sub: {x: 1}
            subs: [{x: 1}, ~, {x: 2}]
            named: {b: {x: 1}, a: ~}
            nothing: ~
            """)
        #expect(fields.string("s") == "22.10")
        #expect(fields.string("q") == "no")
        #expect(fields.int("i") == 16)
        #expect(fields.double("d") == 1.5)
        #expect(fields.double("w") == 3)
        #expect(fields.bool("b") == false)
        #expect(fields.duration("t") == .seconds(5_400))
        #expect(fields.strings("l") == ["a", "1"])
        #expect(fields.strings("one") == ["a"])
        #expect(fields.choice("e", of: Colour.self) == .green)
        #expect(fields.fields("sub")?.int("x") == 1)
        #expect(fields.fieldsList("subs").map { $0.int("x") } == [1, 2])
        #expect(fields.fieldsMap("named").map(\.name) == ["b", "a"])
        #expect(fields.fieldsMap("named").map { $0.fields.int("x") } == [1, nil])
        #expect(fields.string("nothing") == nil)
        #expect(fields.string("absent") == nil)
        #expect(fields.leftovers().isEmpty)
        #expect(fields.problems.all.isEmpty)
    }

    @Test(arguments: [
        ("a: [1]", "t.yaml:1:4: p.a: expected text, found a list"),
        ("a: {}", "t.yaml:1:4: p.a: expected text, found a mapping"),
    ])
    func refusesOtherThanText(text: String, expected: String) throws {
        let fields = try fields(text, path: "p")
        #expect(fields.string("a") == nil)
        #expect(fields.problems.all.map(\.description) == [expected])
    }

    @Test(arguments: [
        ("0", "expected a whole number from 1 to 9, found the number 0"),
        ("10", "expected a whole number from 1 to 9, found the number 10"),
        ("1.0", "expected a whole number from 1 to 9, found the number 1.0"),
        ("'5'", "expected a whole number from 1 to 9, found the text \"5\"; remove the quotes"),
        ("lots", "expected a whole number from 1 to 9, found the text \"lots\""),
        ("true", "expected a whole number from 1 to 9, found the boolean true"),
        ("1e0", "expected a whole number from 1 to 9, found the text \"1e0\"; YAML reads this as text"),
        ("99999999999999999999", "expected a whole number from 1 to 9, found the number 99999999999999999999"),
    ])
    func refusesOtherThanTheNumber(text: String, expected: String) throws {
        let fields = try fields("a: \(text)")
        #expect(fields.int("a", in: 1...9) == nil)
        #expect(fields.problems.all.map(\.description) == ["t.yaml:1:4: a: \(expected)"])
    }

    @Test func refusesOtherShapes() throws {
        let fields = try fields(
            "b: 'yes'\nt: 5 minutes\nl: [[1]]\nm: {x: 1}\ne: grene\ns: text\nsl: [1]\nr: -1s\nn: many\n")
        #expect(fields.bool("b") == nil)
        #expect(fields.duration("t") == nil)
        #expect(fields.strings("l") == nil)
        #expect(fields.strings("m") == nil)
        #expect(fields.choice("e", of: Colour.self) == nil)
        #expect(fields.fields("s") == nil)
        #expect(fields.fieldsList("sl").map { $0.int("x") } == [nil])
        #expect(fields.duration("r", in: .seconds(1) ... .seconds(60)) == nil)
        #expect(fields.double("n") == nil)
        #expect(fields.string("gone", required: true) == nil)
        #expect(
            fields.problems.all.map(\.description) == [
                "t.yaml:1:4: b: expected true or false, found the text \"yes\"; remove the quotes",
                "t.yaml:2:4: t: expected a duration (90, 90s, 5m, 1h30m), found the text \"5 minutes\"",
                "t.yaml:3:5: l[0]: expected text, found a list",
                "t.yaml:4:4: m: expected a list (each: text), found a mapping",
                "t.yaml:5:4: e: expected red, green or blue, found the text \"grene\"; did you mean green?",
                "t.yaml:6:4: s: expected a mapping, found the text \"text\"",
                "t.yaml:7:6: sl[0]: expected a mapping, found the number 1",
                "t.yaml:8:4: r: expected a duration (90, 90s, 5m, 1h30m) from 1s to 1m, found the text \"-1s\"",
                "t.yaml:9:4: n: expected a number, found the text \"many\"",
                "t.yaml:1:1: gone: missing; expected text",
            ])
    }

    @Test func unknownKeysNameTheNearest() throws {
        let fields = try fields("slot: 1\nlab-domain: x\nzzz: 1\ndestory_slots: 2\n\"a b.c\": 1\n")
        for key in ["slots", "lab_domain", "destroy_slots"] { fields.expect(key) }
        fields.reportLeftovers()
        #expect(
            fields.problems.all.map(\.description) == [
                "t.yaml:1:1: slot: unknown key; did you mean slots?",
                "t.yaml:2:1: lab-domain: unknown key; did you mean lab_domain?",
                "t.yaml:3:1: zzz: unknown key",
                "t.yaml:4:1: destory_slots: unknown key; did you mean destroy_slots?",
                "t.yaml:5:1: \"a b.c\": unknown key",
            ])
    }

    @Test func aRootThatIsNoMappingIsAProblem() throws {
        let fields = try fields("- a\n- b\n")
        #expect(fields.problems.all.map(\.description) == ["t.yaml:1:1: expected a mapping, found a list"])
    }

    @Test(
        arguments: [
            ("0", 0), ("90", 90_000), ("1.5", 1_500), ("90s", 90_000), ("500ms", 500), ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000), ("1.5h", 5_400_000), ("1m500ms", 60_500), ("", nil), ("-1", nil), ("5 m", nil),
            ("m", nil),
            ("5x", nil), ("1.2.3", nil), ("5m3", nil), (".", nil), ("99999999999999d", nil), ("1e3", nil),
        ] as [(String, Int?)])
    func durations(text: String, milliseconds: Int?) {
        let value = DurationText.parse(text)
        #expect(value == milliseconds.map { .milliseconds($0) })
        if let value { #expect(DurationText.parse(DurationText.write(value)) == value) }
    }

    @Test func nearestNeedsToBeNear() {
        #expect(Spelling.nearest(to: "usrename", in: ["username", "password"]) == "username")
        #expect(Spelling.nearest(to: "Slots", in: ["slots"]) == "slots")
        #expect(Spelling.nearest(to: "abc", in: ["xyz"]) == nil)
        #expect(Spelling.nearest(to: "fog", in: ["log", "lock"]) == "log")
        #expect(Spelling.nearest(to: "", in: ["lock"]) == nil)
    }
}
