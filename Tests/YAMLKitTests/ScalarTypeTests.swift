import Testing
import YAMLKit

@Suite struct ScalarTypeTests {
    /// What PyYAML 6.0.3's SafeLoader made of each (`yaml.compose(text).tag`).
    @Test(arguments: [
        (ScalarType.null, ["", "~", "null", "Null", "NULL"]),
        (.boolean, ["yes", "No", "TRUE", "false", "on", "Off", "OFF"]),
        (.integer, ["0", "-0", "+12", "1_000", "0x1F", "0b1010", "017", "0_7", "1:30", "-190:20:30", "0x_", "00"]),
        (.float, ["1.5", "-0.5", ".5e+3", "1.", "1_0.2_5", "1.5e+3", ".inf", "-.Inf", "+.INF", ".nan", "22.10"]),
        (.float, ["190:20:30.15", "1:30.", "1.e-5"]),
        (.timestamp, ["2026-11-22", "2026-1-2 3:04:05", "2026-11-22T15:42:54Z", "2026-11-22t15:42:54.5 +01:00"]),
        (.merge, ["<<"]), (.value, ["="]),
        (.string, ["nULL", "y", "N", "yEs", "1e3", "1.5e3", "0o17", "08", "0b2", "0x", "1:60", "-", "+", ".", "..."]),
        (.string, ["2026-1-2", "26-11-22", "1,000", "-.nan", "inf", "12a", "<<x", "==", "0xg", "_1", "1:", "- 1"]),
        (.string, ["ubuntu", "22.04.3", "9.stream", "-inf", "+.nan", "1.5e", ".e+1", "2026-11-22T", "٣"]),
    ])
    func resolvesAsPyYAML(type: ScalarType, texts: [String]) {
        for text in texts { #expect(ScalarType(resolving: text) == type, "\(text)") }
    }

    @Test(
        arguments: [
            ("0", 0), ("+12", 12), ("1_000", 1000), ("0x1F", 31), ("-0b1010", -10), ("017", 15), ("1:30", 90),
            ("-190:20:30", -685_230), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
            ("9223372036854775808", nil), ("99999999999999999999:00", nil), ("1.0", nil), ("x", nil), ("0x_", nil),
        ] as [(String, Int?)])
    func readsIntegers(text: String, value: Int?) {
        #expect(ScalarType.integer(text) == value)
    }

    @Test(
        arguments: [
            ("1.5", 1.5), ("-0.5", -0.5), ("-.5", nil), ("1_0.2_5", 10.25), ("1.5e+3", 1500), ("7", 7), ("1.", 1),
            (".inf", nil),
            (".nan", nil),
            ("1e3", nil), ("1:30.5", nil),
        ] as [(String, Double?)])
    func readsNumbers(text: String, value: Double?) {
        #expect(ScalarType.number(text) == value)
    }
}
