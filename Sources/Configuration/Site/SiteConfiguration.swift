package import World
import YAMLKit

/// Everything that the site decides. Its initial values are the defaults, so code and tests may build one directly;
/// `ConfigurationLoader` fills one from a file.
package struct SiteConfiguration: Sendable {
    // The lab, under teuthology's own names.
    package var labDomain = "front.sepia.ceph.com"
    /// Ends with a slash.
    package var lockServer = "http://paddles.front.sepia.ceph.com/"
    package var nsupdateURL: String?
    package var reserveMachines = 5
    package var queueHost = "localhost"
    package var queuePort = 11_300
    package var sizes = SizeSettings()

    // Ours.
    package var siteName: String?
    package var brokerOverride: Endpoint?
    package var tubes = TubeSettings()
    package var slots = 50
    package var destroySlotsOverride: Int?
    package var waitingConnections = 4
    package var lease: Duration = .seconds(60)
    package var drainGrace: Duration = .seconds(60)
    package var retryFor: Duration = .seconds(7_200)
    package var retryBase: Duration = .seconds(1)
    package var retryCap: Duration = .seconds(60)
    package var capacityWait: Duration = .seconds(43_200)
    package var capacityDelay: Duration = .seconds(60)
    package var steps = StepSettings()
    package var defaults = OSDefaults()
    package var dns = DNSSettings()
    package var ssh = SSHSettings()
    package var http = HTTPSettings()
    package var log = LogSettings()
    package var reports = ReportSettings()
    package var burialBrake = BurialBrakeSettings()
    package var sweep = SweepSettings()

    /// As the file has them, in its order.
    package var providerSettings: [ProviderSettings] = []
    /// Resolved when the configuration is loaded, in the same order.
    package var providers: [ProviderConfiguration] = []
    /// teuthology's `ssh_key`, which `ssh.identity_file` overrides.
    package var sshKey: String?

    package init() {}

    /// What our resources are marked with: the name that is set, else what makes two workers the same site, the lab and
    /// its paddles. Nil where these may be another lab's words, too: then nothing can be told to be ours.
    package var site: String? {
        siteName ?? (WebURL(parsing: lockServer)?.hostName.isGlobal == true ? labAtPaddles : nil)
    }

    /// `front.sepia.ceph.com@paddles.front.sepia.ceph.com`
    var labAtPaddles: String {
        let server = WebURL(parsing: lockServer).map { $0.host + $0.path } ?? lockServer
        return "\(labDomain)@\(server.trimming(suffix: "/"))"
    }

    package var broker: Endpoint {
        brokerOverride ?? .tcp(host: queueHost, port: UInt16(clamping: queuePort))
    }

    /// Slots that take only destroys. Unless told so, never all of them.
    package var destroySlots: Int { destroySlotsOverride ?? min(slots - 1, max(2, slots / 10)) }

    package func provider(_ name: String) -> ProviderConfiguration? { providers.first { $0.name == name } }

    /// The values in effect as YAML, secrets hidden.
    package var effective: String { YAMLWriter.write(Self.schema.node(self)) }
}
