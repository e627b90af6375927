import EventLoop
import Glibc
import Lab
import TestSupport
import World

/// A real sshd on a loopback port, with host keys and a login key of its own, alive while `run` runs.
struct SSHServer: Sendable {
    let port: UInt16
    let folder: String
    let user: String
    let world: World

    /// The key that may log in, and one that may not.
    var identity: String { "\(folder)/login" }
    var stranger: String { "\(folder)/stranger" }

    /// - Parameter options: further lines of sshd_config.
    static func run(_ options: String = "", _ body: @Sendable (SSHServer) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            try await withEventLoop { loop in
                let world = try World.live(loop: loop, http: NoHTTP())
                let children = try SystemChildren(loop: loop, environment: world.host.environment)
                let server = SSHServer(
                    port: try freePort(), folder: folder, user: try currentUser(), world: world)
                try await server.prepare(options)
                let child = try await children.start(
                    ChildCommand("/usr/sbin/sshd", ["-D", "-e", "-f", "\(folder)/sshd_config"]))
                do {
                    _ = try await child.waitForLine(containing: "Server listening on")
                    try await body(server)
                } catch {
                    child.signal(SIGKILL)
                    _ = try await child.result()
                    throw error
                }
                child.signal(SIGKILL)
                _ = try await child.result()
            }
        }
    }

    var settings: SSHSettings {
        // A space and a percent sign in the path, because ssh reads both in its own way.
        SSHSettings(user: user, identityFile: identity, port: port, folder: "\(folder)/known hosts 100%")
    }

    private func prepare(_ options: String) async throws {
        // sshd wants this folder when it runs as root; Debian's service makes it.
        if getuid() == 0 { mkdir("/run/sshd", 0o755) }
        for (type, name) in [
            ("ecdsa", "host_ecdsa"), ("ed25519", "host_ed25519"), ("ed25519", "login"), ("ed25519", "stranger"),
        ] {
            let made = try await world.children.run(
                ChildCommand("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", "test", "-f", "\(folder)/\(name)"]))
            guard made.succeeded else { throw EndedBadly(text: String(decoding: made.errors, as: UTF8.self)) }
        }
        let config = """
            Port \(port)
            ListenAddress 127.0.0.1
            HostKey \(folder)/host_ecdsa
            HostKey \(folder)/host_ed25519
            AuthorizedKeysFile \(folder)/login.pub
            PidFile none
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            PrintMotd no
            MaxStartups 100

            """
        try await world.files.write("\(folder)/sshd_config", Array((config + options).utf8), mode: 0o600)
    }

    private static func currentUser() throws -> String {
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else {
            throw EndedBadly(text: "this user has no name")
        }
        return String(cString: name)
    }

    struct EndedBadly: Error {
        var text: String
    }
}
