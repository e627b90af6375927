import Configuration
import Testing
import YAMLKit

@Suite struct ProviderTests {
    @Test func theDocumentedExampleWorks() async throws {
        let loaded = try await load(ovh, path: "/home/op/.teuthology.yaml")
        let provider = try #require(loaded.configuration.provider("ovh"))
        var expected = CloudAccess(
            identityRoot: "https://auth.cloud.ovh.net", identityVersion: .v2,
            credential: .password(
                user: .name("my_ovh_username", domain: .name("Default")), password: Secret("my_ovh_password"),
                project: .name("my_tenant_name", domain: .id("default"))))
        expected.region = "my_region"
        #expect(provider.access == expected)
        #expect(provider.settings.allowSizes == .everything)
        #expect(provider.settings.excludeSizes == .windows)
        #expect(provider.settings.excludeSizesMode == .compat)
        #expect(loaded.warnings.map(\.path) == ["libcloud.providers.ovh.allow_networks"])
    }

    @Test func everyKeyOfTeuthologyIsRead() async throws {
        let text =
            ovh + """
                      allow_networks: Ext-Net$
                      allow_sizes: [b2-.*, c2-7$]
                      exclude_sizes: ['.*-flex$']
                      exclude_image: ['.*-exclude1$']
                      userdata:
                        ubuntu-16.04: {bootcmd: [[touch, /x]], packages: [git]}
                      security_groups: [default, lab]
                      ssh_interface: private_ips
                      max_servers: 12
                      adopt_unmarked: yes
                      availability_zones: [nova, az2]
                      rate: {compute: {per_second: 5, concurrency: 3}}
                """
        let settings = try #require(try await load(text).configuration.provider("ovh")?.settings)
        #expect(settings.allowNetworks.anyMatches("Ext-Net"))
        #expect(!settings.allowNetworks.anyMatches("Ext-Net-2"))
        #expect(settings.allowSizes.sources == ["b2-.*", "c2-7$"])
        #expect(settings.excludeSizes.sources == [".*-flex$"])
        #expect(settings.excludeImage.sources == [".*-exclude1$"])
        #expect(settings.userData("ubuntu", "16.04")?["packages"] == .strings(["git"]))
        #expect(settings.userData("ubuntu", "22.04") == nil)
        #expect(settings.securityGroups == ["default", "lab"])
        #expect(settings.sshInterface == .private)
        #expect(settings.maximumServers == 12)
        #expect(settings.adoptsUnmarked)
        #expect(settings.availabilityZones == ["nova", "az2"])
        #expect(settings.rate.compute == ServiceRate(perSecond: 5, burst: 20, concurrency: 3))
        #expect(settings.rate.volume == ServiceRate(perSecond: 20, burst: 20, concurrency: 32))
    }

    /// A list replaces the default, a null is no value.
    @Test(
        arguments: [
            ("exclude_sizes: ~", ["win-.*"], .compat), ("exclude_sizes: []", [], .compat),
            ("exclude_sizes: b2-.*", ["b2-.*"], .compat), ("exclude_sizes_mode: any", ["win-.*"], .any),
            ("exclude_sizes: [b2-.*, c2-.*], exclude_sizes_mode: any", ["b2-.*", "c2-.*"], .any),
        ] as [(String, [String], ProviderSettings.ExcludeMode)])
    func excludedSizes(keys: String, sources: [String], mode: ProviderSettings.ExcludeMode) async throws {
        let text = """
            libcloud: {providers: {p: {driver_args: {username: u, password: p, ex_force_auth_url: 'http://k', ex_tenant_name: t}, \(keys)}}}
            """
        let settings = try #require(try await load(text).configuration.provider("p")?.settings)
        #expect(settings.excludeSizes.sources == sources)
        #expect(settings.excludeSizesMode == mode)
    }

    @Test(arguments: [
        ("allow_networks: []", "allow_networks: the empty list allows no network"),
        ("allow_sizes: []", "allow_sizes: the empty list allows no flavor"),
        ("exclude_sizes: []", "exclude_sizes: the empty list excludes every flavor"),
        ("exclude_sizes: [a$, b$]", "exclude_sizes: with several patterns a flavor is excluded only if it matches all"),
        ("exclude_sizes: b2-.*", "exclude_sizes: replaces the default win-.*"),
        ("security_groups: default", "security_groups: a single text is taken for one name"),
        ("allow_sizes: b2-7", "allow_sizes: \"b2-7\" also matches every longer name that begins with it"),
        ("userdata: {ubuntu-22.04: ~}", "userdata.\"ubuntu-22.04\": nothing: ignored"),
        ("userdata: {ubuntu: {a: b}}", "userdata: \"ubuntu\" is never used"),
        ("userdata: {ubuntu-22.04: {user: root}}", "userdata: ubuntu-22.04.user is overwritten with ubuntu"),
        ("insecure: true", "libcloud.providers.ovh: certificates are not verified"),
    ])
    func trapsAreWarnedAbout(keys: String, expected: String) async throws {
        let loaded = try await load(ovh + "      \(keys)\n")
        #expect(loaded.warnings.contains { $0.description.contains(expected) }, "\(loaded.warnings)")
    }

