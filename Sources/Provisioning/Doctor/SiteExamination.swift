package import Configuration
import World

/// Everything that can be asked about a site without its broker. Changes nothing, but for a file in the known_hosts folder
/// that is removed again.
package struct SiteExamination: Sendable {
    private let site: Site
    private let configuration: SiteConfiguration
    private let providers: [Provider]

    /// - Parameter only: the one provider to look at; nil: all.
    package init(_ site: Site, _ configuration: SiteConfiguration, only: String? = nil) {
        self.site = site
        self.configuration = configuration
        providers = site.all.filter { only == nil || $0.name == only }
    }

    /// Asks everything at once; always ends within half a minute.
    /// - Throws: `CancellationError`.
    package func findings() async throws -> [Finding] {
        let lab = LabExamination(site: site, configuration: configuration)
        let ssh = SSHExamination(configuration: configuration.ssh, world: site.world)
        let names = providers.map(\.name)
        async let paddles = lab.paddles(names)
        async let dns = lab.dns(names)
        async let readiness = ssh.findings()
        let clouds = try await providers.concurrentResults { [site] provider in
            try await ProviderExamination(provider: provider, world: site.world).findings()
        }.flatMap { try $0.get() }
        return try await paddles + dns + readiness + clouds
    }
}
