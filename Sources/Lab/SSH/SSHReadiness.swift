package import Resilience
package import World

/// Whether a new node can be used: its port, its host keys, and over ssh that it is the node it should be and that
/// cloud-init is through. Runs the system's `ssh` and `ssh-keyscan`, with argument lists and without any shell here.
package struct SSHReadiness: Sendable {
    private let settings: SSHSettings
    private let world: World
    private let permits: Permits

    /// - Parameter permits: how many child processes may run at once, shared by all jobs.
    package init(settings: SSHSettings, world: World, permits: Permits) {
        self.settings = settings
        self.world = world
        self.permits = permits
    }

    /// Connects until somebody listens. Ends only with success or cancellation; `observe` hears of every failure.
    package func waitForPort(
        _ host: String, observe: @Sendable (NetworkFailure) -> Void = { _ in }
    ) async throws {
        let host = try checked(host)
        var backoff = Backoff(first: .seconds(1), limit: .seconds(5), floor: .milliseconds(500))
        while true {
            do {
                let stream = try await world.dial.connect(
                    to: .tcp(host: host, port: settings.port), timeout: settings.connectTimeout)
                stream.close()
                return
            } catch let failure as NetworkFailure {
                observe(failure)
            }
            try await world.time.sleep(for: backoff.next(world.random))
        }
    }

    /// The host's public keys; empty when it shows none (yet).
    /// - Throws: `ServiceError` (site) when ssh-keyscan cannot be run; `CancellationError`.
    package func hostKeys(_ host: String) async throws -> HostKeys {
        let host = try checked(host)
        guard let result = try await run(SSHCommand.keyscan(host, settings), "scan the host keys of \(host)") else {
            return HostKeys(keyscanOutput: [])
        }
        return HostKeys(keyscanOutput: result.output)
    }

    /// Logs in once and asks the node who it is.
    /// - Parameters:
    ///   - name: the node's short name; the host's own name must begin with it.
    ///   - sentinel: the file that the user data touches at its end; nil: not asked for.
    ///   - keys: what `hostKeys` found; ssh accepts no other.
    /// - Throws: `ServiceError` (site) when no ssh can be run or a setting is unusable; `CancellationError`.
    package func check(
        _ host: String, isNode name: ShortName, sentinel: String?, keys: HostKeys
    ) async throws -> SSHAnswer {
        let host = try checked(host)
        guard let identity = settings.identityFile else {
            throw failure("no key to log in with is configured", .site, next: "set ssh.identity_file")
        }
        for path in [identity, settings.folder] where !Self.isUsablePath(path) {
            throw failure(
                "ssh cannot be told the path \(path.debugDescription)", .site,
                next: "use a path without quotes, backslashes and ${")
        }
        guard let remote = RemoteCheck(sentinel: sentinel) else {
            throw failure(
                "the sentinel is no plain absolute path", .site, next: "correct the sentinel in the configuration")
        }
        guard !keys.isEmpty else { return .notYet("it shows no host key") }
        let knownHosts = "\(settings.folder)/known_hosts.\(name)"
        try await onFiles {
            try await world.files.createFolder(settings.folder)
            try await world.files.write(knownHosts, keys.knownHosts(alias: SSHCommand.alias), mode: 0o600)
        }
        let login = SSHCommand.login(
            host, identity: identity, knownHosts: knownHosts, command: remote.command, settings)
        let result = try await run(login, "log in to \(host)")
        // One that was cut off leaves its file behind, which the next check of this node replaces.
        try await onFiles { try await world.files.remove(knownHosts) }
        guard let result else {
            return .notYet("no answer within \(settings.commandTimeout.short)")
        }
        return result.succeeded
            ? remote.read(result.output, expecting: name.text) : SSHCommand.meaning(of: result)
    }

    /// A folder that cannot be written, or a full disk, is no fault of the node's.
    private func onFiles(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as FileFailure {
            throw failure(
                "\(error)", .site,
                next: "make ssh.known_hosts_folder (\(settings.folder)) writable for the worker on \(world.host.name), "
                    + "or name another folder")
        }
    }

    /// nil when the time for one command was over.
    private func run(_ command: ChildCommand, _ what: String) async throws -> ChildResult? {
        do {
            return try await permits.withPermit {
                try await world.time.withTimeout(settings.commandTimeout, doing: what) { [children = world.children] in
                    try await children.run(command)
                }
            }
        } catch is TimeoutError {
            return nil
        } catch let error as ChildFailure {
            throw failure(error.description, .site, next: "install openssh-client on \(world.host.name)")
        }
    }

    /// An address or a host name: nothing that a program could take for an option or a second host.
    private func checked(_ host: String) throws(ServiceError) -> String {
        if let address = IPAddress(host) { return address.description }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard host.utf8.count <= 253, labels.allSatisfy({ ShortName.isValid(String($0)) }) else {
            throw failure("\(host.prefix(80).debugDescription) is no host", .permanent, next: "correct the node's name")
        }
        return host
    }

    private static func isUsablePath(_ path: String) -> Bool {
        !path.isEmpty && !path.contains("${")
            && path.unicodeScalars.allSatisfy { $0 != "\"" && $0 != "\\" && $0.value >= 32 }
    }

    private func failure(_ message: String, _ kind: ErrorClass, next: String) -> ServiceError {
        ServiceError(service: "ssh", operation: "prepare a login", message: message, kind: kind, next: next)
    }
}
