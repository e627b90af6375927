import Configuration
import Testing
import World
import YAMLKit

@Suite struct LoadingTests {
    @Test func defaultsAreTheDocumentedOnes() async throws {
        let site = try await load(ovh).configuration
        #expect(site.labDomain == "front.sepia.ceph.com")
        #expect(site.lockServer == "http://paddles.front.sepia.ceph.com/")
        #expect(site.site == "front.sepia.ceph.com@paddles.front.sepia.ceph.com")
        #expect(site.broker == .tcp(host: "localhost", port: 11_300))
        #expect(site.slots == 50)
        #expect(site.destroySlots == 5)
        #expect(site.lease == .seconds(60))
        #expect(site.reserveMachines == 5)
        #expect(site.defaults.osType == "ubuntu")
        #expect(site.defaults.osVersions["centos"] == "9.stream")
        #expect(site.sizes.machine.ramMB == 8_000)
        #expect(site.steps["wait-active"]?.timeout == .seconds(600))
        #expect(site.steps["nonsense"] == nil)
        #expect(site.tubes.provision("ovh") == "cirrata.provision.ovh")
        #expect(site.ssh.authorizedKeys == [])
        #expect(site.ssh.knownHostsFolder == "/home/op/.local/state/cirrata/known_hosts")
    }

    @Test func everythingIsRead() async throws {
        let site = try await load(
            """
            lab_domain: Front.Lab.Test.
            lock_server: http://127.0.0.1:18080
            queue_host: broker
            queue_port: 11400
            slots: 8
            steps: {create-server: {timeout: 3m}, wait-ready: {patience: 1h30m}}
            defaults: {os_versions: {ubuntu: 24.04, devuan: 5.0}}
            dns: {server: "127.0.0.1:15353", password: "${env:NSUPDATE}", parking_address: 192.0.2.9}
            ssh: {identity_file: keys/id, authorized_keys: ["ssh-ed25519 AAAA me", ~/more.pub]}
            openstack: {machine: {ram: 4000}, volumes: {count: 3, size: 10}, clone: git clone x, user-data: y}
            log: {format: json, level: debug}
            site: front-lab
            """ + "\n" + ovh, files: ["/home/op/more.pub": "# mine\nssh-rsa BBBB a\n\nssh-rsa CCCC b\n"],
            environment: ["NSUPDATE": "s3cret"]
        ).configuration
        #expect(site.labDomain == "front.lab.test")
        #expect(site.lockServer == "http://127.0.0.1:18080/")
        #expect(site.site == "front-lab")
        #expect(site.broker == .tcp(host: "broker", port: 11_400))
        #expect(site.destroySlots == 2)
        #expect(site.steps.createServer == StepLimits(timeout: .seconds(180), patience: .seconds(600)))
        #expect(site.steps.waitReady.patience == .seconds(5_400))
        #expect(site.defaults.osVersions["ubuntu"] == "24.04")
        #expect(site.defaults.osVersions["devuan"] == "5.0")
        #expect(site.defaults.osVersions["debian"] == "8.0")
        #expect(site.dns.server == .tcp(host: "127.0.0.1", port: 15_353))
        #expect(site.dns.password?.reveal() == "s3cret")
        #expect(site.dns.parkingAddress == "192.0.2.9")
        #expect(site.ssh.identityFile == "/etc/cirrata/keys/id")
        #expect(site.ssh.authorizedKeys == ["ssh-ed25519 AAAA me", "ssh-rsa BBBB a", "ssh-rsa CCCC b"])
        #expect(site.sizes.machine.ramMB == 4_000)
        #expect(site.sizes.machine.diskGB == 20)
        #expect(site.sizes.volumes.count == 3)
        #expect(site.log.format == .json)
    }

