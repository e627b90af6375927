import Configuration
import World

/// What is needed on this host to see that a node is ready.
struct SSHExamination: Sendable {
    let configuration: Configuration.SSHSettings
    let world: World

    private static let largestKey = 1 << 16

    func findings() async throws -> [Finding] {
        let examination = Examination("ssh", time: world.time)
        return try await examination.ask([
            .init("key") { try await key(examination) },
            .init("known hosts") { try await knownHosts(examination) },
            .init("authorized keys") { authorizedKeys(examination) },
            .init("ssh") {
                try await program("ssh", ["-V"], needed: configuration.checksSentinel, examination)
            },
            .init("ssh-keyscan") {
                // Without a host it only says how it is used.
                try await program(
                    "ssh-keyscan", [], needed: configuration.checksHostKeys || configuration.checksSentinel,
                    examination)
            },
        ])
    }

    private func key(_ examination: Examination) async throws -> Finding {
        func failed(_ text: String, _ remedy: String) -> Finding {
            examination.finding(.failed, "key", text, remedy: remedy)
        }
        guard configuration.checksSentinel else {
            return examination.finding(.skipped, "key", "ssh.check_sentinel is off: nobody logs in")
        }
        guard let path = configuration.identityFile else {
            return failed("no key to log in with is configured", "set ssh.identity_file (or teuthology's ssh_key)")
        }
        let mode: UInt16?
        let text: String
        do {
            mode = try await world.files.permissions(path)
            guard mode != nil else {
                return failed("\(path): no such file", "correct ssh.identity_file, or make a key with ssh-keygen")
            }
            text = String(decoding: try await world.files.read(path, limit: Self.largestKey), as: UTF8.self)
        } catch let failure as FileFailure {
            return failed("\(failure)", "let the user that runs the worker read it, and nobody else")
        }
        if let mode, mode & 0o077 != 0 {
            let octal = String(mode & 0o777, radix: 8)
            return failed(
                "\(path) has mode 0\(octal): ssh does not use a key that others can read", "chmod 600 \(path)")
        }
        guard text.hasPrefix("-----BEGIN "), text.contains("PRIVATE KEY-----") else {
            return failed(
                "\(path) holds no private key", "name the private half, not the .pub file, as ssh.identity_file")
        }
        if text.contains("Proc-Type: 4,ENCRYPTED") || text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            return failed(
                "\(path) is protected by a passphrase, which nobody is there to type",
                "use a key of its own without a passphrase")
        }
        return examination.finding(.ok, "key", "\(path), user \(configuration.user)")
    }

    /// Writes there what a login would: a folder that cannot be written, or a full disk, shows in nothing else.
    private func knownHosts(_ examination: Examination) async throws -> Finding {
        guard configuration.checksSentinel else {
            return examination.finding(.skipped, "known hosts", "ssh.check_sentinel is off: nobody logs in")
        }
        let folder = configuration.knownHostsFolder
        let probe = "\(folder)/known_hosts.doctor-\(world.host.process)"
        do {
            try await world.files.createFolder(folder)
            try await world.files.write(probe, [], mode: 0o600)
            try await world.files.remove(probe)
        } catch let failure as FileFailure {
            return examination.finding(
                .failed, "known hosts", "cannot write \(failure)",
                remedy: "let the user that runs the worker write there, or set ssh.known_hosts_folder")
        }
        return examination.finding(.ok, "known hosts", "\(folder) can be written")
    }

    private func authorizedKeys(_ examination: Examination) -> Finding {
        let count = configuration.authorizedKeys.count
        if count == 0, configuration.checksSentinel {
            return examination.finding(
                .warning, "authorized keys", "no public key goes into the user data",
                remedy: "set ssh.authorized_keys, unless the images or userdata let the worker's key in")
        }
        return examination.finding(.ok, "authorized keys", "\(count) in the user data")
    }

    private func program(
        _ name: String, _ arguments: [String], needed: Bool, _ examination: Examination
    ) async throws -> Finding {
        guard needed else { return examination.finding(.skipped, name, "not needed by the checks that are on") }
        do {
            let result = try await world.children.run(ChildCommand(name, arguments, maximumOutput: 1 << 12))
            let said = String(decoding: result.errors.isEmpty ? result.output : result.errors, as: UTF8.self)
            let isVersion = said.hasPrefix("OpenSSH")
            let first = said.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
            return examination.finding(.ok, name, isVersion ? first : "present")
        } catch let failure as ChildFailure {
            return examination.finding(
                .failed, name, failure.description, remedy: "install openssh-client on \(world.host.name)")
        }
    }
}
