import Configuration
import Testing

@Suite struct ReadmeTests {
    private static func readme() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return try readText("/\(root)/README.md")
    }

    /// What stands between two texts, the first time.
    private static func text(after start: String, before end: String) throws -> String {
        let readme = try readme()
        let from = try #require(readme.firstRange(of: start)?.upperBound)
        let rest = readme[from...]
        return String(rest[..<(try #require(rest.firstRange(of: end)?.lowerBound))])
    }

    @Test func theTableOfKeysIsTheDeclaration() throws {
        let table = try Self.text(after: "<!-- reference -->\n", before: "<!-- end of reference -->")
        #expect(
            table == ReferenceText.markdown(SiteConfiguration.documents),
            "put the output of `cirrata config reference` between the marks in README.md")
    }

    @Test func theSiteFileThatItShowsLoads() async throws {
        let example = try Self.text(after: "The shape is the same:\n\n```yaml\n", before: "```")
        let loaded = try await load(
            example,
            files: ["/etc/cirrata/id_rsa.pub": "ssh-rsa A b", "/etc/cirrata/ovh-password": "secret"])
        #expect(loaded.configuration.providers.map(\.name) == ["ovh"])
        #expect(loaded.warnings.isEmpty, "\(loaded.warnings)")
    }
}
