package import Resilience

/// How nodes are reached over ssh.
package struct SSHSettings: Sendable, Hashable {
    package var user: String
    /// The private key's path; nil: no login is possible, so `check` must not be asked for.
    package var identityFile: String?
    package var port: UInt16
    /// For one connect, by `connect` or by ssh.
    package var connectTimeout: Duration
    /// For one whole run of ssh or ssh-keyscan; then its process group is killed.
    package var commandTimeout: Duration
    /// Where known_hosts files live while an ssh runs.
    package var folder: String
    /// Names to be found in PATH, or paths.
    package var sshProgram: String
    package var keyscanProgram: String

    package init(
        user: String, identityFile: String?, port: UInt16 = 22, connectTimeout: Duration = .seconds(5),
        commandTimeout: Duration = .seconds(30), folder: String, sshProgram: String = "ssh",
        keyscanProgram: String = "ssh-keyscan"
    ) {
        self.user = user
        self.identityFile = identityFile
        self.port = port
        self.connectTimeout = connectTimeout
        self.commandTimeout = commandTimeout
        self.folder = folder
        self.sshProgram = sshProgram
        self.keyscanProgram = keyscanProgram
    }
}

/// What one look at a node over ssh brought.
package enum SSHAnswer: Sendable, Hashable {
    /// Our node, set up to the end.
    case ready(HostFacts)
    /// It may still come: no connection, no sentinel, a name that cloud-init has not set yet.
    case notYet(String)
    /// Another machine answers at this address.
    case wrongHost(said: String)
    /// The login is refused. Ordinary while cloud-init has not written the key yet; with time it means that the key
    /// is not among those of the image or of the user data.
    case denied(String)
    /// The host's key is none of those that were scanned: scan again.
    case otherHostKey(String)

    /// Why the node is not ready, as the error to give up with; nil when it is ready.
    package func failure(of node: String, _ settings: SSHSettings) -> ServiceError? {
        func error(_ message: String, _ kind: ErrorClass, next: String) -> ServiceError {
            ServiceError(service: "ssh", operation: "log in to \(node)", message: message, kind: kind, next: next)
        }
        switch self {
        case .ready:
            return nil
        case .notYet(let why):
            return error(why, .transient, next: "look at the server's console log")
        case .wrongHost(let said):
            return error(
                "the machine at its address calls itself \(said.debugDescription)", .transient,
                next: "check whether two servers have one address, and the image's cloud-init")
        case .denied(let why):
            let key = settings.identityFile.map { "the public half of \($0)" } ?? "a key"
            return error(
                "the login of user \(settings.user) is refused: \(why)", .site,
                next: "put \(key) into ssh.authorized_keys or the image, and check ssh.user")
        case .otherHostKey(let why):
            return error(
                "its host key keeps changing: \(why)", .transient, next: "check whether two servers have one address")
        }
    }
}
