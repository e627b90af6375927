import Configuration
import Provisioning
import Testing

/// Rows of facts/teuthology.md section 4, "Sizes", and of facts/openstack.md 6.1.
@Suite struct FlavorChoiceTests {
    private func flavor(_ name: String, _ ram: Int = 8_000, _ disk: Int = 20, _ vcpus: Int = 1) -> FlavorOption {
        FlavorOption(id: "id-\(name)", name: name, ram: ram, disk: disk, vcpus: vcpus)
    }

    private func choose(
        _ flavors: [FlavorOption], ram: Int = 0, disk: Int = 0, cpus: Int = 0, allow: [String]? = nil,
        exclude: [String]? = nil, mode: ProviderSettings.ExcludeMode = .compat
    ) throws -> Choice<FlavorOption> {
        var rules = FlavorChoice.Rules(mode: mode)
        if let allow { rules.allow = try NamePatterns(allow) }
        if let exclude { rules.exclude = try NamePatterns(exclude) }
        return try FlavorChoice.choose(flavors, for: MachineSize(disk: disk, ram: ram, cpus: cpus), rules: rules)
    }

    private var three: [FlavorOption] {
        [flavor("s0", 8_000, 9_999, 99), flavor("s1", 1 << 16, 20, 99), flavor("s2", 1 << 16, 9_999, 1)]
    }

    @Test func eachNeedAloneFindsItsFlavor() throws {
        #expect(try choose(three, ram: 1 << 16).value.name == "s1")
        #expect(try choose(three, disk: 9_999).value.name == "s0")
        #expect(try choose(three, cpus: 99).value.name == "s0")
        #expect(try choose(three).value.name == "s0")
    }

    @Test func allNeedsTogetherFindNone() throws {
        let error = #expect(throws: SelectionError.self) { try choose(three, ram: 1 << 16, disk: 9_999, cpus: 99) }
        #expect(error?.cause == "no-flavor")
        #expect(error?.fault == .job)
        #expect(error?.message == "no flavor has 65536 MB of RAM, 9999 GB of disk and 99 CPUs among the 3 allowed")
        #expect(
            error?.next
                == "ask for less, or allow a larger flavor; the largest are s2 (65536 MB, 9999 GB, 1 CPUs), "
                + "s1 (65536 MB, 20 GB, 99 CPUs), s0 (8000 MB, 9999 GB, 99 CPUs)")
    }

    @Test func smallestByRAMThenDiskThenCPUsThenOrder() throws {
        let flavors = [
            flavor("d", 9_000, 10, 1), flavor("c", 8_000, 40, 1), flavor("b", 8_000, 20, 2), flavor("a", 8_000, 20, 2),
        ]
        #expect(try choose(flavors, ram: 8_000).value.name == "b")
    }

    /// What is kept of b2-7, b2-75, s1-2 and win-b2-7 in either mode. A list replaces the default.
    static let rules: [(allow: [String]?, exclude: [String]?, compat: [String], any: [String])] = [
        (nil, nil, ["b2-7", "b2-75", "s1-2"], ["b2-7", "b2-75", "s1-2"]),
        (["b2-7"], nil, ["b2-7", "b2-75"], ["b2-7", "b2-75"]),
        (["7"], nil, [], []),
        (["b2-7$", "s1"], nil, ["b2-7", "s1-2"], ["b2-7", "s1-2"]),
        ([], nil, [], []),
        (nil, ["s1"], ["b2-7", "b2-75", "win-b2-7"], ["b2-7", "b2-75", "win-b2-7"]),
        (nil, ["B2-.*"], ["b2-7", "b2-75", "s1-2", "win-b2-7"], ["b2-7", "b2-75", "s1-2", "win-b2-7"]),
        (nil, [], [], ["b2-7", "b2-75", "s1-2", "win-b2-7"]),
        // Nothing matches both.
        (nil, ["win-.*", "s1-.*"], ["b2-7", "b2-75", "s1-2", "win-b2-7"], ["b2-7", "b2-75"]),
        (nil, ["win-.*|s1-.*"], ["b2-7", "b2-75"], ["b2-7", "b2-75"]),
        (nil, ["win-.*", ".*7"], ["b2-7", "b2-75", "s1-2"], ["s1-2"]),
    ]

    @Test(arguments: rules)
    func allowsAndExcludes(allow: [String]?, exclude: [String]?, compat: [String], any: [String]) throws {
        for (mode, kept) in [(ProviderSettings.ExcludeMode.compat, compat), (.any, any)] {
            for name in ["b2-7", "b2-75", "s1-2", "win-b2-7"] {
                let choice = try? choose([flavor(name)], allow: allow, exclude: exclude, mode: mode)
                #expect((choice != nil) == kept.contains(name), "\(name) with \(mode)")
            }
        }
    }

    @Test func patternsThatExcludeNothingAreWarnedAbout() throws {
        let flavors = [flavor("b2-7"), flavor("s1-2"), flavor("win-b2-7")]
        let choice = try choose(flavors, exclude: ["win-.*", "s1-.*"])
        #expect(choice.warnings.count == 1)
        #expect(choice.warnings.first?.contains("kept although one matches: s1-2, win-b2-7;") == true)
        #expect(try choose([flavor("b2-7")], exclude: ["win-.*", "s1-.*"]).warnings.isEmpty)
        #expect(try choose(flavors, exclude: ["win-.*|s1-.*"]).warnings.isEmpty)
        #expect(try choose(flavors, exclude: ["win-.*", "s1-.*"], mode: .any).warnings.isEmpty)
    }

    @Test func anEmptyExcludeListIsExplained() {
        let error = #expect(throws: SelectionError.self) { try choose([flavor("b2-7")], exclude: []) }
        #expect(error?.fault == .configuration)
        #expect(error?.next.contains("remove the key") == true)
        #expect(throws: SelectionError.self) { try choose([]) }
        let other = #expect(throws: SelectionError.self) {
            try choose([flavor("b")], allow: [], exclude: [], mode: .any)
        }
        #expect(other?.next == "check allow_sizes and exclude_sizes")
    }
}
