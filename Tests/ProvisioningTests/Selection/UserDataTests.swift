import Provisioning
import Testing
import YAMLKit

/// Rows of facts/teuthology.md section 4, "Userdata".
@Suite struct UserDataTests {
    private func compose(
        _ userdata: String = "{}", _ type: String = "ubuntu", _ version: String = "22.04", keys: [String] = []
    ) throws -> String {
        try UserData.compose(
            userdata: try YAML.parse(userdata, source: "site", limits: .job), osType: type, osVersion: version,
            hostname: "ovh001.front.lab.test", authorizedKeys: keys)
    }

    @Test func withoutUserdataOfItsOwn() throws {
        let text = try compose("ubuntu-16.04: {runcmd: [[x]]}")
        #expect(
            text == """
                #cloud-config
                hostname: ovh001.front.lab.test
                manage_etc_hosts: true
                packages:
                - git
                - wget
                - python
                - ntp
                runcmd:
                - - passwd
                  - '-d'
                  - ubuntu
                - - touch
                  - /.teuth_provisioned
                user: ubuntu

                """)
    }

    /// cloud-init's own example of write_files, and a key and a value that are no texts.
    @Test func tagsAndTypesGoOnToCloudInit() throws {
        let userdata = """
            ubuntu-22.04:
              write_files:
              - path: /usr/local/bin/hello
                content: !!binary |
                  aGVsbG8K
              conf: {1: 0755, '1a': '0755'}
            """
        let text = try compose(userdata)
        #expect(
            text.contains(
                """
                write_files:
                - content: !!binary |
                    aGVsbG8K
                  path: /usr/local/bin/hello

                """))
        #expect(text.contains("conf:\n  1: 0755\n  1a: '0755'\n"), "\(text)")
    }

    @Test func theProvidersReplacesTheBaseAndIsExtended() throws {
        let userdata = """
            ubuntu-22.04:
              user: someone
              bootcmd: [[touch, /tmp/x]]
              ssh_authorized_keys: [ssh-rsa FIRST]
              runcmd:
              - [echo, one]
              - echo two
            """
        let text = try compose(userdata, keys: ["ssh-ed25519 OURS a@b"])
        #expect(
            text == """
                #cloud-config
                bootcmd:
                - - touch
                  - /tmp/x
                hostname: ovh001.front.lab.test
                manage_etc_hosts: true
                runcmd:
                - - echo
                  - one
                - echo two
                - - passwd
                  - '-d'
                  - ubuntu
                - - touch
                  - /.teuth_provisioned
                ssh_authorized_keys:
                - ssh-rsa FIRST
                - ssh-ed25519 OURS a@b
                user: ubuntu

                """)
    }

    @Test(arguments: ["true", "false", "null"])
    func manageEtcHostsStaysAsItIs(value: String) throws {
        let text = try compose("ubuntu-22.04: {manage_etc_hosts: \(value)}")
        #expect(text.contains("manage_etc_hosts: \(value)\n"))
        #expect(!text.contains("hostname:"))
    }

    @Test func keysAreTheirOwnListWhereThereIsNone() throws {
        #expect(
            try compose(keys: ["ssh-rsa A", "ssh-rsa B"]).contains("ssh_authorized_keys:\n- ssh-rsa A\n- ssh-rsa B\n"))
        #expect(try !compose().contains("ssh_authorized_keys"))
    }

    /// The same document for the same input, byte by byte: it is part of the server's digest.
    @Test func isReadBackAsItWasMeant() throws {
        let text = try compose(
            "ubuntu-22.04: {write_files: [{path: /a, content: \"x: 1\\n#y\\n\", permissions: '0644'}]}")
        let node = try #require(try YAML.parse(text, source: "userdata", limits: .job))
        #expect(node["write_files"]?.sequence?.first?["content"]?.text == "x: 1\n#y\n")
        #expect(node["write_files"]?.sequence?.first?["permissions"] == .string("0644"))
        #expect(text.hasPrefix("#cloud-config\n"))
    }

    @Test(arguments: [
        ("ubuntu-22.04: ", "userdata.ubuntu-22.04 is nothing; expected a mapping"),
        ("ubuntu-22.04: [a]", "userdata.ubuntu-22.04 is a list; expected a mapping"),
        ("ubuntu-22.04: {runcmd: x}", #"userdata.ubuntu-22.04.runcmd is the text "x"; expected a list"#),
        ("ubuntu-22.04: {runcmd: }", "userdata.ubuntu-22.04.runcmd is nothing; expected a list"),
        (
            "ubuntu-22.04: {ssh_authorized_keys: x}",
            #"userdata.ubuntu-22.04.ssh_authorized_keys is the text "x"; expected a list"#
        ),
    ])
    func whatCannotBeExtendedIsNamed(userdata: String, message: String) {
        let error = #expect(throws: SelectionError.self) { try compose(userdata, keys: ["k"]) }
        #expect(error?.cause == "bad-userdata")
        #expect(error?.fault == .configuration)
        #expect(error?.message == message)
    }

    @Test func whatNovaWouldRefuseIsNeverSent() throws {
        var state: UInt64 = 1
        let noise = String(
            decoding: (0..<80_000).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(ascii: "A") + UInt8(state >> 59)
            }, as: UTF8.self
        ).filter(\.isLetter)
        let error = #expect(throws: SelectionError.self) { try compose("ubuntu-22.04: {final_message: \(noise)}") }
        #expect(error?.message.contains("even when compressed; Nova takes 49149") == true)
        // What fits in the end is not refused, whatever its size.
        _ = try compose("ubuntu-22.04: {final_message: \(String(repeating: "x", count: 100_000))}")
    }
}
