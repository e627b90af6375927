import Resilience
import Testing
import World

@testable import Lab

@Suite struct SSHTests {
    static let keys = """
        192.0.2.8 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7
        192.0.2.8 ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=
        192.0.2.8 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHwq

        """

    static let settings = SSHSettings(
        user: "ubuntu", identityFile: "/etc/cirrata/id 100%", port: 2222, folder: "/run/c")

    private func make(
        _ children: [@Sendable (ChildCommand) throws -> ChildResult], settings: SSHSettings = settings,
        files: MemoryFiles = MemoryFiles(), time: any TimeSource = FrozenTime(), dial: any Dialer = Unused()
    ) -> (SSHReadiness, Script<ChildCommand, ChildResult>) {
        let scripted = ScriptedChildren(children)
        let world = TestWorld(dial: dial, children: scripted, files: files, time: time).world
        return (SSHReadiness(settings: settings, world: world, permits: Permits(32)), scripted.script)
    }

    private static func ended(_ status: Int32, _ output: String = "", _ errors: String = "") -> ChildResult {
        ChildResult(end: .exited(status), output: Array(output.utf8), errors: Array(errors.utf8))
    }

    @Test func scansKeysAndTakesTeuthologysChoice() async throws {
        let (ssh, script) = make([{ _ in Self.ended(0, Self.keys, "# 192.0.2.8:2222 SSH-2.0-OpenSSH_9.2") }])
        let keys = try await ssh.hostKeys("192.0.2.8")
        #expect(keys.first == "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY=")
        #expect(keys.lines.count == 3)
        let command = try #require(script.asked.first)
        #expect(command.program == "ssh-keyscan")
        #expect(command.arguments == ["-T", "5", "-p", "2222", "-t", "rsa,ecdsa,ed25519", "--", "192.0.2.8"])
    }

    @Test func whatIsNoKeyIsNoKey() {
        let output =
            "getaddrinfo h: failure\nh ssh-rsa short\nh ssh-rsa AAAAB3NzaC1yc2EAAAADA x\nh $(id) AAAAB3NzaC1yc2EAAAADA\n"
        #expect(HostKeys(keyscanOutput: Array(output.utf8)).isEmpty)
    }