    /// cloud-init's own example: the tag goes on to cloud-init with what it is about.
    @Test func userDataMayHaveWhatCloudInitReads() async throws {
        let loaded = try await load(
            ovh + """
                      allow_networks: [Ext-Net$]
                      userdata:
                        ubuntu-22.04:
                          write_files:
                          - path: /usr/local/bin/hello
                            permissions: '0755'
                            content: !!binary |
                              aGVsbG8K

                """)
        #expect(loaded.warnings.isEmpty)
        let node = try #require(loaded.configuration.providers.first?.settings.userData("ubuntu", "22.04"))
        #expect(
            YAMLWriter.write(node) == """
                write_files:
                - path: /usr/local/bin/hello
                  permissions: '0755'
                  content: !!binary |
                    aGVsbG8K

                """)
    }

    @Test(arguments: [
        ("http://keystone.lab:5000/v3", true), ("http://10.0.0.1:5000", true), ("https://keystone.lab:5000", false),
        ("http://localhost:5000", false), ("http://127.0.0.1/identity", false), ("http://[::1]:5000/v3", false),
        ("http://[0:0:0:0:0:0:0:1]", false), ("http://[::2]", true), ("http://localhost.lab", true),
    ])
    func aPasswordInClearTextIsWarnedAbout(url: String, isWarned: Bool) async throws {
        let text = ovh.replacing("https://auth.cloud.ovh.net/v2.0/tokens", with: url)
        let warnings = try await load(text).warnings.map(\.description)
        #expect(warnings.contains { $0.contains("the password goes to http://") } == isWarned, "\(warnings)")
        let bridge = ovh.replacing("http://nsupdate.lab/update", with: url) + "dns: {password: x}"
        let others = try await load(bridge).warnings.map(\.description)
        #expect(
            others.contains { $0.contains("nsupdate_url: dns.password goes there in clear text") } == isWarned,
            "\(others)")
    }

    @Test func aCarefulProviderIsQuiet() async throws {
        let loaded = try await load(
            ovh
                + "      allow_networks: [Ext-Net$]\n      allow_sizes: [b2-7$]\n".replacing(
                    "my_ovh_password", with: ""))
        #expect(loaded.warnings.isEmpty)
    }

    @Test(arguments: [
        ("driver: ec2", "libcloud.providers.ovh.driver: expected openstack, found the text \"ec2\""),
        ("ssh_interface: public", "libcloud.providers.ovh.ssh_interface: expected public_ips or private_ips, found"),
        ("allow_size: x", "libcloud.providers.ovh.allow_size: unknown key; did you mean allow_sizes?"),
        (
            "allow_sizes: [ok, 'a(']",
            "libcloud.providers.ovh.allow_sizes: \"a(\" is no usable regular expression: "
                + "missing ), unterminated subpattern at position 2"
        ),
        (
            "userdata: {ubuntu-22.04: text}",
            "userdata.\"ubuntu-22.04\": expected a mapping (of cloud-config), found the text"
        ),
        ("max_servers: -1", "libcloud.providers.ovh.max_servers: expected a whole number from 0 to 100000"),
        ("cloud: nope", "libcloud.providers.ovh.cloud: no cloud named \"nope\""),
        ("interface: outside", "libcloud.providers.ovh.interface: expected public, internal or admin"),
        ("driver_args: {username: u}", "libcloud.providers.ovh.driver_args: the address of Keystone is missing"),
        (
            "driver_args: {username: u, ex_force_auth_url: 'http://k', ex_tenant_name: t}",
            "libcloud.providers.ovh.driver_args: the password is missing; set password"
        ),
        (
            "driver_args: {username: u, password: p, ex_force_auth_url: 'http://k'}",
            "libcloud.providers.ovh.driver_args: the project's name is missing; set ex_tenant_name"
        ),
        (
            "driver_args: {username: u, password: p, ex_force_auth_url: 'ftp://k', ex_tenant_name: t}",
            "driver_args.ex_force_auth_url: expected a URL"
        ),
        (
            "driver_args: {username: u, password: p, ex_force_auth_url: 'k:5000/v3', ex_tenant_name: t}",
            "user or password in it; write https:// (or http://) before it"
        ),
        (
            "userdata: {ubuntu-22.04: {runcmd: [!mine x]}}",
            "userdata.\"ubuntu-22.04\": cloud-init does not know the tag that stands here; quote a text that begins with !"
        ),
        (
            "driver_args: {username: u, password: p, ex_force_auth_url: 'http://k', ex_force_auth_version: 1.1}",
            "driver_args.ex_force_auth_version: 1.1 is not supported; use 3.x_password"
        ),
        (
            "driver_args: {username: u, password: p, ex_force_auth_url: 'http://k', ex_token_scope: unscoped}",
            "driver_args.ex_token_scope: with unscoped Keystone sends no catalog"
        ),
        ("driver_args: {usernam: u}", "driver_args.usernam: unknown key; did you mean username?"),
    ])
    func refuses(keys: String, expected: String) async throws {
        let base = keys.hasPrefix("driver") ? "libcloud:\n  providers:\n    ovh:\n" : ovh
        let found = try await errors(base + "      \(keys)\n")
        #expect(found.contains { $0.contains(expected) }, "\(found)")
    }

    @Test func noArgumentsAtAll() async throws {
        #expect(
            try await errors("libcloud: {providers: {ovh: ~}}") == [
                "w.yaml:1:24: libcloud.providers.ovh: driver_args is missing; give username, password and ex_force_auth_url "
                    + "there, or cloud: NAME for a cloud of clouds.yaml"
            ])
        #expect(
            try await errors("libcloud: {providers: {'a b': ~}}").contains { $0.contains("the name of a provider") })
    }

    @Test func argumentsOfEveryKind() async throws {
        let text = """
            libcloud:
              providers:
                p:
                  driver: openstack
                  driver_args:
                    username: app-id
                    password: ${file:secret}
                    ex_force_auth_url: https://cloud/identity/v3/
                    ex_force_auth_version: 3.x_appcred
                    ex_force_service_region: R
                    ex_force_service_name: nova-x
                    ex_force_base_url: http://c/v2.1
                    ex_force_image_url: http://i
                    ex_force_volume_url: http://v
                    ex_force_network_url: http://n
                    ex_force_microversion: compute 2.60
                    api_version: '2.2'
                    timeout: 30
                    proxy_url: http://proxy:3128
                  region: S
                  interface: internal
                  cacert: ~/ca.pem
            """
        let loaded = try await load(text, files: ["/etc/cirrata/secret": "hush\n"])
        let access = try #require(loaded.configuration.provider("p")?.access)
        #expect(access.identityRoot == "https://cloud/identity")
        #expect(access.identityVersion == .v3)
        #expect(
            access.credential
                == .applicationCredential(.id("app-id"), secret: Secret("hush", from: .file("/etc/cirrata/secret"))))
        #expect(access.region == "S")
        #expect(access.interface == .internal)
        #expect(access.tls.authorityFile == "/home/op/ca.pem")
        #expect(access.overrides[.compute]?.endpoint == "http://c/v2.1")
        #expect(access.overrides[.compute]?.microversion == "2.60")
        #expect(access.overrides[.compute]?.name == "nova-x")
        #expect(access.overrides[.image]?.endpoint == "http://i")
        #expect(access.overrides[.volume]?.endpoint == "http://v")
        #expect(access.overrides[.network]?.endpoint == "http://n")
        #expect(access.timeout == .seconds(30))
        #expect(
            loaded.warnings.contains {
                $0.description.hasSuffix(
                    "driver_args.proxy_url: a proxy for one provider alone is not supported: not used; "
                        + "set https_proxy, http_proxy and no_proxy in the environment")
            }, "\(loaded.warnings)")
    }

    @Test(
        arguments: [
            ("https://auth.cloud.ovh.net", "https://auth.cloud.ovh.net", nil), ("http://k:5000", "http://k:5000", nil),
            ("http://k:5000/", "http://k:5000", nil), ("HTTPS://K.Lab/v2.0", "https://k.lab", .v2),
            ("https://k/v2.0/", "https://k", .v2), ("https://k/v2.0/tokens", "https://k", .v2),
            ("https://k/v2.0/tokens/", "https://k", .v2), ("https://k/v2.0/tokens/v2.0/tokens", "https://k", .v2),
            ("https://k/v3", "https://k", .v3), ("https://k/v3/", "https://k", .v3),
            ("https://k/v3.14", "https://k", .v3),
            ("https://k/v3/auth/tokens", "https://k", .v3), ("https://k/v3/auth/tokens/auth/tokens", "https://k", .v3),
            ("http://c/identity", "http://c/identity", nil), ("http://c/identity/v3", "http://c/identity", .v3),
            ("http://c/identity//v3/auth/tokens/", "http://c/identity", .v3), ("http://c/a/b/v2", "http://c/a/b", .v2),
            ("http://[::1]:5000/v3", "http://[::1]:5000", .v3), (" https://k/v3 ", "https://k", .v3),
        ] as [(String, String, IdentityVersion?)])
    func authURLs(text: String, root: String, version: IdentityVersion?) throws {
        let url = try #require(AuthURL(parsing: text))
        #expect(url == AuthURL(root: root, version: version))
        #expect(AuthURL(parsing: url.description) == url)
    }

    @Test(arguments: [
        "", "auth.cloud.ovh.net", "k:5000/v3", "127.0.0.1:28080/identity", "ftp://k", "http://", "http://u:p@k/v3",
        "http://k/v3?x=1", "http://k:port/", "a b", "http:///v3",
    ])
    func noAuthURLs(text: String) {
        #expect(AuthURL(parsing: text) == nil)
    }
}