    @Test(arguments: [
        ("broker: unix:/run/b.sock", Endpoint.unix(path: "/run/b.sock")),
        ("broker: unix:///run/b.sock", .unix(path: "/run/b.sock")),
        ("broker: b.lab", .tcp(host: "b.lab", port: 11_300)),
        ("broker: tcp://b.lab:1", .tcp(host: "b.lab", port: 1)),
        ("broker: '[::1]:77'", .tcp(host: "::1", port: 77)),
        ("broker: '::1'", .tcp(host: "::1", port: 11_300)),
        ("queue_host: q", .tcp(host: "q", port: 11_300)),
    ])
    func brokerForms(text: String, endpoint: Endpoint) async throws {
        #expect(try await load(lab(text)).configuration.broker == endpoint)
    }

    @Test(arguments: [
        ("slots: 1", 0, false), ("slots: 2", 1, false), ("slots: 30", 3, false), ("slots: 1000", 100, false),
        ("slots: 4\ndestroy_slots: 0", 0, false), ("slots: 4\ndestroy_slots: 4", 4, true),
    ])
    func destroySlots(text: String, count: Int, isWarned: Bool) async throws {
        let loaded = try await load(lab(text))
        #expect(loaded.configuration.destroySlots == count)
        #expect(loaded.warnings.contains { $0.message.contains("nothing will be provisioned") } == isWarned)
    }

    @Test func teuthologysKeyFilesAreFound() async throws {
        let site = try await load(
            lab("ssh_key: ~/.ssh/lab"), files: ["/home/op/.ssh/id_rsa.pub": "ssh-rsa AAAA op@lab\n"]
        ).configuration
        #expect(site.ssh.identityFile == "/home/op/.ssh/lab")
        #expect(site.ssh.authorizedKeys == ["ssh-rsa AAAA op@lab"])
    }

    /// Where nothing is said, the worker logs in with the key that teuthology would use.
    @Test(arguments: [
        (["id_ed25519", "id_ecdsa", "id_rsa"], "", "/home/op/.ssh/id_rsa"),
        (["id_ed25519", "id_ecdsa"], "", "/home/op/.ssh/id_ecdsa"),
        (["id_ed25519"], "", "/home/op/.ssh/id_ed25519"),
        (["id_rsa"], "ssh: {identity_file: /k}", "/k"),
        (["id_rsa"], "ssh: {check_sentinel: false}", nil),
        ([], "", nil),
    ])
    func theUsersOwnKey(keys: [String], text: String, expected: String?) async throws {
        let files = Dictionary(uniqueKeysWithValues: keys.map { ("/home/op/.ssh/\($0)", "private") })
        #expect(try await load(lab(text), files: files).configuration.ssh.identityFile == expected)
    }

