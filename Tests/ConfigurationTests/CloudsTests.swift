import Configuration
import Testing
import YAMLKit

private let provider = """
    nsupdate_url: http://n/
    libcloud: {providers: {p: {cloud: lab, allow_networks: x$}}}
    """

private let clouds = """
    clouds:
      lab:
        auth:
          auth_url: https://keystone.lab:5000/v3
          username: me
          password: pw
          project_name: proj
          user_domain_name: Users
          project_domain_name: Projects
        region_name: R1
        interface: internal
    """

private func access(
    _ text: String = clouds, _ worker: String = provider, secure: String? = nil, environment: [String: String] = [:],
    others: [String: String] = [:]
) async throws -> CloudAccess {
    var files = others.merging(["/etc/openstack/clouds.yaml": text]) { _, own in own }
    files["/home/op/.config/openstack/secure.yaml"] = secure
    return try #require(try await load(worker, files: files, environment: environment).configuration.provider("p"))
        .access
}

@Suite struct CloudsTests {
    /// Only what stands in clouds.yaml can be pointed at there.
    @Test func problemsPointIntoTheFileTheyName() async throws {
        let main = "/etc/openstack/clouds.yaml"
        let own = try await errors(provider, files: [main: clouds + "\n    auth-type: magic"])
        #expect(own.first?.hasPrefix("\(main):12:5: clouds.lab.auth_type: ") == true, "\(own)")
        let secure = "clouds:\n  lab: {auth_type: magic}"
        let others = try await errors(provider, files: [main: clouds, "/etc/openstack/secure.yaml": secure])
        #expect(others.first?.hasPrefix("\(main): clouds.lab.auth_type: ") == true, "\(others)")
    }

    @Test func aCloudIsRead() async throws {
        var expected = CloudAccess(
            identityRoot: "https://keystone.lab:5000", identityVersion: .v3,
            credential: .password(
                user: .name("me", domain: .name("Users")), password: Secret("pw"),
                project: .name("proj", domain: .name("Projects"))))
        expected.region = "R1"
        expected.interface = .internal
        #expect(try await access() == expected)
    }

    @Test func secureWinsAndMergesDeeply() async throws {
        let result = try await access(secure: "clouds: {lab: {auth: {password: better}}}")
        guard case .password(let user, let password, _) = result.credential else {
            Issue.record("no password")
            return
        }
        #expect(password.reveal() == "better")
        #expect(user == .name("me", domain: .name("Users")))
    }

