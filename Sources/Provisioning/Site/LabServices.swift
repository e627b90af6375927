package import Lab
package import Resilience

/// The services of the whole lab.
package struct LabServices: Sendable {
    package let paddles: PaddlesClient
    /// nil: no `nsupdate_url` is configured, and DNS is left alone.
    package let dns: NodeDNS?
    package let ssh: SSHReadiness
    package let paddlesGate: Gate
    package let dnsGate: Gate
    /// Before the DNS server that is asked what nsupdate-web really did.
    package let nameServerGate: Gate

    package init(
        paddles: PaddlesClient, dns: NodeDNS?, ssh: SSHReadiness, paddlesGate: Gate, dnsGate: Gate, nameServerGate: Gate
    ) {
        self.paddles = paddles
        self.dns = dns
        self.ssh = ssh
        self.paddlesGate = paddlesGate
        self.dnsGate = dnsGate
        self.nameServerGate = nameServerGate
    }

    package var gates: [Gate] { [paddlesGate, dnsGate, nameServerGate] }
}

/// Which parts of readiness are looked at.
package struct ReadinessChecks: Sendable {
    package var port: Bool
    package var hostKeys: Bool
    package var login: Bool
    package var sentinel: String?
    package var settings: SSHSettings

    package init(port: Bool, hostKeys: Bool, login: Bool, sentinel: String?, settings: SSHSettings) {
        self.port = port
        self.hostKeys = hostKeys
        self.login = login
        self.sentinel = sentinel
        self.settings = settings
    }
}