    @Test(arguments: [
        ("slots: 0", "w.yaml:1:8: slots: expected a whole number from 1 to 10000, found the number 0"),
        ("slots: many", "w.yaml:1:8: slots: expected a whole number from 1 to 10000, found the text \"many\""),
        ("slot: 5", "w.yaml:1:1: slot: unknown key; did you mean slots?"),
        ("lab-domain: x", "w.yaml:1:1: lab-domain: unknown key; did you mean lab_domain?"),
        ("wibble: 5", "w.yaml:1:1: wibble: unknown key"),
        ("lab_domain: a b", "w.yaml:1:13: lab_domain: expected a domain name, found the text \"a b\""),
        (
            "lock_server: paddles.lab",
            "w.yaml:1:14: lock_server: expected a URL (http://host:port/path), found the text \"paddles.lab\""
        ),
        (
            "lock_server: http://me:pw@paddles/",
            "w.yaml:1:14: lock_server: a URL here may not hold a user name or password"
        ),
        (
            "lease: 5s",
            "w.yaml:1:8: lease: expected a duration (90, 90s, 5m, 1h30m) from 10s to 1h, found the text \"5s\""
        ),
        ("broker: 'a b'", "w.yaml:1:9: broker: expected host:port or unix:/path, found the text \"a b\""),
        ("broker: h:0", "w.yaml:1:9: broker: expected host:port or unix:/path, found the text \"h:0\""),
        ("broker: h:99999", "w.yaml:1:9: broker: expected host:port or unix:/path, found the text \"h:99999\""),
        ("queue_port: '11300'", "w.yaml:1:13: queue_port: expected a whole number from 1 to 65535, found the text"),
        (
            "log: {level: loud}",
            "w.yaml:1:14: log.level: expected trace, debug, info, notice, warning, error or critical"
        ),
        ("steps: {claims: {}}", "w.yaml:1:9: steps.claims: unknown key; did you mean claim?"),
        ("steps: {claim: 5}", "w.yaml:1:16: steps.claim: expected a mapping, found the number 5"),
        ("tubes: {sweep: 'a b'}", "w.yaml:1:16: tubes.sweep: expected a tube name"),
        ("tubes: {sweep: cirrata.reports}", "w.yaml:1:1: tubes: two of the tubes are called cirrata.reports"),
        ("destroy_slots: 60", "w.yaml:1:1: destroy_slots: 60 is more than slots, which is 50"),
        ("dns: {parking_address: 1.2.3.256}", "w.yaml:1:24: dns.parking_address: expected an IPv4 address"),
        (
            "dns: {password: '${env:NOPE}'}",
            "w.yaml:1:7: dns.password: ${env:NOPE}: no such variable in the environment"
        ),
        ("dns: {password: '${file:p}'}", "w.yaml:1:7: dns.password: ${file:p}: no such file"),
        (
            "dns: {password: '${vault:x}'}",
            "w.yaml:1:17: dns.password: expected text, ${env:NAME} or ${file:PATH}, found something"
        ),
        ("ssh: {authorized_keys: [/nope.pub]}", "w.yaml:1:7: ssh.authorized_keys: /nope.pub: no such file"),
        ("- a", "w.yaml:1:1: expected a mapping, found a list"),
        ("a: [", "w.yaml:2:1: did not find expected node content"),
        ("slots: 1\nslots: 2", "w.yaml:2:1: the key \"slots\" is here a second time; first on line 1"),
        ("libcloud: {provider: {}}", "w.yaml:1:12: libcloud.provider: unknown key; did you mean providers?"),
        ("retry_base: 2m\nretry_cap: 1m", "w.yaml:1:1: retry_base: is longer than retry_cap"),
        ("openstack: {machine: {rma: 1}}", "w.yaml:1:23: openstack.machine.rma: unknown key; did you mean ram?"),
    ])
    func refuses(text: String, expected: String) async throws {
        let found = try await errors(text)
        #expect(found.contains { $0.hasPrefix(expected) }, "\(found)")
    }

    @Test func allProblemsAreShownAtOnceByPlace() async throws {
        let found = try await errors(lab("slots: 0\nlease: x\nlog: {format: xml, colour: red}\ndns: {timeout: -1}"))
        #expect(found.count == 5)
        #expect(found.map { $0.split(separator: ":")[1] } == ["1", "2", "3", "3", "4"])
    }

    /// Also a file of comments, and one whose providers are all commented out.
    @Test(arguments: ["", "# site: x\n", "libcloud:", "libcloud: {providers: {}}"])
    func aFileWithoutProvidersIsNoWorkersConfiguration(text: String) async throws {
        let found = try await errors(text)
        #expect(found.count == 1 && found[0].contains("libcloud.providers: no provider: there is nothing to work on"))
        // Who only talks to the broker needs none.
        let loader = ConfigurationLoader(
            environment: [:], files: MemoryFiles(["/w.yaml": text]), random: FixedRandom())
        #expect(try await loader.load("/w.yaml", for: .queue).configuration.slots == 50)
    }

