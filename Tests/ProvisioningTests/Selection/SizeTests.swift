import Provisioning
import Testing
import YAMLKit

/// Rows of facts/teuthology.md section 4, "Config merge".
@Suite struct SizeTests {
    private func size(_ body: String, site: SizeLevel = .siteDefault) throws -> NodeSize {
        let node = try #require(try YAML.parse(body, source: "job", limits: .job))
        return NodeSize(
            largestOf: try SizeReader.levels(
                openstack: node["openstack"], machine: node["machine"], volumes: node["volumes"]), site: site)
    }

    static let rows: [(String, disk: Int, ram: Int, cpus: Int, count: Int, size: Int)] = [
        ("{}", 20, 8_000, 1, 0, 1),
        ("machine: {disk: 42, ram: 9001, cpus: 3}", 42, 9_001, 3, 0, 1),
        ("volumes: {count: 3, size: 100}", 20, 8_000, 1, 3, 100),
        ("{machine: {disk: 1, ram: 2, cpus: 3}, volumes: {count: 4, size: 5}}", 20, 8_000, 3, 4, 5),
        ("machine: {disk: 100}", 100, 8_000, 1, 0, 1),
        ("openstack: [{machine: {disk: 64, ram: 10000, cpus: 3}, volumes: {count: 1, size: 1}}]", 64, 10_000, 3, 1, 1),
        (
            """
            openstack:
            - machine: {cpus: 3}
            - machine: {disk: 1, ram: 9000}
            - machine: {disk: 50, ram: 2, cpus: 1}
            - machine: {}
            - volumes: {}
            - volumes: {count: 0, size: 0}
            - volumes: {count: 1, size: 0}
            - volumes: {size: 1}
            """, 50, 9_000, 3, 1, 1
        ),
        ("openstack: [{volumes: {count: 3, size: 30}}, {volumes: {size: 50}}]", 20, 8_000, 1, 3, 50),
        ("openstack: [{machine: {disk: 100}, volumes: {count: 3, size: 30}}]", 100, 8_000, 1, 3, 30),
        ("openstack: {machine: {cpus: 2}, clone: x}", 20, 8_000, 2, 0, 1),
        ("{machine: {cpus: 4, bogus: x}, openstack: {machine: {cpus: 2}}}", 20, 8_000, 4, 0, 1),
        ("openstack: []", 20, 8_000, 1, 0, 1),
        ("machine: {ram: 0x2710, disk: +30}", 30, 10_000, 1, 0, 1),
    ]

    @Test(arguments: rows)
    func theLargestWins(body: String, disk: Int, ram: Int, cpus: Int, count: Int, size: Int) throws {
        let expected = NodeSize(
            machine: MachineSize(disk: disk, ram: ram, cpus: cpus), volumes: VolumeSize(count: count, size: size))
        #expect(try self.size(body) == expected)
    }

    /// The site's `openstack:` replaces teuthology's own as a whole; what is built in stays below it.
    @Test func theSiteRaisesAndReplaces() throws {
        let size = try size("machine: {cpus: 2}", site: SizeLevel(ram: 16_000, count: 2))
        #expect(
            size
                == NodeSize(
                    machine: MachineSize(disk: 20, ram: 16_000, cpus: 2), volumes: VolumeSize(count: 2, size: 0)))
    }

    @Test(arguments: [
        (#"machine: {ram: "9000"}"#, #"machine.ram is the text "9000"; expected a whole number"#),
        ("machine: {ram: 1.5}", "machine.ram is the number 1.5; expected a whole number"),
        ("machine: {ram: }", "machine.ram is nothing; expected a whole number"),
        ("machine: {cpus: true}", "machine.cpus is the boolean true; expected a whole number"),
        ("machine: ", "machine is nothing; expected a mapping"),
        ("machine: [1]", "machine is a list; expected a mapping"),
        ("volumes: {count: -1}", "volumes.count is -1; expected 0 to 1000"),
        ("volumes: {count: 1001}", "volumes.count is 1001; expected 0 to 1000"),
        ("volumes: {size: 99999999999}", "volumes.size is 99999999999; expected 0 to 1000000000"),
        ("openstack: ", "openstack is nothing; expected a mapping"),
        ("openstack: [null]", "openstack[0] is nothing; expected a mapping"),
        (
            "openstack: [{}, {volumes: {size: ten}}]",
            #"openstack[1].volumes.size is the text "ten"; expected a whole number"#
        ),
        ("openstack: {machine: {disk: []}}", "openstack.machine.disk is an empty list; expected a whole number"),
    ])
    func whatIsNoSizeIsNamed(body: String, message: String) {
        let error = #expect(throws: SelectionError.self) { try size(body) }
        #expect(error?.cause == "bad-size")
        #expect(error?.message == message)
    }
}
