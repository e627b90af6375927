import Configuration
import Testing
import World
import YAMLKit

@Suite struct SecretTests {
    @Test func nothingShowsIt() async throws {
        let site = try await load(ovh).configuration
        let provider = try #require(site.providers.first)
        var dumped = ""
        dump(site, to: &dumped)
        for text in [
            "\(provider)", "\(provider.access)", String(reflecting: site), dumped, site.effective,
            "\(Secret("my_ovh_password"))",
        ] {
            #expect(!text.contains("my_ovh_password"))
        }
        #expect(site.effective.contains("password: '(hidden)'"))
        #expect(provider.access.credential != .token(Secret("x"), project: nil))
    }

    @Test func errorsDoNotShowIt() async throws {
        for text in [
            "dns: {password: [hunter2]}", "dns: {password: '${hunter2}'}", "dns: {password: {a: hunter2}}",
            "dns: {password: !hunter2 x}", "dns: {password: !!hunter2 x}", "dns: {password: !hunter2}",
            "lock_server: http://me:hunter2@x:y/", "libcloud: {providers: {p: {driver_args: {password: [hunter2]}}}}",
            "libcloud: {providers: {p: {driver_args: {ex_force_auth_url: 'http://me:hunter2@k'}}}}",
            "nsupdate_url: http://me:hunter2@x/?a=b",
        ] {
            let found = try await errors(text)
            #expect(!found.isEmpty)
            #expect(!found.joined().contains("hunter2"), "\(found)")
        }
    }

    /// `#` behind a blank begins a comment, in the middle of a password as anywhere else.
    @Test(arguments: [
        ("sec #ret", "sec", true), ("sec # the lab's", "sec", true), ("\"sec #ret\"", "sec #ret", false),
        ("'sec' # the lab's", "sec", false), ("sec#ret", "sec#ret", false), ("gehüim\t#nis", "gehüim", true),
    ])
    func aSecretThatACommentCutsIsWarnedAbout(text: String, password: String, isWarned: Bool) async throws {
        let own = try await load("# ümläut\n" + ovh.replacing("'my_ovh_password'", with: text))
        let clouds = "clouds:\n  lab: {auth: {auth_url: https://k, username: u, project_name: t}}\n"
        let secure = "clouds: # ümläut\n  lab:\n    auth:\n      password: \(text)\n"
        let other = try await load(
            "libcloud: {providers: {p: {cloud: lab}}}",
            files: ["/etc/openstack/clouds.yaml": clouds, "/etc/openstack/secure.yaml": secure])
        for loaded in [own, other] {
            let warnings = loaded.warnings.filter { $0.message == "ends before the #, where a comment begins" }
            #expect(warnings.count == (isWarned ? 1 : 0) && warnings.allSatisfy { $0.path.hasSuffix("password") })
            guard case .password(_, let secret, _) = loaded.configuration.providers[0].access.credential else {
                Issue.record("no password")
                return
            }
            #expect(secret.reveal() == password)
        }
    }

    @Test func aCommentBehindAReferenceIsOne() async throws {
        let loaded = try await load(
            ovh.replacing("'my_ovh_password'", with: "${env:PW} # the lab's"), environment: ["PW": "x"])
        #expect(!loaded.warnings.contains { $0.message.contains("comment") })
    }

    @Test func filesCanBeReadAgain() async throws {
        let text = ovh.replacing("'my_ovh_password'", with: "${file:~/pw}")
        let files = MemoryFiles(["/w.yaml": text, "/home/op/pw": "first\n"])
        let loader = ConfigurationLoader(environment: ["HOME": "/home/op"], files: files, random: FixedRandom())
        let access = try #require(try await loader.load("/w.yaml").configuration.providers.first).access
        files.set("/home/op/pw", MemoryFiles.File(text: "second\r\n"))
        func password(_ access: CloudAccess) -> String? {
            if case .password(_, let password, _) = access.credential { password.reveal() } else { nil }
        }
        #expect(password(access) == "first")
        #expect(try await password(access.refreshed(files)) == "second")
        files.set("/home/op/pw", MemoryFiles.File(text: "\n"))
        await #expect(throws: SecretFailure.self) { _ = try await access.refreshed(files) }
    }

    @Test func openFilesAreWarnedAbout() async throws {
        func warnings(_ text: String, _ modes: [String: UInt16]) async throws -> [String] {
            let files = MemoryFiles(["/w.yaml": text, "/pw": "x", "/etc/openstack/clouds.yaml": "clouds: {}"])
            for (path, mode) in modes {
                let text = path == "/w.yaml" ? text : "x"
                files.set(path, MemoryFiles.File(text: text, mode: mode))
            }
            return try await ConfigurationLoader(environment: [:], files: files, random: FixedRandom())
                .load("/w.yaml").warnings.map(\.description).filter { $0.contains("read by everybody") }
        }
        #expect(
            try await warnings(ovh, ["/w.yaml": 0o644])
                == ["/w.yaml: holds a password and can be read by everybody; chmod 640 /w.yaml"])
        #expect(try await warnings(ovh, ["/w.yaml": 0o640]).isEmpty)
        let elsewhere = ovh.replacing("'my_ovh_password'", with: "${file:/pw}")
        #expect(try await warnings(elsewhere, ["/w.yaml": 0o644, "/pw": 0o600]).isEmpty)
        #expect(
            try await warnings(elsewhere, ["/w.yaml": 0o644, "/pw": 0o604])
                == ["/pw: holds a secret and can be read by everybody; chmod 640 /pw"])
    }
}
