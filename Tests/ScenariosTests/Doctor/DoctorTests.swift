import Configuration
import HTTPKit
import Jobs
import Provisioning
import Sandbox
import Scenarios
import Simulation
import Testing
import World

/// The doctor before a lab in which nothing is wrong, and then one thing.
@Suite struct DoctorTests {
    private static let provider = "provider \(Bench.provider)"

    @Test func allIsWell() throws {
        let lab = try DoctorBench()
        let (diagnosis, took) = try lab.examine()
        #expect(diagnosis.findings.filter { $0.verdict != .ok } == [])
        #expect(!diagnosis.hasFailures)
        #expect(took < .seconds(5))
        let areas = Set(diagnosis.findings.map(\.area))
        #expect(areas == ["configuration", "broker", "paddles", "dns", "ssh", Self.provider])
        #expect(
            diagnosis.finding("paddles", "nodes of ovh")?.text == "4 nodes, 4 free, 0 locked, 0 down")
        #expect(diagnosis.finding(Self.provider, "default image")?.text == "Ubuntu 22.04 for ubuntu 22.04")
        #expect(diagnosis.finding(Self.provider, "flavor")?.text.hasPrefix("vps-ssd-3 (8000 MB") == true)
    }

    @Test func lookingChangesNothing() throws {
        // With a login that would change DNS.
        let lab = try DoctorBench {
            $0.hostPasswords = ["ovh001": "right"]
        } site: { configuration in
            configuration.dns.password = Secret("right")
        }
        let before = lab.bench.broker.jobs
        let (diagnosis, _) = try lab.examine()
        #expect(diagnosis.complaints == [])
        #expect(diagnosis.finding("dns", "nsupdate-web login")?.verdict == .ok)
        #expect(lab.bench.broker.jobs == before)
        lab.bench.sandbox.withState { state in
            #expect((1...4).allSatisfy { state.nsupdate.zone.addresses(of: "ovh00\($0).front.lab.test").isEmpty })
        }
        lab.bench.sandbox.withState { state in
            let changes = state.journal.entries.filter { entry in
                entry.method != .get && !(entry.method == .post && entry.service == .identity)
            }
            #expect(changes.isEmpty)
        }
    }

    /// One thing that is wrong: how it comes about, which line complains, how badly, with which words.
    struct Trouble: Sendable, CustomTestStringConvertible {
        var name: String
        var area: String
        var check: String
        var verdict: Finding.Verdict
        /// Parts of text and remedy, in this order.
        var says: [String]
        /// Other lines that may complain, because they depend on it.
        var others: [String] = []
        var site: @Sendable (inout SiteConfiguration) -> Void = { _ in }
        var sandbox: @Sendable (inout SandboxSettings) -> Void = { _ in }
        var act: @Sendable (DoctorBench) throws -> Void = { _ in }

        var testDescription: String { name }
    }

    @Test(arguments: brokerTroubles + labTroubles + cloudTroubles + sshTroubles)
    func oneThingIsWrong(_ trouble: Trouble) throws {
        let lab = try DoctorBench(sandbox: trouble.sandbox, site: trouble.site)
        try trouble.act(lab)
        let (diagnosis, took) = try lab.examine()
        let finding = try #require(diagnosis.finding(trouble.area, trouble.check))
        #expect(finding.verdict == trouble.verdict)
        let told = "\(finding.text) → \(finding.remedy)"
        var rest = told[...]
        for part in trouble.says {
            let range = rest.firstRange(of: part)
            #expect(range != nil, "\(part.debugDescription) is missing in: \(told)")
            if let range { rest = rest[range.upperBound...] }
        }
        #expect(!finding.remedy.isEmpty)
        #expect(diagnosis.complaints.filter { $0 != "\(trouble.area)/\(trouble.check)" } == trouble.others)
        #expect(diagnosis.hasFailures == (trouble.verdict == .failed))
        #expect(took < .seconds(30))
    }

    /// Nothing answers anything, ever: it still ends.
    @Test func everythingIsSilent() throws {
        let lab = try DoctorBench()
        lab.bench.simulation.http.onRequest { _ in .instead(.never) }
        lab.bench.simulation.datagrams.handle { _, _, _ in .never }
        lab.bench.simulation.children.handle { _ in .never }
        lab.bench.broker.stop()
        let (diagnosis, took) = try lab.examine()
        #expect(took < .seconds(30))
        #expect(diagnosis.finding("paddles", "answers")?.verdict == .failed)
        #expect(diagnosis.finding(Self.provider, "login")?.verdict == .failed)
        #expect(diagnosis.finding(Self.provider, "flavor")?.verdict == .skipped)
        #expect(diagnosis.finding("dns", "server")?.verdict == .failed)
        #expect(diagnosis.finding("ssh", "ssh")?.verdict == .failed)
        #expect(diagnosis.finding("broker", "answers")?.verdict == .failed)
    }

    @Test func onlyOneProvider() throws {
        let lab = try DoctorBench { _ in
        } site: { configuration in
            var other = configuration.providers[0]
            other.settings.name = "other"
            configuration.providers.append(other)
        }
        let (diagnosis, _) = try lab.examine(only: "ovh")
        #expect(diagnosis.findings.allSatisfy { !$0.area.hasSuffix("other") && !$0.check.hasSuffix("other") })
        #expect(diagnosis.complaints == [])
    }

    // MARK: What may be wrong

    static let brokerTroubles: [Trouble] = [
        Trouble(
            name: "the broker is down", area: "broker", check: "answers", verdict: .failed,
            says: ["beanstalkd at broker:11300", "see whether beanstalkd runs there"],
            act: { $0.bench.broker.stop() }),
        Trouble(
            name: "no -b", area: "broker", check: "binlog", verdict: .warning,
            says: ["runs without -b", "start beanstalkd with -b"],
            act: { $0.bench.broker.restart(isPersistent: false) }),
        Trouble(
            name: "drain mode", area: "broker", check: "puts", verdict: .failed,
            says: ["drain mode", "restart beanstalkd"], act: { $0.bench.broker.drain() }),
        Trouble(
            name: "few files", area: "broker", check: "connections", verdict: .warning,
            says: ["of 128", "up to 507", "LimitNOFILE"], site: { $0.slots = 500 },
            act: { lab in
                try lab.bench.simulation.files.place(
                    "/proc/1/limits", Array(DoctorBench.limits(openFiles: 128).utf8))
            }),
        Trouble(
            name: "the kernel's keep-alive", area: "broker", check: "keep-alive", verdict: .warning,
            says: ["noticed after 2h11m", "net.ipv4.tcp_keepalive_time=60"],
            act: { try $0.keepAlive(time: 7_200, interval: 75, probes: 9) }),
        Trouble(
            name: "a sweep in 136 years", area: "broker", check: "sweep", verdict: .warning,
            says: ["due in 1193046h", "every 1h00m is configured", "start a worker"],
            site: { $0.sweep.isEnabled = true },
            act: { $0.bench.broker.put(Array("{v: 1}".utf8), tube: "cirrata.sweep", delay: .max) }),
        Trouble(
            name: "sweeps are paused", area: "broker", check: "sweep", verdict: .warning,
            says: ["cirrata.sweep is paused", "pause-tube cirrata.sweep 0"], site: { $0.sweep.isEnabled = true },
            act: { lab in
                lab.bench.broker.put(Array("{v: 1}".utf8), tube: "cirrata.sweep", delay: 60)
                _ = lab.bench.broker.ask(Array("pause-tube cirrata.sweep 4294967295\r\n".utf8))
            }),
        Trouble(
            name: "jobs that nobody takes", area: "broker", check: "queue", verdict: .warning,
            says: ["cirrata.provision.ovh: no worker takes jobs of it", "start a worker of ovh"],
            act: { $0.bench.put(.provision, "{action: provision, node: ovh001}") }),
        Trouble(
            name: "a provider rests", area: "broker", check: "queue", verdict: .warning,
            says: [
                "cirrata.provision.ovh: h:7 takes no jobs of it: rests since", "until", "5 burials of nova-403",
                "the last one: no", "cirrata resume ovh",
            ],
            act: { lab in
                let now = lab.bench.simulation.world.time.wallClock
                let sign = Presence(
                    host: "h", process: 7, release: "1", slots: 50, started: now, at: now, draining: false, held: [],
                    rests: [
                        .init(
                            provider: "ovh", cause: "nova-403", burials: 5, message: "no", since: now,
                            until: now + .seconds(600))
                    ])
                lab.bench.broker.put(sign.encoded(limit: 65_535), tube: lab.bench.configuration.tubes.workers)
                lab.bench.broker.put([], tube: lab.bench.configuration.tubes.provision("ovh"), delay: 60)
            }),
    ]

    static let labTroubles: [Trouble] = [
        Trouble(
            name: "paddles is down", area: "paddles", check: "answers", verdict: .failed,
            says: ["paddles: see whether it answers failed", "connection refused", "check that paddles is up"],
            act: { lab in
                lab.bench.simulation.http.onRequest { exchange in
                    let request = exchange.request
                    guard exchange.request.url.contains("/paddles/") else { return .deliver }
                    return .instead(
                        .failure(
                            HTTPFailure(
                                reason: .connect, request: "GET paddles", detail: "connection refused",
                                mayHaveArrived: false)))
                }
            }),
        Trouble(
            name: "paddles redirects", area: "paddles", check: "answers", verdict: .failed,
            says: ["redirected to https://paddles/", "check lock_server"],
            act: { lab in
                lab.bench.sandbox.withState { state in
                    var rule = FaultRule.answering(301, headers: ["Location": "https://paddles/"])
                    rule.service = .paddles
                    _ = state.faults.add(rule)
                }
            }),
        Trouble(
            name: "not a paddles", area: "paddles", check: "answers", verdict: .failed,
            says: ["HTTP 404", "check lock_server"],
            site: { $0.lockServer = "http://sandbox:80/elsewhere/" }),
        Trouble(
            name: "no node of that type", area: "paddles", check: "nodes of ovh", verdict: .failed,
            says: ["no node of machine_type ovh", "add the nodes to paddles"],
            sandbox: { $0.nodes = [.init(machineType: "smithi", count: 3)] }),
        Trouble(
            name: "nodes of another domain", area: "paddles", check: "nodes of ovh", verdict: .failed,
            says: [
                "4 nodes", "4 outside of lab_domain front.other.test", "ovh001.front.lab.test", "correct lab_domain",
            ],
            others: ["dns/server"], site: { $0.labDomain = "front.other.test" }),
        Trouble(
            name: "all nodes are down", area: "paddles", check: "nodes of ovh", verdict: .warning,
            says: ["0 free", "4 down", "none is up"],
            act: { lab in
                lab.bench.sandbox.withState { state in
                    for number in 1...4 {
                        guard var node = state.paddles.node("ovh00\(number).front.lab.test") else { continue }
                        node.up = false
                        state.paddles.put(node)
                    }
                }
            }),
        Trouble(
            name: "no nsupdate_url", area: "dns", check: "nsupdate-web", verdict: .warning,
            says: ["no nsupdate_url", "set nsupdate_url"], site: { $0.nsupdateURL = nil }),
        Trouble(
            name: "nsupdate-web is gone", area: "dns", check: "nsupdate-web", verdict: .failed,
            says: ["nsupdate-web: see whether it answers failed"],
            site: { $0.nsupdateURL = "http://nowhere:80/update" }),
        Trouble(
            name: "a wrong password for nsupdate-web", area: "dns", check: "nsupdate-web login", verdict: .failed,
            says: ["ovh001", "HTTP 401", "check user and password for nsupdate-web"],
            site: { $0.dns.password = Secret("wrong") }, sandbox: { $0.hostPasswords = ["ovh001": "right"] }),
        Trouble(
            name: "nsupdate-web wants a login", area: "dns", check: "nsupdate-web login", verdict: .failed,
            says: ["HTTP 401", "check user and password for nsupdate-web"],
            sandbox: { $0.hostPasswords = ["ovh001": "right"] }),
        Trouble(
            name: "nsupdate-web refuses our names", area: "dns", check: "nsupdate-web login", verdict: .failed,
            says: ["ovh001 does not match", "--allow-hosts"], sandbox: { $0.allowHosts = "^smithi" }),
        Trouble(
            name: "the DNS server refuses", area: "dns", check: "server", verdict: .failed,
            says: ["ns1:53 does not answer for front.lab.test: refused", "dns.server"],
            act: { lab in lab.bench.sandbox.withState { $0.nsupdate.zone.trouble = .refused } }),
    ]

    static let cloudTroubles: [Trouble] = [
        Trouble(
            name: "wrong password", area: provider, check: "login", verdict: .failed,
            says: ["keystone", "HTTP 401"],
            act: { lab in lab.bench.sandbox.withState { $0.cloud.setPassword("another", ofUser: "cirrata") } }),
        Trouble(
            name: "no endpoint in the region", area: provider, check: "region", verdict: .failed,
            says: ["the catalog has no region GRA1: it has RegionOne", "correct the provider's region"],
            site: { $0.providers[0].access.region = "GRA1" }),
        Trouble(
            name: "one service is down", area: provider, check: "glance", verdict: .failed, says: ["HTTP 503"],
            act: { lab in
                lab.bench.sandbox.withState { state in
                    var rule = FaultRule.answering(503)
                    rule.service = .image
                    _ = state.faults.add(rule)
                }
            }),
        Trouble(
            name: "no block storage", area: provider, check: "cinder", verdict: .warning,
            says: ["jobs with volumes wait", "nothing, if no job needs volumes"],
            sandbox: { $0.missingTypes = ["volumev3", "block-storage"] }),
        Trouble(
            name: "no block storage, and all want volumes", area: provider, check: "cinder", verdict: .failed,
            says: ["jobs with volumes wait", "endpoint for cinder"], site: { $0.sizes.volumes.count = 1 },
            sandbox: { $0.missingTypes = ["volumev3", "block-storage"] }),
        Trouble(
            name: "no image for the default system", area: provider, check: "default image", verdict: .failed,
            says: ["no image for ubuntu 26.04", "nearest: Ubuntu"], site: { $0.defaults.osVersions["ubuntu"] = "26.04" }
        ),
        Trouble(
            name: "no image for a system of ours", area: provider, check: "images", verdict: .warning,
            says: ["none for rocky 8.1 of defaults.os_versions", "'rocky-8.1'"],
            site: { $0.defaults.osVersions["rocky"] = "8.1" }),
        Trouble(
            name: "no flavor is large enough", area: provider, check: "flavor", verdict: .failed,
            says: ["no flavor has 900000 MB", "ask for less"], site: { $0.sizes.machine.ramMB = 900_000 }),
        Trouble(
            name: "no network is allowed", area: provider, check: "networks", verdict: .failed,
            says: ["allow_networks matches none of Ext-Net", "correct allow_networks"],
            site: { $0.providers[0].settings.allowNetworks = (try? NamePatterns(["sesci"])) ?? .everything }),
        Trouble(
            name: "no such security group", area: provider, check: "security groups", verdict: .failed,
            says: ["no security group has the name \"lab-ssh\"", "there are default"],
            site: { $0.providers[0].settings.securityGroups = ["lab-ssh"] }),
        Trouble(
            name: "quota used up", area: provider, check: "compute quota", verdict: .warning,
            says: ["0 of 0 servers left", "no room for another node", "quota raised"],
            sandbox: { $0.quotas.instances = 0 }),
        Trouble(
            name: "no room for volumes", area: provider, check: "volume quota", verdict: .warning,
            says: ["2 of 2 volumes left", "quota raised"],
            site: { $0.sizes.volumes.count = 3 }, sandbox: { $0.quotas.volumes = 2 }),
        Trouble(
            name: "one service hangs", area: provider, check: "glance", verdict: .failed,
            says: ["no answer within 12s"],
            act: { lab in
                lab.bench.simulation.http.onRequest { exchange in
                    exchange.request.url.contains("/image/") ? .instead(.never) : .deliver
                }
            }),
    ]

    static let sshTroubles: [Trouble] = [
        Trouble(
            name: "a key that all can read", area: "ssh", check: "key", verdict: .failed,
            says: ["mode 0644", "chmod 600 \(DoctorBench.key)"],
            act: { lab in
                let key = lab.bench.simulation.files.contents(DoctorBench.key) ?? []
                try lab.bench.simulation.files.place(DoctorBench.key, key, mode: 0o644)
            }),
        Trouble(
            name: "no key", area: "ssh", check: "key", verdict: .failed,
            says: ["no key to log in with", "ssh.identity_file"],
            site: { $0.ssh.identityFile = nil }),
        Trouble(
            name: "a key that is not there", area: "ssh", check: "key", verdict: .failed,
            says: ["/nowhere: no such file", "ssh-keygen"], site: { $0.ssh.identityFile = "/nowhere" }),
        Trouble(
            name: "the public half", area: "ssh", check: "key", verdict: .failed,
            says: ["holds no private key", "not the .pub file"],
            act: { try $0.bench.simulation.files.place(DoctorBench.key, Array("ssh-ed25519 AAAA lab\n".utf8)) }),
        Trouble(
            name: "a folder that cannot be written", area: "ssh", check: "known hosts", verdict: .failed,
            says: ["cannot write /var/lib/cirrata/known_hosts", "no space left", "ssh.known_hosts_folder"],
            act: { lab in
                lab.bench.simulation.files.failing { path in
                    path.hasPrefix("/var/lib/cirrata")
                        ? FileFailure(reason: .system, path: path, detail: "no space left on device") : nil
                }
            }),
        Trouble(
            name: "no public key", area: "ssh", check: "authorized keys", verdict: .warning,
            says: ["no public key goes into the user data"], site: { $0.ssh.authorizedKeys = [] }),
        Trouble(
            name: "no ssh", area: "ssh", check: "ssh", verdict: .failed,
            says: ["cannot run ssh", "install openssh-client"],
            act: { lab in
                lab.bench.simulation.children.handle { command in
                    command.program == "ssh"
                        ? .failure(ChildFailure(program: "ssh", detail: "no such file"))
                        : .ended(ChildResult(end: .exited(1), output: [], errors: Array("usage: …".utf8)))
                }
            }),
    ]
}