    @Test func logsInWithNothingOfTheUsersConfiguration() async throws {
        let files = MemoryFiles()
        let (ssh, script) = make(
            [
                { command in
                    let known = command.arguments.first { $0.hasPrefix("UserKnownHostsFile=") } ?? ""
                    let path = known.dropFirst("UserKnownHostsFile=\"".count).dropLast()
                    let text = String(decoding: files.all[String(path)] ?? [], as: UTF8.self)
                    #expect(
                        text.split(separator: "\n").count == 3 && text.hasPrefix("cirrata-node ecdsa-sha2-nistp256 "))
                    return Self.ended(0, Self.output())
                }
            ], files: files)
        let answer = try await ssh.check(
            "192.0.2.8", isNode: try ShortName("ovh001"), sentinel: "/.teuth_provisioned",
            keys: HostKeys(keyscanOutput: Array(Self.keys.utf8)))
        #expect(answer == .ready(HostFacts(hostname: "ovh001", arch: "x86_64", osID: "ubuntu", osVersion: "22.04")))
        #expect(files.all.isEmpty)
        let arguments = try #require(script.asked.first).arguments
        #expect(arguments.prefix(2) == ["-F", "/dev/null"])
        #expect(arguments.contains("IdentityFile=\"/etc/cirrata/id 100%%\""))
        for option in ["BatchMode=yes", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "IdentityAgent=none"] {
            #expect(arguments.contains(option))
        }
        #expect(arguments.suffix(7).dropLast() == ["-p", "2222", "-l", "ubuntu", "--", "192.0.2.8"])
    }

    /// An unwritable folder or a full disk is the site's fault.
    @Test(arguments: [FileFailure.Reason.denied, .system]) func aFolderThatCannotBeWrittenIsTheSites(
        reason: FileFailure.Reason
    ) async throws {
        let (ssh, _) = make([], files: MemoryFiles(failing: reason))
        let error = await #expect(throws: ServiceError.self) {
            _ = try await ssh.check(
                "192.0.2.8", isNode: try ShortName("ovh001"), sentinel: nil,
                keys: HostKeys(keyscanOutput: Array(Self.keys.utf8)))
        }
        #expect(error?.kind == .site)
        #expect(error?.next.contains("ssh.known_hosts_folder") == true, "\(error?.next ?? "")")
    }

    @Test(arguments: [
        ("ubuntu", "22.04", "ubuntu 22.04"), ("centos", "9", "centos 9.stream"), ("centos", "7", "centos 7"),
        ("opensuse-leap", "15.6", "opensuse 15.6"), ("opensuse-tumbleweed", "20260101", "opensuse 20260101"),
        ("sles", "15.2", "sle 15.2"), ("almalinux", "9.7", "alma 9.7"), ("rocky", "9.7.1", "rocky 9.7"),
        ("Debian", "12", "debian 12"), ("debian", "", nil), ("", "22.04", nil),
    ])
    func systemsHaveTeuthologysNames(id: String, version: String, expected: String?) {
        let os = HostFacts(hostname: "n", arch: "x86_64", osID: id, osVersion: version).os
        #expect(os.map { "\($0.type) \($0.version)" } == expected)
    }

    /// The node may be anybody's by now; what it says goes into paddles.
    @Test(arguments: ["\u{1B}[31mubuntu", "ubuntu;rm", "ubuntu 22", "ubuntü", String(repeating: "u", count: 33)])
    func systemsThatAreNoWordsAreNotTaken(text: String) {
        let plain = HostFacts(hostname: "n", arch: "x86_64", osID: "ubuntu", osVersion: "22.04")
        #expect(plain.os != nil && plain.arch == "x86_64")
        #expect(HostFacts(hostname: "n", arch: "x86_64", osID: text, osVersion: "22.04").os == nil)
        #expect(HostFacts(hostname: "n", arch: "x86_64", osID: "ubuntu", osVersion: text).os == nil)
        #expect(HostFacts(hostname: "n", arch: text, osID: "ubuntu", osVersion: "22.04").arch == nil)
    }

    static func output(
        _ host: String = "ovh001", sentinel: String? = "yes", id: String = "ubuntu", version: String = "\"22.04\"",
        around: (String, String) = ("", "")
    ) -> String {
        var lines = ["cirrata-node 1", "host=\(host)", "arch=x86_64", "id=\(id)", "version=\(version)"]
        if let sentinel { lines.append("sentinel=\(sentinel)") }
        lines.append("cirrata-end")
        return around.0 + lines.joined(separator: "\n") + "\n" + around.1
    }

    static let outputs: [(String, SSHAnswer)] = [
        (
            output("ovh001.front.lab.test"),
            .ready(HostFacts(hostname: "ovh001.front.lab.test", arch: "x86_64", osID: "ubuntu", osVersion: "22.04"))
        ),
        (
            output("OVH001", id: "'centos'", version: "9"),
            .ready(HostFacts(hostname: "OVH001", arch: "x86_64", osID: "centos", osVersion: "9"))
        ),
        (
            output(around: ("Welcome!\nhost=evil\n", "host=evil\n")),
            .ready(HostFacts(hostname: "ovh001", arch: "x86_64", osID: "ubuntu", osVersion: "22.04"))
        ),
        (output(sentinel: "no"), .notYet("cloud-init is not through: the sentinel file is missing")),
        (output(sentinel: nil), .notYet("cloud-init is not through: the sentinel file is missing")),
        (
            output("localhost", sentinel: "no"),
            .notYet("cloud-init is not through: the host still calls itself \"localhost\"")
        ),
        (output("ovh0011"), .wrongHost(said: "ovh0011")),
        (output(""), .wrongHost(said: "")),
        ("Please login as ubuntu", .notYet("it ran another command than ours and said \"Please login as ubuntu\"")),
        (
            "cirrata-node 1\nhost=ovh001\n",
            .notYet("it ran another command than ours and said \"cirrata-node 1 host=ovh001\"")
        ),
        ("", .notYet("it ran another command than ours and said \"\"")),
    ]

    @Test(arguments: outputs)
    func readsWhatTheNodeSays(output: String, expected: SSHAnswer) throws {
        let check = try #require(RemoteCheck(sentinel: "/.teuth_provisioned"))
        #expect(check.read(Array(output.utf8), expecting: "ovh001") == expected)
    }

    @Test func withoutASentinelTheNameDecides() throws {
        let check = try #require(RemoteCheck(sentinel: nil))
        #expect(!check.command.contains("sentinel"))
        #expect(
            check.read(Array(Self.output("other", sentinel: nil).utf8), expecting: "ovh001")
                == .wrongHost(said: "other"))
    }

    @Test(arguments: [
        "", "relative", "/a b", "/a;reboot", "/$(id)", "/a'", "/a\n", "/é", "/" + String(repeating: "x", count: 255),
    ])
    func onlyAPlainPathIsPutIntoTheCommand(path: String) {
        #expect(RemoteCheck(sentinel: path) == nil)
    }

    static let failures: [(Int32, String, String, SSHAnswer)] = [
        (
            255, "", "ssh: connect to host 192.0.2.8 port 22: Connection refused\r\n",
            .notYet("ssh: connect to host 192.0.2.8 port 22: Connection refused")
        ),
        (
            255, "", "Connection timed out during banner exchange\r\n",
            .notYet("Connection timed out during banner exchange")
        ),
        (
            255, "", "ubuntu@192.0.2.8: Permission denied (publickey).\r\n",
            .denied("ubuntu@192.0.2.8: Permission denied (publickey).")
        ),
        (
            255, "",
            "No ED25519 host key is known for cirrata-node and you have requested strict checking.\r\nHost key verification failed.\r\n",
            .otherHostKey(
                "No ED25519 host key is known for cirrata-node and you have requested strict checking. Host key verification failed."
            )
        ),
        (
            142, "Please login as the user \"ubuntu\" rather than the user \"root\".\n\n", "",
            .denied("Please login as the user \"ubuntu\" rather than the user \"root\".")
        ),
        (127, "", "", .notYet("ssh ended without a word (exited(127))")),
    ]

    @Test(arguments: failures)
    func tellsFailuresApart(status: Int32, output: String, errors: String, expected: SSHAnswer) async throws {
        let (ssh, _) = make([{ _ in Self.ended(status, output, errors) }])
        let answer = try await ssh.check(
            "192.0.2.8", isNode: try ShortName("ovh001"), sentinel: nil,
            keys: HostKeys(keyscanOutput: Array(Self.keys.utf8)))
        #expect(answer == expected)
    }

    @Test func aCommandThatHangsIsNotYet() async throws {
        struct Hanging: ChildProcesses {
            func run(_ command: ChildCommand) async throws -> ChildResult {
                try await Signal<Void>().wait()
                throw CancellationError()
            }
        }
        let world = TestWorld(children: Hanging(), time: JumpingTime()).world
        let ssh = SSHReadiness(settings: Self.settings, world: world, permits: Permits(1))
        let keys = HostKeys(keyscanOutput: Array(Self.keys.utf8))
        let answer = try await ssh.check("192.0.2.8", isNode: try ShortName("ovh001"), sentinel: nil, keys: keys)
        #expect(answer == .notYet("no answer within 30s"))
        #expect(try await ssh.hostKeys("192.0.2.8").isEmpty)
    }

    @Test func withoutHostKeysNobodyLogsIn() async throws {
        let (ssh, script) = make([])
        let answer = try await ssh.check(
            "192.0.2.8", isNode: try ShortName("ovh001"), sentinel: nil, keys: HostKeys(keyscanOutput: []))
        #expect(answer == .notYet("it shows no host key"))
        #expect(script.asked.isEmpty)
    }

    @Test(arguments: ["", "-oProxyCommand=id", "a b", "a;b", "a,b", "h/24", "user@host", "a..b", "$(id)"])
    func strangeHostsAreNeverGivenToAProgram(host: String) async throws {
        let (ssh, script) = make([])
        #expect(await serviceError { _ = try await ssh.hostKeys(host) }?.kind == .permanent)
        #expect(script.asked.isEmpty)
    }

    @Test func missingProgramsAndKeysAreTheSitesFault() async throws {
        let keys = HostKeys(keyscanOutput: Array(Self.keys.utf8))
        let name = try ShortName("ovh001")
        let (missing, _) = make([{ _ in throw ChildFailure(program: "ssh", detail: "no such file") }])
        let error = await serviceError { _ = try await missing.check("h", isNode: name, sentinel: nil, keys: keys) }
        #expect(error?.kind == .site)
        #expect(error?.next == "install openssh-client on worker1")
        for identity in [nil, "", "/a\"b", "/${HOME}/id", "/a\\b"] {
            var settings = Self.settings
            settings.identityFile = identity
            let (ssh, script) = make([], settings: settings)
            let error = await serviceError { _ = try await ssh.check("h", isNode: name, sentinel: nil, keys: keys) }
            #expect(error?.kind == .site)
            #expect(script.asked.isEmpty)
        }
    }

    @Test func aRefusedLoginNamesTheKey() {
        let error = SSHAnswer.denied("Permission denied (publickey).").failure(of: "ovh001", Self.settings)
        #expect(error?.kind == .site)
        #expect(
            error?.next
                == "put the public half of /etc/cirrata/id 100% into ssh.authorized_keys or the image, and check ssh.user"
        )
        #expect(
            SSHAnswer.ready(HostFacts(hostname: "", arch: "", osID: "", osVersion: "")).failure(of: "n", Self.settings)
                == nil)
    }

    @Test func waitsForThePort() async throws {
        let stream = SilentStream()
        let dialer = ScriptedDialer([
            { _ in throw NetworkFailure(reason: .refused, doing: "connect", detail: "refused") },
            { _ in throw NetworkFailure(reason: .timeout, doing: "connect", detail: "timeout") },
            { _ in stream },
        ])
        let seen = Locked<[NetworkFailure.Reason]>([])
        let (ssh, _) = make([], time: JumpingTime(), dial: dialer)
        try await ssh.waitForPort("2001:DB8::1") { failure in seen.withLock { $0.append(failure.reason) } }
        #expect(seen.withLock { $0 } == [.refused, .timeout])
        #expect(dialer.script.asked == Array(repeating: .tcp(host: "2001:db8::1", port: 2222), count: 3))
        #expect(stream.isClosed.isRaised)
    }

    @Test func waitingForThePortEndsWithItsTask() async throws {
        struct Never: Dialer {
            func connect(to endpoint: Endpoint, timeout: Duration) async throws -> any ByteStream {
                throw NetworkFailure(reason: .refused, doing: "connect", detail: "refused")
            }
        }
        let (ssh, _) = make([], dial: Never())
        let tried = Signal<Void>()
        await #expect(throws: CancellationError.self) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ssh.waitForPort("h") { _ in tried.raise(()) } }
                try await tried.wait()
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }
}
