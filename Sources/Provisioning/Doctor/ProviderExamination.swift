import Configuration
import OpenStack
import Resilience
import World

/// One provider's cloud: what every provision needs of it.
struct ProviderExamination: Sendable {
    let provider: Provider
    let world: World

    private var examination: Examination { Examination("provider \(provider.name)", time: world.time) }
    private var call: Call { LabExamination.call }

    /// The login first: everything else needs its token. Then all at once. What fails only because something else did is
    /// not told of again: one remedy for one cause.
    func findings() async throws -> [Finding] {
        let login = try await examination.ask("login") { try await answer(of: .identity, as: "login") }
        let dependents: [(Examination.Question, needs: OpenStackService)] = [
            (.init("default image") { try await defaultImage() }, .image),
            (.init("images") { try await images() }, .image),
            (.init("flavor") { try await flavorFinding() }, .compute),
            (.init("networks") { try await networks() }, .network),
            (.init("security groups") { try await groups() }, .network),
            (.init("compute quota") { try await computeQuota() }, .compute),
            (.init("volume quota") { try await volumeQuota() }, .blockStorage),
        ]
        let questions =
            services.map { service in
                Examination.Question(service.rawValue) { try await answer(of: service, as: service.rawValue) }
            } + dependents.map(\.0)
        guard login.verdict == .ok else { return [login] + questions.map { skipped($0.check, "login") } }
        let answers = try await examination.ask(questions)
        let silent = answers.prefix(services.count).filter { $0.verdict == .failed }.map(\.check)
        var findings = zip(answers, services.map { _ in nil } + dependents.map(\.needs.rawValue)).map { answer, needs in
            guard answer.verdict == .failed, let needs, silent.contains(needs) else { return answer }
            return skipped(answer.check, needs)
        }
        if !silent.isEmpty {
            let region = try await examination.ask("region") { try await self.region() }
            if region.verdict == .failed {
                findings = [region] + findings.map { silent.contains($0.check) ? skipped($0.check, "region") : $0 }
            }
        }
        return [login] + findings
    }

    private func skipped(_ check: String, _ cause: String) -> Finding {
        examination.finding(.skipped, check, "not judged: \(cause) failed")
    }

    private func region() async throws -> Finding {
        guard let problem = try await provider.cloud.identity.regionProblem(for: call) else {
            return examination.finding(.ok, "region", "in the catalog")
        }
        return examination.finding(
            .failed, "region", problem, remedy: "correct the provider's region: as the catalog spells it, case counts")
    }

    private var services: [OpenStackService] { OpenStackService.allCases.filter { $0 != .identity } }

    private func answer(of service: OpenStackService, as check: String) async throws -> Finding {
        if service == .blockStorage, try await !provider.cloud.blockStorage.isOffered(for: call) {
            return examination.finding(
                smallest.volumes.count > 0 ? .failed : .warning, check,
                "the cloud's catalog has no block storage: jobs with volumes wait",
                remedy: "nothing, if no job needs volumes; else set region, interface or an endpoint for cinder")
        }
        guard let result = try await provider.cloud.probe([service], for: call).first else {
            return examination.finding(.skipped, check, "not asked")
        }
        if let error = result.error { throw error }
        return examination.finding(.ok, check, "answers (\(result.took.short))")
    }

    // MARK: What servers are made of

    private var defaults: OSDefaults { provider.osDefaults }

    /// What most jobs get: without it nothing works.
    private func defaultImage() async throws -> Finding {
        let check = "default image"
        guard let version = defaults.osVersions[defaults.osType] else {
            return examination.finding(
                .failed, check, "defaults.os_versions has no version of \(defaults.osType)",
                remedy: "add \(defaults.osType) to defaults.os_versions")
        }
        let choice = try await image(defaults.osType, version)
        let name = choice.value.name ?? ""
        if let small = try await tooSmall(for: choice.value) {
            return examination.finding(.failed, check, "\(name) needs \(small)", remedy: "raise openstack.machine")
        }
        if let warning = choice.warnings.first { return examination.finding(.warning, check, warning) }
        return examination.finding(.ok, check, "\(name) for \(defaults.osType) \(version)")
    }

    /// The other systems. Those that only teuthology's own table names need not be there.
    private func images() async throws -> Finding {
        let builtIn = OSDefaults().osVersions
        var found: [String] = []
        var missing: [(system: String, error: SelectionError)] = []
        var absent: [String] = []
        for (osType, version) in defaults.osVersions.sorted(by: { $0.key < $1.key }) where osType != defaults.osType {
            do {
                _ = try await image(osType, version)
                found.append("\(osType) \(version)")
            } catch let error as SelectionError {
                if builtIn[osType] == version {
                    absent.append("\(osType) \(version)")
                } else {
                    missing.append(("\(osType) \(version)", error))
                }
            }
        }
        let text = "also for \(found.isEmpty ? "nothing else" : enumerated(found, limit: 20))"
        if let first = missing.first {
            return examination.finding(
                .warning, "images",
                "\(text); none for \(enumerated(missing.map(\.system), limit: 20)) of defaults.os_versions",
                remedy: first.error.next)
        }
        return examination.finding(
            .ok, "images", absent.isEmpty ? text : "\(text); none for \(enumerated(absent, limit: 20))")
    }

