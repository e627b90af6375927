package import World
package import YAMLKit

/// Why there is no configuration: every problem at once.
package struct InvalidConfiguration: Error, Sendable, Hashable, CustomStringConvertible {
    package var problems: [Problem]

    package var errors: [Problem] { problems.filter { $0.severity == .error } }

    package var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// Finds, reads and checks the configuration.
package struct ConfigurationLoader: Sendable {
    package struct Loaded: Sendable {
        package var configuration: SiteConfiguration
        /// Worth an operator's look; nothing that keeps us from working.
        package var warnings: [Problem]
        package var path: String
    }

    /// What a configuration is wanted for.
    package enum Purpose: Sendable, Hashable {
        /// Everything is resolved: secrets, clouds, keys.
        case work
        /// To talk to the broker only. Secrets and clouds are not looked at, so that users who may not read them, or a
        /// shell without the service's environment, can put jobs and look at failed ones. `providers` stays empty.
        case queue
    }

    private let environment: [String: String]
    private let files: any FileSystem
    private let random: any RandomSource

    /// - Parameter random: for a name that nobody else has, where one is missing.
    package init(environment: [String: String], files: any FileSystem, random: any RandomSource) {
        self.environment = environment
        self.files = files
        self.random = random
    }

    private var home: String? { environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } }

    /// Where a configuration is looked for, best first. With a path from the command line or `$CIRRATA_CONFIG`, nowhere else.
    package func candidates(_ explicit: String?) -> [String] {
        if let explicit { return [Paths.expand(explicit, home: home)] }
        if let variable = environment["CIRRATA_CONFIG"], !variable.isEmpty { return [variable] }
        return ["./worker.yaml"] + (home.map { ["\($0)/.config/cirrata/worker.yaml"] } ?? [])
            + ["/etc/cirrata/worker.yaml"]
    }

    /// - Parameter explicit: the value of `--config`.
    /// - Throws: `InvalidConfiguration` with every problem; `CancellationError`.
    package func load(_ explicit: String? = nil, for purpose: Purpose = .work) async throws -> Loaded {
        let (path, bytes) = try await find(candidates(explicit))
        return try await load(bytes, path: path, for: purpose)
    }

    /// The same for a text that is at hand.
    /// - Parameter path: names it in messages; relative paths in it start from its folder.
    package func load(_ bytes: [UInt8], path: String, for purpose: Purpose = .work) async throws -> Loaded {
        let problems = Problems(source: path)
        let root = try parse(bytes, path) ?? Node(.mapping(Mapping()), mark: Mark(line: 1, column: 1))
        let fields = Fields(root, problems: problems)
        var configuration = SiteConfiguration()
        SiteConfiguration.schema.read(
            fields, onto: &configuration, SchemaContext(isTeuthologyFile: Self.isTeuthology(path, root)))
        if purpose == .work {
            let hasSecrets = try await resolve(&configuration, root, Paths.folder(of: path), problems)
            if hasSecrets { try await warnIfReadable(path, "holds a password", problems) }
            checkForWork(configuration, fields)
        }
        check(configuration, fields)
        guard !problems.hasErrors else { throw InvalidConfiguration(problems: Self.ordered(problems.all)) }
        return Loaded(configuration: configuration, warnings: Self.ordered(problems.all), path: path)
    }

    // MARK: Finding

    private func find(_ candidates: [String]) async throws -> (String, [UInt8]) {
        for path in candidates {
            do {
                if candidates.count > 1, let objection = try await CurrentFolder.objection(to: path, files) {
                    throw InvalidConfiguration(problems: [
                        Problem(
                            .error, source: path, mark: .none, path: "", message: objection,
                            hint: "name it with --config if it is the one that you want, or chmod go-w")
                    ])
                }
                let bytes = try await files.read(path, limit: YAML.Limits.file.bytes)
                return (path, bytes)
            } catch let failure as FileFailure where failure.reason == .missing && candidates.count > 1 {
                continue
            } catch let failure as FileFailure {
                throw InvalidConfiguration(problems: [
                    Problem(.error, source: path, mark: .none, path: "", message: failure.detail)
                ])
            }
        }
        throw InvalidConfiguration(problems: [
            Problem(
                .error, source: "configuration", mark: .none, path: "",
                message: "no \(candidates.joined(separator: ", "))",
                hint:
                    "copy worker.yaml.example to one of these, or name a file (a teuthology.yaml as well) with --config"
            )
        ])
    }

    private func parse(_ bytes: [UInt8], _ path: String) throws -> Node? {
        do throws(YAMLError) {
            return try YAML.parse(bytes, source: path, limits: .file)
        } catch {
            throw InvalidConfiguration(problems: [
                Problem(
                    .error, source: error.source, mark: Mark(line: error.line, column: error.column), path: "",
                    message: error.problem, hint: error.hint)
            ])
        }
    }

    /// By its name, or by what only teuthology has in it.
    private static func isTeuthology(_ path: String, _ root: Node) -> Bool {
        Paths.name(of: path).contains("teuthology")
            || root.mapping?.keys.contains { TeuthologyKeys.site.contains($0) } == true
    }

    // MARK: Resolving

    /// - Returns: whether a secret stands in the file itself.
    private func resolve(
        _ configuration: inout SiteConfiguration, _ root: Node, _ folder: String, _ problems: Problems
    ) async throws -> Bool {
        configuration.dns.passwordReference = configuration.dns.passwordReference.map { absolute($0, folder) }
        for index in configuration.providerSettings.indices {
            let arguments = configuration.providerSettings[index].arguments
            configuration.providerSettings[index].arguments.username = arguments.username.map { absolute($0, folder) }
            configuration.providerSettings[index].arguments.password = arguments.password.map { absolute($0, folder) }
            configuration.providerSettings[index].arguments.authToken = arguments.authToken.map { absolute($0, folder) }
        }
        let providers = configuration.providerSettings
        var secrets = SecretStore(environment: environment)
        let references =
            [configuration.dns.passwordReference]
            + providers.flatMap { [$0.arguments.password, $0.arguments.authToken, $0.arguments.username] }
        for case .file(let path)? in references {
            await secrets.load(path, files)
            try await warnIfReadable(path, "holds a secret", problems)
        }
        let fields = Fields(root, problems: Problems(source: problems.source))
        if let reference = configuration.dns.passwordReference {
            switch secrets.resolve(reference) {
            case .success(let secret): configuration.dns.password = secret
            case .failure(let failure):
                let mark = fields.fields("dns")?.mark(of: "password") ?? .none
                problems.error(mark, "dns.password", "\(failure)")
            }
        }
        configuration.providers = try await resolve(providers, root, secrets, problems)
        try await resolve(&configuration.ssh, configuration.sshKey, folder, fields, problems)
        let isInline =
            [configuration.dns.passwordReference]
            + providers.flatMap { [$0.arguments.password, $0.arguments.authToken] }
        return isInline.contains { $0?.isInline == true }
    }

    private func resolve(
        _ settings: [ProviderSettings], _ root: Node, _ secrets: SecretStore, _ problems: Problems
    ) async throws -> [ProviderConfiguration] {
        let clouds: CloudsFiles
        if settings.contains(where: { $0.cloud != nil || $0.arguments.cloud != nil }) {
            clouds = try await CloudsFiles(environment: environment, files: files, problems: problems)
            for path in clouds.files { try await warnIfReadable(path, "may hold a password", problems) }
        } else {
            clouds = .none
        }
        let resolver = ProviderResolver(secrets: secrets, clouds: clouds, home: home)
        let nodes = root["libcloud"]?["providers"]?.mapping
        return settings.compactMap { provider in
            let entry = nodes?.entry(provider.name)
            let node = entry.map { $0.value.isNull ? Node(.mapping(Mapping()), mark: $0.keyMark) : $0.value }
            // Something else than a mapping was reported when it was read.
            guard let node, node.mapping != nil else { return nil }
            let fields = Fields(node, path: Fields.join("libcloud.providers", provider.name), problems: problems)
            return resolver.resolve(provider, fields)
        }
    }

    private func resolve(
        _ ssh: inout SSHSettings, _ sshKey: String?, _ folder: String, _ fields: Fields, _ problems: Problems
    ) async throws {
        if let path = ssh.identityFile ?? sshKey {
            ssh.identityFile = Paths.resolve(path, in: folder, home: home)
        } else if ssh.checksSentinel {
            ssh.identityFile = try await ownKey(problems)
        }
        ssh.knownHostsFolder = Paths.resolve(ssh.knownHostsFolder, in: folder, home: home)
        let mark = fields.fields("ssh")?.mark(of: "authorized_keys") ?? .none
        for entry in ssh.authorizedKeyEntries ?? ["~/.ssh/id_rsa.pub"] {
            // A key is a type, a blank and base64; a path that holds a blank has no type before it.
            if entry.contains(" ") && !entry.hasPrefix("/") && !entry.hasPrefix("~") && !entry.hasPrefix(".") {
                ssh.authorizedKeys.append(entry)
                continue
            }
            let path = Paths.resolve(entry, in: folder, home: home)
            do {
                let text = String(decoding: try await files.read(path, limit: 1 << 18), as: UTF8.self)
                ssh.authorizedKeys += Self.keys(in: text)
            } catch let failure as FileFailure {
                if ssh.authorizedKeyEntries == nil, failure.reason == .missing { continue }
                problems.error(mark, "ssh.authorized_keys", "\(path): \(failure.detail)")
            }
        }
    }

    /// The first of the keys that ssh and teuthology try when they are told none.
    private func ownKey(_ problems: Problems) async throws -> String? {
        for name in ["id_rsa", "id_ecdsa", "id_ed25519"] {
            let path = Paths.expand("~/.ssh/\(name)", home: home)
            do {
                if try await files.permissions(path) != nil { return path }
            } catch let failure as FileFailure {
                problems.warning(.none, "ssh.identity_file", "\(path): \(failure.detail)")
            }
        }
        return nil
    }

    private static func keys(in text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { line in
            line.drop { $0 == " " || $0 == "\t" }
        }.filter { !$0.isEmpty && !$0.hasPrefix("#") }.map(String.init)
    }

    private func absolute(_ reference: SecretReference, _ folder: String) -> SecretReference {
        guard case .file(let path) = reference else { return reference }
        return .file(Paths.resolve(path, in: folder, home: home))
    }

    // MARK: Checking

    private func warnIfReadable(_ path: String, _ what: String, _ problems: Problems) async throws {
        do {
            guard let mode = try await files.permissions(path), mode & 0o004 != 0 else { return }
            problems.add(
                Problem(
                    .warning, source: path, mark: .none, path: "", message: "\(what) and can be read by everybody",
                    hint: "chmod 640 \(path)"))
        } catch let failure as FileFailure {
            problems.add(
                Problem(
                    .warning, source: path, mark: .none, path: "", message: "permissions are unknown: \(failure.detail)"
                ))
        }
    }

    /// What no single key can know.
    private func check(_ configuration: SiteConfiguration, _ fields: Fields) {
        func refuse(_ key: String, _ message: String, hint: String = "") {
            fields.problems.error(fields.mark(of: key), fields.path(key), message, hint: hint)
        }
        if let destroys = configuration.destroySlotsOverride, destroys > configuration.slots {
            refuse("destroy_slots", "\(destroys) is more than slots, which is \(configuration.slots)")
        } else if configuration.destroySlots == configuration.slots {
            fields.problems.warning(
                fields.mark(of: "slots"), "slots", "all slots take only destroys: nothing will be provisioned",
                hint: "raise slots or lower destroy_slots")
        }
        if configuration.retryBase > configuration.retryCap {
            refuse("retry_base", "is longer than retry_cap")
        }
        if configuration.sizes.volumes.count > 0, configuration.sizes.volumes.sizeGB == 0 {
            refuse("openstack", "volumes.count is set but volumes.size is 0")
        }
        let tubes = configuration.tubes
        let names = [tubes.provision, tubes.destroy, tubes.reports, tubes.workers, tubes.sweep]
        for (position, name) in names.enumerated() where names[..<position].contains(name) {
            refuse("tubes", "two of the tubes are called \(name)")
        }
        if names.contains("default") { refuse("tubes", "the tube \"default\" is teuthology's") }
        let defaults = configuration.defaults
        if defaults.osVersions[defaults.osType] == nil {
            let near = Spelling.nearest(to: defaults.osType, in: defaults.osVersions.keys.sorted())
            refuse(
                "defaults", "os_versions has no version of os_type, which is \(Node.quoted(defaults.osType))",
                hint: near.map { "did you mean \($0)?" } ?? "add one")
        }
    }

    /// What it takes to touch anything of a cloud.
    private func checkForWork(_ configuration: SiteConfiguration, _ fields: Fields) {
        let problems = fields.problems
        if configuration.providerSettings.isEmpty {
            problems.error(
                fields.mark(of: "libcloud"), "libcloud.providers", "no provider: there is nothing to work on",
                hint: "write one as `cirrata config example` shows it")
        } else if configuration.nsupdateURL == nil {
            problems.warning(
                .none, "nsupdate_url", "not set: no name will be pushed",
                hint: "nodes are then reached only by their address")
        }
        if configuration.dns.passwordReference != nil,
            configuration.nsupdateURL.flatMap({ WebURL(parsing: $0) })?.isOpenToReaders == true
        {
            problems.warning(
                fields.mark(of: "nsupdate_url"), "nsupdate_url", "dns.password goes there in clear text",
                hint: "write https:// if nsupdate-web has it; else anybody on the way can read it")
        }
        if configuration.site == nil {
            let unique = String(random.next() >> 24, radix: 36)
            problems.error(
                fields.mark(of: "lock_server"), "site",
                "not set, and \(configuration.lockServer) may be another lab's paddles elsewhere: which servers and volumes "
                    + "are this lab's could not be told",
                hint:
                    "write a name that no other lab has, such as site: \(configuration.labDomain)-\(unique), the same for all "
                    + "workers of this lab; or, if it has servers that an earlier release marked, site: "
                    + "\(configuration.labAtPaddles), as long as no other lab writes that")
        }
    }

    /// File by file in the order in which they came up, each by place; what has none comes last.
    private static func ordered(_ problems: [Problem]) -> [Problem] {
        var sources: [String] = []
        for problem in problems where !sources.contains(problem.source) { sources.append(problem.source) }
        return sources.flatMap { source in
            let own = problems.filter { $0.source == source }
            let placed = own.enumerated().filter { $0.element.mark != .none }.sorted { a, b in
                (a.element.mark, a.offset) < (b.element.mark, b.offset)
            }
            return placed.map(\.element) + own.filter { $0.mark == .none }
        }
    }
}
