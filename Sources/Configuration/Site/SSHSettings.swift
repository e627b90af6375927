import YAMLKit

/// How a node is found to be ready, and who may log in.
package struct SSHSettings: Sendable, Hashable {
    package var user = "ubuntu"
    package var port = 22
    /// With `~` expanded when the configuration is loaded.
    package var identityFile: String?
    /// Keys or paths, as written; nil: teuthology's habit, `~/.ssh/id_rsa.pub` if there is one.
    package var authorizedKeyEntries: [String]?
    /// The keys themselves, one each, resolved when the configuration is loaded.
    package var authorizedKeys: [String] = []
    package var knownHostsFolder = "~/.local/state/cirrata/known_hosts"
    package var checksPort = true
    package var checksHostKeys = true
    package var checksSentinel = true
    package var sentinel = "/.teuth_provisioned"
    package var maximumChildren = 32

    package init() {}

    static let schema = Schema<SSHSettings>([
        .value(
            "user", \.user, .text("a user name"), "Whom to log in as; teuthology's user data makes ubuntu everywhere."),
        .value("port", \.port, .integer(in: 1...65_535), "Where the nodes' sshd listens."),
        .optional(
            "identity_file", \.identityFile, .text("a path"),
            otherwise: "ssh_key, else ~/.ssh/id_rsa, id_ecdsa or id_ed25519",
            example: "~/.ssh/id_rsa", "The private key to log in with."),
        .optional(
            "authorized_keys", \.authorizedKeyEntries, .list(.text("a key or a path")),
            otherwise: "~/.ssh/id_rsa.pub if it is there, as teuthology does", example: ["~/.ssh/id_rsa.pub"],
            "Public keys that the user data lets in; each entry is a key or the path of a file of keys."),
        .value(
            "known_hosts_folder", \.knownHostsFolder, .text("a path"),
            "Host keys are kept here, one file a node: addresses are recycled, so the user's own known_hosts would fight back."
        ),
        .value("check_port", \.checksPort, .boolean, "Wait until the port accepts a connection."),
        .value(
            "check_host_keys", \.checksHostKeys, .boolean,
            "Wait for the host keys by ssh-keyscan; they go to paddles, which teuthology relies on."),
        .value(
            "check_sentinel", \.checksSentinel, .boolean,
            "Log in, see that the host is the node, and wait for the sentinel file."),
        .value(
            "sentinel", \.sentinel, .text("a path"), "The file that the user data touches last: cloud-init is finished."
        ),
        .value(
            "max_children", \.maximumChildren, .integer(in: 1...1_000),
            "ssh and ssh-keyscan processes at once; each takes some 10 MB and a slice of a processor."),
    ])
}
