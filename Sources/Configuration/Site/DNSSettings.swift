package import World
import YAMLKit

/// How names are pushed and checked.
package struct DNSSettings: Sendable, Hashable {
    /// Asked after each push; nil: the bridge is believed.
    package var server: Endpoint?
    package var parkingAddress = "192.0.2.1"
    package var username: String?
    package var passwordReference: SecretReference?
    /// Resolved when the configuration is loaded.
    package var password: Secret?
    package var timeout: Duration = .seconds(15)

    package init() {}

    static let schema = Schema<DNSSettings>([
        .optional(
            "server", \.server, .endpoint(defaultPort: 53, allowsUnix: false),
            otherwise: "none, nothing is checked", example: .tcp(host: "ns1.front.sepia.ceph.com", port: 53),
            "The zone's own name server, asked over UDP whether a push really happened: nsupdate-web can answer no-change "
                + "while the record is gone."),
        .value(
            "parking_address", \.parkingAddress, .ipv4,
            "Where the name of a destroyed node points to, as nsupdate-web cannot delete. From TEST-NET-1 (RFC 5737), so that "
                + "nothing ever answers there; 0.0.0.0 would lead an ssh to the caller's own host."),
        .optional(
            "username", \.username, .text("a name"), otherwise: "the node's short name", example: "ovh001",
            "User for an nsupdate-web in host-list mode, where the user is the host that is updated."),
        .optional(
            "password", \.passwordReference, .secret, otherwise: "none, no authorization is sent",
            example: .environment("NSUPDATE_PASSWORD"), "Password for an nsupdate-web in host-list mode."),
        .value(
            "timeout", \.timeout, .duration(in: .seconds(1) ... .seconds(300)),
            "For one push. The bridge itself waits 3 s for nsupdate, and longer in a crowd."),
    ])
}
