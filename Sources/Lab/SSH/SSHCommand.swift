import HTTPKit
import World

/// The argument lists of ssh and ssh-keyscan: nothing of the user's or the system's configuration, no agent, no
/// question, no forwarding.
enum SSHCommand {
    /// Keys are known under this name, so that neither the port nor the way in which the host is written matters.
    static let alias = "cirrata-node"

    static func keyscan(_ host: String, _ settings: SSHSettings) -> ChildCommand {
        let seconds = max(1, Int(settings.connectTimeout.seconds))
        return ChildCommand(
            settings.keyscanProgram,
            ["-T", "\(seconds)", "-p", "\(settings.port)", "-t", "rsa,ecdsa,ed25519", "--", host],
            maximumOutput: 1 << 16)
    }

    static func login(
        _ host: String, identity: String, knownHosts: String, command: String, _ settings: SSHSettings
    ) -> ChildCommand {
        let seconds = max(1, Int(settings.connectTimeout.seconds))
        let options = [
            "BatchMode=yes", "StrictHostKeyChecking=yes", "UserKnownHostsFile=\(file(knownHosts))",
            "GlobalKnownHostsFile=/dev/null", "HostKeyAlias=\(alias)", "CheckHostIP=no", "UpdateHostKeys=no",
            "IdentitiesOnly=yes", "IdentityAgent=none", "IdentityFile=\(file(identity))",
            "PreferredAuthentications=publickey", "ClearAllForwardings=yes", "ForwardAgent=no", "RequestTTY=no",
            "LogLevel=ERROR", "ConnectTimeout=\(seconds)", "ServerAliveInterval=5", "ServerAliveCountMax=2",
        ]
        return ChildCommand(
            settings.sshProgram,
            ["-F", "/dev/null"] + options.flatMap { ["-o", $0] }
                + ["-p", "\(settings.port)", "-l", settings.user, "--", host, command],
            maximumOutput: 1 << 16)
    }

    /// A path as ssh reads it in an option: quoted, with its `%` tokens doubled (ssh_config(5)).
    private static func file(_ path: String) -> String {
        "\"" + path.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%%") + "\""
    }

    /// What a run of ssh that failed means. Its texts are the only thing that tells the reasons apart; images that
    /// refuse a user say so on the output.
    static func meaning(of result: ChildResult) -> SSHAnswer {
        let said = result.errors.isEmpty ? result.output : result.errors
        let text = AnswerText.shortened(String(decoding: said, as: UTF8.self))
        func says(_ words: String...) -> Bool { words.contains { text.contains($0) } }
        if says("HOST IDENTIFICATION HAS CHANGED", "Host key verification failed", "host key is known") {
            return .otherHostKey(text)
        }
        if says("Permission denied", "Too many authentication failures", "Please login as the user") {
            return .denied(text)
        }
        return .notYet(text.isEmpty ? "ssh ended without a word (\(result.end))" : text)
    }
}