    /// The defaults are teuthology's own lab: nobody else wants them by an unfinished line.
    @Test(arguments: ["lab_domain", "lock_server", "slots", "reserve_machines"])
    func aKeyWithoutAValueIsAnError(key: String) async throws {
        let found = try await errors(lab("\(key):"))
        #expect(found.count == 1 && found[0].hasPrefix("w.yaml:1:1: \(key): expected "), "\(found)")
        #expect(found[0].contains(", found nothing; remove the line for the default: "), "\(found)")
    }

    @Test(arguments: [
        ("ssh_user: x", "did you mean ssh.user?"), ("dns_server: x", "did you mean dns.server?"),
        ("providers: {}", "did you mean libcloud.providers?"),
        ("retry: 5", "did you mean retry_for or retry_base or retry_cap?"), ("timeout: 5", ""),
    ])
    func aKeyOfAnotherPlaceIsPointedThere(text: String, hint: String) async throws {
        let found = try await errors(lab(text))
        #expect(found.count == 1 && found[0].hasSuffix("unknown key" + (hint.isEmpty ? "" : "; \(hint)")), "\(found)")
    }

    @Test func anUnknownDefaultSystemIsAnError() async throws {
        #expect(
            try await errors(lab("defaults: {os_type: Ubuntu}")) == [
                "w.yaml:1:1: defaults: os_versions has no version of os_type, which is \"Ubuntu\"; did you mean ubuntu?"
            ])
    }
}

@Suite struct SiteTests {
    private func site(_ lockServer: String) async throws -> String? {
        let text = lab("lab_domain: lab.test\nlock_server: \(lockServer)")
        let loader = ConfigurationLoader(environment: [:], files: MemoryFiles(["/w.yaml": text]), random: FixedRandom())
        return try await loader.load("/w.yaml", for: .queue).configuration.site
    }

    @Test(arguments: [
        ("http://paddles.front.sepia.ceph.com/", "lab.test@paddles.front.sepia.ceph.com"),
        ("https://Paddles.CEPH.io:8080/a/b/", "lab.test@paddles.ceph.io:8080/a/b"),
        ("http://8.8.8.8:8080", "lab.test@8.8.8.8:8080"), ("http://172.15.0.1/", "lab.test@172.15.0.1"),
        ("http://[2a00:1450:4001::1]:80/", "lab.test@[2a00:1450:4001::1]:80"),
        ("http://paddles.lab.xn--p1ai/", "lab.test@paddles.lab.xn--p1ai"),
    ])
    func aPublicPaddlesNamesTheSite(lockServer: String, expected: String) async throws {
        #expect(try await site(lockServer) == expected)
    }

    @Test(arguments: [
        "localhost:8080", "LOCALHOST", "localhost.", "paddles.localhost", "localhost.localdomain", "127.0.0.1:18080",
        "127.9.9.9", "127.1", "0.0.0.0", "0x7f.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "[::1]:80", "[::]", "[fe80::1]",
        "[fd00::1]", "[2001:db8::1]", "[2001:0db8::1]", "[3fff::1]", "[::ffff:8.8.8.8]", "paddles", "paddles:8080",
        "paddles.ceph", "paddles.front.local", "paddles.a.internal", "paddles.home.arpa", "paddles.front.test",
        "p.a.lan",
        "p.q.example", "paddles.ns.svc", "paddles.ns.svc.cluster.local", "a.b.", "a.b..", "1.2.3.4.5",
    ])
    func whatIsAnotherHostElsewhereNamesNoSite(host: String) async throws {
        #expect(try await site("http://\(host)/") == nil)
    }

    @Test func aNameThatIsSetHolds() async throws {
        let loaded = try await load(lab("lock_server: http://localhost:8080/\nsite: alice"))
        #expect(loaded.configuration.site == "alice")
    }

