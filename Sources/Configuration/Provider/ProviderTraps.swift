import YAMLKit

/// Warnings about what teuthology's keys do although nobody expects it (facts/openstack.md 6.1 and 6.4). The behaviour
/// stays compatible; the surprise goes.
enum ProviderTraps {
    static func check(_ settings: ProviderSettings, _ fields: Fields) {
        func warn(_ key: String, _ message: String, hint: String = "") {
            fields.problems.warning(fields.mark(of: key), fields.path(key), message, hint: hint)
        }
        if !fields.has("allow_networks") {
            warn(
                "allow_networks", "not set: every server gets an interface on every network of the project",
                hint: "name the networks that are meant")
        } else if settings.allowNetworks.isEmpty {
            warn("allow_networks", "the empty list allows no network", hint: "remove the key to allow all")
        }
        if settings.allowSizes.isEmpty {
            warn(
                "allow_sizes", "the empty list allows no flavor: nothing can be built",
                hint: "remove the key to allow all")
        }
        excludeSizes(settings, fields, warn)
        if let node = fields.node("security_groups"), node.scalar != nil {
            warn(
                "security_groups", "a single text is taken for one name; teuthology takes it letter by letter",
                hint: "write a list")
        }
        for (key, patterns) in [
            ("allow_networks", settings.allowNetworks), ("allow_sizes", settings.allowSizes),
            ("exclude_sizes", settings.excludeSizes), ("exclude_image", settings.excludeImage),
        ] {
            for source in patterns.sources where fields.has(key) && !isClosed(source) {
                warn(
                    key, "\(Node.quoted(source)) also matches every longer name that begins with it",
                    hint: "write \(Node.quoted(source + "$")) to match the whole name")
            }
        }
        for entry in settings.userData { userData(entry, fields, warn) }
    }

    private static func excludeSizes(
        _ settings: ProviderSettings, _ fields: Fields, _ warn: (String, String, String) -> Void
    ) {
        guard fields.has("exclude_sizes") else { return }
        let patterns = settings.excludeSizes
        if settings.excludeSizesMode == .compat, patterns.isEmpty {
            warn(
                "exclude_sizes", "the empty list excludes every flavor in teuthology's rule: nothing can be built",
                "write exclude_sizes_mode: any, or a pattern that matches nothing")
        } else if settings.excludeSizesMode == .compat, patterns.count > 1 {
            warn(
                "exclude_sizes",
                "with several patterns a flavor is excluded only if it matches all of them, as teuthology does",
                "write exclude_sizes_mode: any if one match is to be enough")
        }
        if !patterns.isEmpty, !patterns.anyMatches("win-b2-7") {
            warn(
                "exclude_sizes", "replaces the default win-.*: Windows flavors, which cost more, may be chosen",
                "add win-.* with exclude_sizes_mode: any")
        }
    }

    private static func userData(
        _ entry: ProviderSettings.UserData, _ fields: Fields, _ warn: (String, String, String) -> Void
    ) {
        let parts = entry.key.split(separator: "-", maxSplits: 1)
        if parts.count < 2 {
            warn("userdata", "\(Node.quoted(entry.key)) is never used", "keys are os_type-os_version: ubuntu-22.04")
        }
        if let user = entry.value["user"], user.text != "ubuntu" {
            warn("userdata", "\(entry.key).user is overwritten with ubuntu, as teuthology does", "")
        }
    }

    /// Ends in a way that says how far it goes.
    private static func isClosed(_ source: String) -> Bool {
        source.hasSuffix("$") || source.hasSuffix(".*") || source.hasSuffix(".+") || source.hasSuffix("\\Z")
            || source.hasSuffix(")")
    }
}
