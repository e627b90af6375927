package import Configuration
import World

package struct FlavorOption: Sendable, Hashable {
    package var id: String
    package var name: String
    /// MB
    package var ram: Int
    /// GB
    package var disk: Int
    package var vcpus: Int

    package init(id: String, name: String, ram: Int, disk: Int, vcpus: Int) {
        self.id = id
        self.name = name
        self.ram = ram
        self.disk = disk
        self.vcpus = vcpus
    }
}

/// teuthology's flavor rule: of those that are allowed and large enough, the smallest by (ram, disk, vcpus), the first
/// of equals (facts/teuthology.md section 4, facts/openstack.md 6.1).
package enum FlavorChoice {
    package struct Rules: Sendable, Hashable {
        /// `allow_sizes`: any must match; an empty list allows nothing.
        package var allow: NamePatterns
        /// `exclude_sizes`, in the way of `mode`.
        package var exclude: NamePatterns
        /// `exclude_sizes_mode`. With `compat` a flavor is left out only if *all* patterns match, so that two seldom
        /// exclude anything and an empty list excludes everything: teuthology's slip, kept, because configurations live
        /// with it. With `any` one match is enough.
        package var mode: ProviderSettings.ExcludeMode

        package init(
            allow: NamePatterns = .everything, exclude: NamePatterns = .windows,
            mode: ProviderSettings.ExcludeMode = .compat
        ) {
            self.allow = allow
            self.exclude = exclude
            self.mode = mode
        }

        func keeps(_ name: String) -> Bool {
            guard allow.anyMatches(name) else { return false }
            return switch mode {
            case .compat: !exclude.allMatch(name)
            case .any: !exclude.anyMatches(name)
            }
        }

        /// What a reader of the configuration would not expect, if it makes a difference to these flavors.
        func warnings(about flavors: [FlavorOption]) -> [String] {
            guard mode == .compat, exclude.count > 1 else { return [] }
            let surprising = flavors.map(\.name).filter { keeps($0) && exclude.anyMatches($0) }
            guard !surprising.isEmpty else { return [] }
            return [
                "exclude_sizes has \(exclude.count.counted("pattern")) and excludes only what matches all of them, as in teuthology; "
                    + "kept although one matches: \(enumerated(surprising)); write exclude_sizes_mode: any to exclude these"
            ]
        }
    }

    /// - Throws: `SelectionError`, cause `no-flavor`.
    package static func choose(
        _ flavors: [FlavorOption], for need: MachineSize, rules: Rules
    ) throws(SelectionError) -> Choice<FlavorOption> {
        let allowed = flavors.filter { rules.keeps($0.name) }
        let fitting = allowed.filter { $0.ram >= need.ram && $0.disk >= need.disk && $0.vcpus >= need.cpus }
        // `min` takes the first of equals.
        guard let best = fitting.min(by: { ($0.ram, $0.disk, $0.vcpus) < ($1.ram, $1.disk, $1.vcpus) }) else {
            throw missing(flavors, allowed, need, rules)
        }
        return Choice(best, warnings: rules.warnings(about: flavors))
    }

    private static func missing(
        _ flavors: [FlavorOption], _ allowed: [FlavorOption], _ need: MachineSize, _ rules: Rules
    ) -> SelectionError {
        let wish = "\(need.ram) MB of RAM, \(need.disk) GB of disk and \(need.cpus) CPUs"
        if flavors.isEmpty {
            return SelectionError(
                "no-flavor", .configuration, "the provider shows no flavor at all",
                next: "check the provider's project and region")
        }
        if allowed.isEmpty {
            let why =
                rules.mode == .compat && rules.exclude.isEmpty
                ? "exclude_sizes is an empty list, which excludes every flavor in teuthology's rule; remove the key"
                : "check allow_sizes and exclude_sizes"
            return SelectionError(
                "no-flavor", .configuration, "of \(flavors.count.counted("flavor")) none is allowed", next: why)
        }
        let largest = allowed.sorted { ($0.ram, $0.disk, $0.vcpus) > ($1.ram, $1.disk, $1.vcpus) }
        let shown = largest.map { "\($0.name) (\($0.ram) MB, \($0.disk) GB, \($0.vcpus) CPUs)" }
        return SelectionError(
            "no-flavor", .job, "no flavor has \(wish) among the \(allowed.count) allowed",
            next: "ask for less, or allow a larger flavor; the largest are \(enumerated(shown, limit: 3))")
    }
}
