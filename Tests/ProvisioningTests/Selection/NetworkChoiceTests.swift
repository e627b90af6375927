import Configuration
import Lab
import Provisioning
import Testing

/// Rows of facts/teuthology.md section 4, "Networks, security groups", and 3.3.
@Suite struct NetworkChoiceTests {
    static let nets = ["net0", "net1", "ext"].map { NetworkOption(id: "id-\($0)", name: $0) }

    static let rows: [(allow: [String]?, kept: [String])] = [
        (nil, ["net0", "net1", "ext"]), ([".*"], ["net0", "net1", "ext"]), (["net"], ["net0", "net1"]),
        (["net1", "ext"], ["net1", "ext"]), (["0"], []), ([], []),
    ]

    @Test(arguments: rows)
    func everyAllowedNetworkBecomesAnInterface(allow: [String]?, kept: [String]) throws {
        let choice = NetworkChoice.choose(Self.nets, allow: try allow.map(NamePatterns.init) ?? .everything)
        #expect(choice.value == .networks(Self.nets.filter { kept.contains($0.name) }))
        #expect(choice.warnings.count == (kept.isEmpty ? 1 : 0))
    }

    @Test func aCloudWithoutNetworksIsAskedForNone() throws {
        #expect(NetworkChoice.choose([], allow: try NamePatterns(["net"])) == Choice(.unspecified))
    }

    @Test func groupsAreFoundByTheirWholeName() throws {
        let groups = ["group0", "group1", "group2", "twice", "twice"].enumerated().map {
            SecurityGroupOption(id: "id\($0.offset)", name: $0.element)
        }
        func choose(_ wanted: [String]) throws -> [String] {
            try SecurityGroupChoice.choose(groups, wanted: wanted).map(\.id)
        }
        #expect(try choose(["group1"]) == ["id1"])
        #expect(try choose(["group2", "group0"]) == ["id2", "id0"])
        #expect(try choose([]) == [])
        #expect(try choose(["id4"]) == ["id4"])
        let missing = #expect(throws: SelectionError.self) { try choose(["group"]) }
        #expect(missing?.message == #"no security group has the name "group""#)
        let double = #expect(throws: SelectionError.self) { try choose(["twice"]) }
        #expect(double?.message == #"2 security groups have the name "twice""#)
        #expect(double?.next == "write the id of the right one into security_groups: id3, id4")
    }

    static let addresses: [(addresses: [String], SSHInterface, chosen: String?)] = [
        (["10.0.0.5", "192.0.2.8"], .publicIPs, "192.0.2.8"),
        (["10.0.0.5", "192.0.2.8"], .privateIPs, "10.0.0.5"),
        (["2001:db8::1", "192.0.2.8", "192.0.2.9"], .publicIPs, "192.0.2.8"),
        (["10.0.0.5", "172.16.1.1", "192.168.1.1"], .publicIPs, nil),
        (["100.64.0.1"], .publicIPs, "100.64.0.1"),
        (["2001:db8::1"], .publicIPs, nil),
        (["fd00::1"], .privateIPs, nil),
        ([], .publicIPs, nil), (["soon"], .publicIPs, nil),
    ]

    @Test(arguments: addresses)
    func takesTheFirstIPv4OfTheKind(addresses: [String], interface: SSHInterface, chosen: String?) {
        #expect(AddressChoice.choose(addresses, for: interface)?.description == chosen)
    }

    @Test(
        arguments: [
            (0, nil, nil), (1, "ovh001_0", "ovh001_0"), (10, "ovh001_0", "ovh001_9"), (11, "ovh001_00", "ovh001_10"),
            (100, "ovh001_00", "ovh001_99"), (101, "ovh001_000", "ovh001_100"), (-1, nil, nil),
        ] as [(Int, String?, String?)])
    func volumesAreNumbered(count: Int, first: String?, last: String?) {
        let names = VolumeNames.names(of: "ovh001", count: count)
        #expect(names.count == max(0, count))
        #expect(names.first == first)
        #expect(names.last == last)
        #expect(names.allSatisfy { VolumeNames.isName($0, of: "ovh001") })
    }

    @Test(arguments: [
        "ovh001_", "ovh001_a", "ovh001_backup", "ovh0011_0", "ovh00_0", "ovh001", "ovh001_0 ", "ovh001_٢",
    ])
    func otherNamesAreNoVolumesOfTheNode(name: String) {
        #expect(!VolumeNames.isName(name, of: "ovh001"))
    }
}