    private func image(_ osType: String, _ osVersion: String) async throws -> Choice<ImageOption> {
        try ImageChoice.choose(
            try await provider.cloud.inventory.images(for: call).map { ImageOption(id: $0.id, name: $0.name) },
            osType: osType, osVersion: osVersion, exclude: provider.settings.excludeImage)
    }

    /// What the chosen flavor lacks for an image; Nova would refuse the pair.
    private func tooSmall(for image: ImageOption) async throws -> String? {
        guard let image = try await provider.cloud.inventory.images(for: call).first(where: { $0.id == image.id }),
            let flavor = try? await flavor().value
        else { return nil }
        if image.minDisk > flavor.disk {
            return "\(image.minDisk) GB of disk, and flavor \(flavor.name) has \(flavor.disk)"
        }
        if image.minRAM > flavor.ram {
            return "\(image.minRAM) MB of memory, and flavor \(flavor.name) has \(flavor.ram)"
        }
        return nil
    }

    private var smallest: NodeSize { NodeSize(largestOf: [], site: provider.siteSize) }

    private func flavor() async throws -> Choice<FlavorOption> {
        try FlavorChoice.choose(
            try await provider.cloud.inventory.flavors(for: call).map {
                FlavorOption(id: $0.id, name: $0.name, ram: $0.ram, disk: $0.disk, vcpus: $0.vcpus)
            }, for: smallest.machine, rules: provider.rules)
    }

    private func flavorFinding() async throws -> Finding {
        let choice = try await flavor()
        let flavor = choice.value
        let text = "\(flavor.name) (\(flavor.ram) MB, \(flavor.disk) GB, \(flavor.vcpus) CPUs) for the smallest machine"
        if let warning = choice.warnings.first { return examination.finding(.warning, "flavor", warning) }
        return examination.finding(.ok, "flavor", text)
    }

    private func networks() async throws -> Finding {
        let choice = NetworkChoice.choose(
            try await provider.cloud.inventory.networks(for: call).map { NetworkOption(id: $0.id, name: $0.name) },
            allow: provider.settings.allowNetworks)
        switch choice.value {
        case .unspecified:
            return examination.finding(
                .warning, "networks", "the cloud shows no network: it decides by itself where servers are put",
                remedy: "check the provider's project and region")
        case .networks(let networks) where networks.isEmpty:
            return examination.finding(
                .failed, "networks", choice.warnings.first ?? "no network is allowed",
                remedy: "correct allow_networks of the provider")
        case .networks(let networks):
            return examination.finding(.ok, "networks", enumerated(networks.map(\.name), limit: 10))
        }
    }

    private func groups() async throws -> Finding {
        guard let wanted = provider.settings.securityGroups, !wanted.isEmpty else {
            return examination.finding(.ok, "security groups", "none is sent: the project's default holds")
        }
        let offered = try await provider.cloud.inventory.securityGroups(for: call)
        let chosen = try SecurityGroupChoice.choose(
            offered.map { SecurityGroupOption(id: $0.id, name: $0.name) }, wanted: wanted)
        return examination.finding(.ok, "security groups", enumerated(chosen.map(\.name), limit: 10))
    }
}

// MARK: - Quota

extension ProviderExamination {
    private func computeQuota() async throws -> Finding {
        let limits = try await provider.cloud.compute.limits(for: call)
        let text = [
            left(limits.instances, limits.instancesUsed, "servers"), left(limits.cores, limits.coresUsed, "CPUs"),
            left(limits.ram, limits.ramUsed, "MB of memory"),
        ].joined(separator: ", ")
        let flavor = try? await flavor().value
        let room = [
            limits.instances.map { $0 - limits.instancesUsed },
            limits.cores.map { ($0 - limits.coresUsed) / max(1, flavor?.vcpus ?? 1) },
            limits.ram.map { ($0 - limits.ramUsed) / max(1, flavor?.ram ?? 1) },
        ].compactMap { $0 }.min()
        guard let room, room < 1 else { return examination.finding(.ok, "compute quota", text) }
        return examination.finding(
            .warning, "compute quota", "\(text): no room for another node; provisions wait",
            remedy: "destroy nodes, or have the project's quota raised")
    }

    private func volumeQuota() async throws -> Finding {
        guard try await provider.cloud.blockStorage.isOffered(for: call) else {
            return examination.finding(.skipped, "volume quota", "not asked: there is no block storage")
        }
        let limits = try await provider.cloud.blockStorage.limits(for: call)
        let text = [
            left(limits.volumes, limits.volumesUsed, "volumes"),
            left(limits.gigabytes, limits.gigabytesUsed, "GB"),
        ].joined(separator: ", ")
        let wanted = smallest.volumes
        let isFull =
            limits.volumes.map { $0 - limits.volumesUsed < max(1, wanted.count) } ?? false
            || limits.gigabytes.map { $0 - limits.gigabytesUsed < max(1, wanted.count * wanted.size) } ?? false
        guard isFull else { return examination.finding(.ok, "volume quota", text) }
        return examination.finding(
            .warning, "volume quota", "\(text): no room for the volumes of another node; provisions with volumes wait",
            remedy: "destroy nodes, or have the project's quota raised")
    }

    private func left(_ limit: Int?, _ used: Int, _ what: String) -> String {
        limit.map { "\(max(0, $0 - used)) of \($0) \(what) left" } ?? "no limit of \(what)"
    }
}
