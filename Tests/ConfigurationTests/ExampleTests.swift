import Configuration
import Testing
import YAMLKit

@Suite struct ExampleTests {
    /// The file in the root of the repository, found from this source file.
    private static func committed() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return try readText("/\(root)/worker.yaml.example")
    }

    @Test func theFileIsTheDeclaration() async throws {
        let committed = try Self.committed()
        let declared = SiteConfiguration.exampleFile
        #expect(committed == declared, "write the declaration's text into worker.yaml.example")
    }

    @Test func itLoads() async throws {
        let loaded = try await load(
            Self.committed(), files: ["/home/op/.ssh/id_rsa.pub": "ssh-rsa A b"], environment: ["OVH_PASSWORD": "x"])
        #expect(loaded.configuration.providers.map(\.name) == ["ovh"])
        // Its values are the defaults.
        var defaults = SiteConfiguration()
        defaults.providerSettings = loaded.configuration.providerSettings
        defaults.ssh.knownHostsFolder = loaded.configuration.ssh.knownHostsFolder
        #expect(loaded.configuration.effective == defaults.effective)
    }

    @Test func itListsEveryKeyOnce() async throws {
        let root = try #require(try YAML.parse(uncommented(Self.committed()), source: "example", limits: .file))
        let declared = SiteConfiguration.documents.flatMap { $0.paths() }
        for path in declared {
            var node: Node? = root
            for key in path.split(separator: ".") { node = node?[String(key)] }
            #expect(node != nil, "\(path)")
        }
        #expect(Set(declared).count == declared.count)
        #expect(declared.count > 100)
    }

    /// With everything that is commented out switched on, every key is still read without a complaint.
    @Test func itsCommentedKeysAreRight() async throws {
        let text = uncommented(try Self.committed())
        let found = try await errors(
            text,
            files: [
                "/home/op/.ssh/id_rsa.pub": "ssh-rsa A b",
                "/etc/openstack/clouds.yaml": "clouds: {ovh: {}}",
            ], environment: ["OVH_PASSWORD": "x", "OVH_TOKEN": "t", "NSUPDATE_PASSWORD": "y"])
        #expect(found.isEmpty, "\(found)")
    }

    @Test func everyKeyIsExplained() {
        func check(_ documents: [KeyDocument]) {
            for document in documents {
                #expect(document.meaning.count > 5, "\(document.name)")
                #expect(document.meaning.hasSuffix("."), "\(document.name)")
                switch document.content {
                case .section(let children), .named(_, let children): check(children)
                case .value, .optional: break
                }
            }
        }
        check(SiteConfiguration.documents)
    }

    @Test func theReferenceHasARowForEveryKey() {
        let text = ReferenceText.markdown(SiteConfiguration.documents)
        for path in SiteConfiguration.documents.flatMap({ $0.paths() }) {
            let shown = path.replacing("providers.ovh", with: "providers.NAME")
            #expect(text.contains("| `\(shown)` |"), "\(shown)")
        }
    }

    @Test func theEffectiveConfigurationCanBeReadBack() async throws {
        let first = try await load(
            lab(
                "slots: 7\ndns: {server: n1}\nsteps: {claim: {timeout: 1m30s}}\ndefaults: {os_versions: {ubuntu: 24.04}}"
            )
        ).configuration
        let second = try await load(first.effective).configuration
        #expect(second.effective == first.effective)
        #expect(second.slots == 7)
        #expect(second.defaults.osVersions["ubuntu"] == "24.04")
    }

    /// `#key:` becomes `key:`; prose has a blank after the sign.
    private func uncommented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let indent = line.prefix { $0 == " " }
            let rest = line.dropFirst(indent.count)
            return rest.hasPrefix("#") && !rest.hasPrefix("# ") && rest != "#" ? indent + rest.dropFirst() : line
        }.joined(separator: "\n")
    }
}