    @Test func hyphensTenantsAndOneDomainForBoth() async throws {
        let text = """
            clouds:
              lab:
                auth: {auth-url: 'http://k/v2.0', username: me, password: pw, tenant-name: proj}
                domain-name: D
                endpoint-type: publicURL
            """
        let result = try await access(text)
        #expect(result.identityVersion == .v2)
        #expect(
            result.credential
                == .password(
                    user: .name("me", domain: .name("D")), password: Secret("pw"),
                    project: .name("proj", domain: .name("D"))))
        #expect(result.interface == .public)
    }

    @Test func idsAndDefaultDomains() async throws {
        let text =
            "clouds: {lab: {auth: {auth_url: 'http://k', user_id: U, password: pw, project_id: P, project_name: n}}}"
        let result = try await access(text)
        #expect(result.credential == .password(user: .id("U"), password: Secret("pw"), project: .id("P")))
        #expect(result.identityVersion == nil)
        let plain = "clouds: {lab: {auth: {auth_url: 'http://k', username: u, password: pw, project_name: n}}}"
        #expect(
            try await access(plain).credential
                == .password(
                    user: .name("u", domain: .id("default")), password: Secret("pw"),
                    project: .name("n", domain: .id("default"))))
    }

    @Test(arguments: [
        (
            "{auth_url: 'http://k', application_credential_id: I, application_credential_secret: S}",
            "auth_type: v3applicationcredential"
        ),
        ("{auth_url: 'http://k/v3', application_credential_id: I, application_credential_secret: S}", "x: y"),
    ])
    func applicationCredentials(auth: String, type: String) async throws {
        let result = try await access("clouds: {lab: {auth: \(auth), \(type)}}")
        #expect(result.credential == .applicationCredential(.id("I"), secret: Secret("S")))
    }

    @Test func tokensAndVersions() async throws {
        let token = "clouds: {lab: {auth_type: token, auth: {auth_url: 'http://k', token: T, project_id: P}}}"
        #expect(try await access(token).credential == .token(Secret("T"), project: .id("P")))
        let old =
            "clouds: {lab: {auth_type: v2password, auth: {auth_url: 'http://k', username: u, password: p, tenant_name: t}}}"
        #expect(try await access(old).identityVersion == .v2)
        let third =
            "clouds: {lab: {identity_api_version: 3, auth: {auth_url: 'http://k', username: u, password: p, project_id: t}}}"
        #expect(try await access(third).identityVersion == .v3)
    }

    @Test func servicesTLSAndTime() async throws {
        let text =
            clouds + """

                    verify: false
                    cacert: /ca.pem
                    cert: /c.pem
                    key: /k.pem
                    api_timeout: 20
                    compute_endpoint_override: http://c
                    compute_default_microversion: '2.79'
                    block_storage_service_type: volumev3
                    volume_region_name: V
                    image_interface: adminURL
                    network_api_version: 2
                """
        let loaded = try await load(provider, files: ["/etc/openstack/clouds.yaml": text])
        let result = try #require(loaded.configuration.provider("p")).access
        #expect(!result.tls.verifies)
        #expect(result.tls.authorityFile == "/ca.pem")
        for key in ["cert", "key"] {
            #expect(
                loaded.warnings.contains {
                    $0.description.hasSuffix("clouds.lab.\(key): client certificates are not supported: not used")
                }, "\(loaded.warnings)")
        }
        #expect(result.timeout == .seconds(20))
        #expect(result.overrides[.compute]?.endpoint == "http://c")
        #expect(result.overrides[.compute]?.microversion == "2.79")
        #expect(result.overrides[.volume]?.type == "volumev3")
        #expect(result.overrides[.volume]?.region == "V")
        #expect(result.overrides[.image]?.interface == .admin)
        #expect(result.overrides[.network] == nil)
    }

    @Test(arguments: [
        ("insecure: true\n    verify: true", false), ("insecure: false", true),
        ("insecure: false\n    verify: false", false),
        ("verify: 'False'", false), ("cacert: /x", true),
    ])
    func insecureWinsOverVerify(keys: String, verifies: Bool) async throws {
        #expect(try await access(clouds + "\n    \(keys)\n").tls.verifies == verifies)
    }

    @Test func regions() async throws {
        let text = """
            clouds:
              lab:
                auth: {auth_url: 'http://{region_name}.k/v3', username: u, password: p, project_name: t}
                regions: [GRA1, {name: SBG5, values: {interface: admin}}]
            """
        let first = try await access(text)
        #expect(first.region == "GRA1")
        #expect(first.identityRoot == "http://gra1.k")
        let second = try await access(text, provider.replacing("cloud: lab", with: "cloud: lab, region: SBG5"))
        #expect(second.region == "SBG5")
        #expect(second.interface == .admin)
        let failures = try await errors(
            provider.replacing("cloud: lab", with: "cloud: lab, region: gra1"),
            files: ["/etc/openstack/clouds.yaml": text])
        #expect(failures.contains { $0.contains("the cloud has no region \"gra1\"; it has GRA1, SBG5; case counts") })
    }

    @Test func profiles() async throws {
        let known = "clouds: {lab: {profile: ovh, auth: {username: u, password: p, project_name: t}}}"
        #expect(try await access(known).identityRoot == "https://auth.cloud.ovh.net")
        let own = "clouds: {lab: {cloud: mine, auth: {username: u, password: p, project_name: t}}}"
        let result = try await access(
            own,
            others: ["/etc/openstack/clouds-public.yaml": "public-clouds: {mine: {auth: {auth_url: 'http://mine/v3'}}}"]
        )
        #expect(result.identityRoot == "http://mine")
        let failures = try await errors(provider, files: ["/etc/openstack/clouds.yaml": own])
        #expect(failures.contains { $0.contains("the profile \"mine\" of the cloud lab is not known") })
    }

    @Test func argumentsGoBeforeTheCloud() async throws {
        let worker = """
            libcloud:
              providers:
                p:
                  driver_args: {cloud: lab, username: other, password: own, ex_force_service_region: R9}
            """
        let result = try await access(clouds, worker)
        #expect(
            result.credential
                == .password(
                    user: .name("other", domain: .name("Default")), password: Secret("own"),
                    project: .name("proj", domain: .name("Projects"))))
        #expect(result.region == "R9")
    }

    @Test func theEnvironmentIsACloudOfItsOwn() async throws {
        let worker = "libcloud: {providers: {p: {cloud: envvars}}}"
        let variables = [
            "OS_AUTH_URL": "https://k/v3", "OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_PROJECT_ID": "P",
            "OS_USER_DOMAIN_NAME": "D", "OS_REGION_NAME": "R", "OS_INTERFACE": "public", "OS_IDENTITY_API_VERSION": "3",
            "OS_TEST_X": "1", "OS_CACERT": "/ca",
        ]
        let result = try await access("", worker, environment: variables)
        #expect(
            result.credential
                == .password(user: .name("u", domain: .name("D")), password: Secret("p"), project: .id("P")))
        #expect(result.region == "R")
        #expect(result.tls.authorityFile == "/ca")
        let named = try await access(
            "", worker.replacing("envvars", with: "rc"), environment: variables.merging(["OS_CLOUD_NAME": "rc"]) { $1 })
        #expect(named == result)
        // They do not change the clouds of a file.
        #expect(try await access(environment: ["OS_PROJECT_NAME": "x", "OS_USERNAME": "y"]) == access())
        let failures = try await errors(worker, environment: ["OS_CLOUD": "lab", "OS_REGION_NAME": "R"])
        #expect(failures.contains { $0.contains("no OS_* variables are set; source the cloud's openrc") })
    }

    @Test func searchOrder() async throws {
        func cloud(_ host: String) -> String {
            "clouds: {lab: {auth: {auth_url: 'http://\(host)', username: u, password: p, project_name: t}}}"
        }
        var files = [
            "/own.yaml": cloud("own"), "./clouds.yaml": cloud("here"), "/xdg/openstack/clouds.yml": cloud("xdg"),
            "/home/op/.config/openstack/clouds.json":
                #"{"clouds": {"lab": {"auth": {"auth_url": "http://home", "username": "u", "password": "p", "project_name": "t"}}}}"#,
            "/etc/xdg/openstack/clouds.yaml": cloud("site"), "/etc/openstack/clouds.yaml": cloud("etc"),
        ]
        func root(_ environment: [String: String] = [:]) async throws -> String? {
            try await load(provider, files: files, environment: environment).configuration.provider("p")?.access
                .identityRoot
        }
        #expect(try await root(["OS_CLIENT_CONFIG_FILE": "/own.yaml"]) == "http://own")
        #expect(try await root(["XDG_CONFIG_HOME": "/xdg"]) == "http://here")
        files["./clouds.yaml"] = nil
        #expect(try await root(["XDG_CONFIG_HOME": "/xdg"]) == "http://xdg")
        #expect(try await root() == "http://home")
        files["/home/op/.config/openstack/clouds.json"] = "{broken"
        #expect(try await root() == "http://site")
        let warnings = try await load(provider, files: files).warnings.map(\.description)
        #expect(warnings.contains { $0.hasPrefix("/home/op/.config/openstack/clouds.json:") && $0.contains("skipped") })
        files["/etc/xdg/openstack/clouds.yaml"] = nil
        #expect(try await root() == "http://etc")
        files["/etc/openstack/clouds.yaml"] = nil
        let failures = try await errors(provider, files: files)
        #expect(
            failures.contains { $0.contains("no cloud named \"lab\"; no clouds.yaml in ., /home/op/.config/openstack") }
        )
    }

    @Test(arguments: [
        ("clouds: {lap: {}}", "no cloud named \"lab\"; did you mean lap? /etc/openstack/clouds.yaml has lap"),
        (
            "clouds: {lab: {auth: {username: u, password: p}}}",
            "the address of Keystone is missing; complete the cloud \"lab\""
        ),
        (
            "clouds: {lab: {auth_type: v3kerberos, auth: {auth_url: 'http://k'}}}",
            "clouds.lab.auth_type: \"v3kerberos\" is not supported"
        ),
        ("clouds: {lab: {interface: sideways, auth: {auth_url: 'http://k'}}}", "clouds.lab.interface: expected public"),
    ])
    func refuses(text: String, expected: String) async throws {
        let found = try await errors(provider, files: ["/etc/openstack/clouds.yaml": text])
        #expect(found.contains { $0.contains(expected) }, "\(found)")
    }
}
