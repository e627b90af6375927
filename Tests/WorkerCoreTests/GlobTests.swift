import Testing
import WorkerCore

@Suite struct GlobTests {
    @Test(arguments: [
        ("ovh*", "ovh001"), ("*", ""), ("ovh00?", "ovh009"), ("*1*3*", "ovh123"), ("OVH001", "ovh001"), ("a**", "a"),
        ("*.front.*.com", "ovh1.front.sepia.ceph.com"),
    ])
    func matches(_ pattern: String, _ name: String) {
        #expect(Glob(pattern).matches(name))
    }

    @Test(arguments: [("ovh", "ovh001"), ("?", ""), ("ovh00?", "ovh0010"), ("*9", "ovh001"), ("", "a"), ("a*b", "ab0")])
    func matchesNot(_ pattern: String, _ name: String) {
        #expect(!Glob(pattern).matches(name))
    }

    /// Would take for ever if every star were tried again.
    @Test func manyStars() {
        #expect(!Glob(String(repeating: "a*", count: 200) + "b").matches(String(repeating: "a", count: 5_000)))
    }
}