    /// Two developers' files, word for word the same, and one project.
    @Test func aWorkerWhoseSiteIsNotCertainDoesNotStart() async throws {
        let text = """
            lock_server: http://localhost:8080/
            results_server: http://localhost:8080/
            lab_domain: teuthology
            queue_host: localhost
            queue_port: 11300
            libcloud: {providers: {ovh: {driver: openstack, driver_args: {username: u, password: p, ex_force_auth_url: 'https://keystone.example:5000', ex_force_auth_version: 3.x_password, ex_tenant_name: shared}, allow_networks: ['Ext-Net$']}}}
            """
        let found = try await errors(text)
        #expect(
            found == [
                "w.yaml:1:1: site: not set, and http://localhost:8080/ may be another lab's paddles elsewhere: which servers "
                    + "and volumes are this lab's could not be told; write a name that no other lab has, such as "
                    + "site: teuthology-1ekg, the same for all workers of this lab; or, if it has servers that an earlier "
                    + "release marked, site: teuthology@localhost:8080, as long as no other lab writes that"
            ])
        #expect(try await load(text + "\nsite: teuthology-1ekg").configuration.site == "teuthology-1ekg")
    }
}

@Suite struct SearchTests {
    private func loader(_ files: [String: String], _ environment: [String: String] = [:]) -> ConfigurationLoader {
        ConfigurationLoader(
            environment: environment.merging(["HOME": "/home/op"]) { own, _ in own }, files: MemoryFiles(files),
            random: FixedRandom())
    }

    @Test func theFirstThatIsThereCounts() async throws {
        var files = [
            "/x.yaml": "slots: 1", "/env.yaml": "slots: 2", "./worker.yaml": "slots: 3",
            "/home/op/.config/cirrata/worker.yaml": "slots: 4", "/etc/cirrata/worker.yaml": "slots: 5",
        ]
        let named = loader(files, ["CIRRATA_CONFIG": "/env.yaml"])
        #expect(try await named.load("/x.yaml", for: .queue).configuration.slots == 1)
        #expect(try await named.load(for: .queue).configuration.slots == 2)
        #expect(try await loader(files).load(for: .queue).configuration.slots == 3)
        files["./worker.yaml"] = nil
        #expect(try await loader(files).load(for: .queue).configuration.slots == 4)
        files["/home/op/.config/cirrata/worker.yaml"] = nil
        let last = try await loader(files).load(for: .queue)
        #expect(last.configuration.slots == 5)
        #expect(last.path == "/etc/cirrata/worker.yaml")
    }

    @Test func aNamedFileMustBeThere() async throws {
        await #expect(throws: InvalidConfiguration.self) {
            _ = try await loader(["./worker.yaml": ""]).load("/nope.yaml")
        }
        await #expect(throws: InvalidConfiguration.self) {
            _ = try await loader(["./worker.yaml": ""], ["CIRRATA_CONFIG": "/nope.yaml"]).load()
        }
    }

    @Test func nothingFoundNamesThePlaces() async throws {
        do {
            _ = try await loader([:]).load()
            Issue.record("loaded")
        } catch let error as InvalidConfiguration {
            #expect(
                error.description
                    == "configuration: no ./worker.yaml, /home/op/.config/cirrata/worker.yaml, /etc/cirrata/worker.yaml; "
                    + "copy worker.yaml.example to one of these, or name a file (a teuthology.yaml as well) with --config"
            )
        }
    }

    @Test func aFileThatCannotBeReadIsNotPassedOver() async throws {
        let files = MemoryFiles(["/etc/cirrata/worker.yaml": "slots: 5"])
        files.set("./worker.yaml", MemoryFiles.File(text: "", denied: true))
        await #expect(throws: InvalidConfiguration.self) {
            _ = try await ConfigurationLoader(environment: [:], files: files, random: FixedRandom()).load()
        }
    }
}

/// Whoever can write a folder could leave a configuration there for the next who works in it.
@Suite struct CurrentFolderTests {
    private func files(_ modes: [String: UInt16]) -> MemoryFiles {
        let files = MemoryFiles([
            "./worker.yaml": lab("slots: 3"), "/etc/cirrata/worker.yaml": lab("slots: 5"), ".": "",
        ])
        for (path, mode) in modes {
            let text = files.files.withLock { $0[path]?.text } ?? ""
            files.set(path, MemoryFiles.File(text: text, mode: mode))
        }
        return files
    }

    @Test(
        arguments: [
            (["./worker.yaml": 0o666], "can write it"), (["./worker.yaml": 0o620], "can write it"),
            ([".": 0o777], "can write the current folder"), ([".": 0o1777], "can write the current folder"),
            ([".": 0o775], "can write the current folder"),
        ] as [([String: UInt16], String)])
    func whatOthersMayWriteIsNotRead(modes: [String: UInt16], why: String) async throws {
        for purpose in [ConfigurationLoader.Purpose.queue, .work] {
            let loader = ConfigurationLoader(environment: [:], files: files(modes), random: FixedRandom())
            let refusal = await #expect(throws: InvalidConfiguration.self) { _ = try await loader.load(for: purpose) }
            #expect(
                refusal?.description == "./worker.yaml: not read: others than you and root \(why); "
                    + "name it with --config if it is the one that you want, or chmod go-w")
            // Named, it is what was meant.
            #expect(try await loader.load("./worker.yaml", for: purpose).configuration.slots == 3)
        }
    }

    @Test func aFolderOfOurOwnIsRead() async throws {
        let loader = ConfigurationLoader(
            environment: [:], files: files([".": 0o755, "./worker.yaml": 0o644]), random: FixedRandom())
        #expect(try await loader.load().configuration.slots == 3)
    }

    @Test func aCloudsFileThatOthersMayWriteIsSkipped() async throws {
        let cloud = "clouds: {lab: {auth: {auth_url: 'https://k', username: u, password: p, project_name: t}}}"
        let system = MemoryFiles([
            "/w.yaml": "libcloud: {providers: {p: {cloud: lab}}}",
            "./clouds.yaml": cloud.replacing("//k", with: "//trap"),
            "/etc/openstack/clouds.yaml": cloud, ".": "",
        ])
        let loader = ConfigurationLoader(environment: [:], files: system, random: FixedRandom())
        #expect(try await loader.load("/w.yaml").configuration.providers[0].access.identityRoot == "https://trap")
        system.set(".", MemoryFiles.File(text: "", mode: 0o1777))
        let loaded = try await loader.load("/w.yaml")
        #expect(loaded.configuration.providers[0].access.identityRoot == "https://k")
        #expect(
            loaded.warnings.map(\.description).contains(
                "./clouds.yaml: skipped: not read: others than you and root can write the current folder"))
    }
}

@Suite struct TeuthologyFileTests {
    @Test func foreignKeysAreTolerated() async throws {
        let text = """
            archive_base: /a
            fog: {endpoint: http://fog}
            results_server: http://paddles/
            max_job_time: 259200
            somebodys_plugin_setting: 5
            openstack: {ip: 1.1.1.1, wibble: x}

            """ + ovh
        let loaded = try await load(text, path: "/home/op/.teuthology.yaml")
        #expect(loaded.configuration.providers.count == 1)
        let unknown = loaded.warnings.map(\.description).filter { $0.contains("unknown key") }
        #expect(
            unknown == [
                "/home/op/.teuthology.yaml:5:1: somebodys_plugin_setting: unknown key, ignored; taken for one of teuthology's",
                "/home/op/.teuthology.yaml:6:26: openstack.wibble: unknown key, ignored; taken for one of teuthology's",
            ])
    }

    @Test func misspeltKeysOfOursAreErrorsThereToo() async throws {
        #expect(
            try await errors(lab("archive_base: /a\nlock_sever: http://x"), path: "t.yaml")
                == ["t.yaml:2:1: lock_sever: unknown key; did you mean lock_server?"])
        #expect(
            try await errors(lab("archive_base: /a\nssh: {wibble: 1}"), path: "t.yaml")
                == ["t.yaml:2:7: ssh.wibble: unknown key"])
    }
}
