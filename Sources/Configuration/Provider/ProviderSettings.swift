package import YAMLKit

/// One entry under `libcloud.providers` as the file has it (facts/openstack.md 6.1).
package struct ProviderSettings: Sendable, Hashable {
    package enum Driver: String, Sendable, CaseIterable { case openstack }
    package enum SSHInterface: String, Sendable, CaseIterable {
        case `public` = "public_ips"
        case `private` = "private_ips"
    }

    package enum ExcludeMode: String, Sendable, CaseIterable {
        /// teuthology's rule: a size is dropped only if it matches every pattern.
        case compat
        /// A size is dropped if it matches one pattern.
        case any
    }

    /// The cloud-config for one operating system.
    package struct UserData: Sendable, Hashable {
        /// `ubuntu-22.04`
        package var key: String
        package var value: Node

        package init(key: String, value: Node) {
            self.key = key
            self.value = value
        }

        /// The tags that PyYAML's safe loader constructs, which cloud-init and teuthology read with.
        static let tags = Set(
            [
                "binary", "bool", "float", "int", "map", "null", "omap", "pairs", "seq", "set", "str", "timestamp",
            ].map { YAML.tagPrefix + $0 })
    }

    package var name: String
    package var driver = Driver.openstack
    package var cloud: String?
    package var arguments = DriverArguments()
    package var allowNetworks = NamePatterns.everything
    package var allowSizes = NamePatterns.everything
    package var excludeSizes = NamePatterns.windows
    package var excludeSizesMode = ExcludeMode.compat
    package var excludeImage = NamePatterns.none
    package var userData: [UserData] = []
    /// Nil: none are sent.
    package var securityGroups: [String]?
    package var sshInterface = SSHInterface.public
    package var maximumServers: Int?
    package var adoptsUnmarked = false
    package var availabilityZones: [String] = []
    package var volumeZone: String?
    package var volumeType: String?
    package var region: String?
    package var interface: CloudAccess.Interface?
    package var insecure: Bool?
    package var authorityFile: String?
    package var pollInterval: Duration = .seconds(1)
    package var rate = RateSettings()

    package init(name: String) { self.name = name }

    /// The cloud-config for an operating system; nil: teuthology's default base.
    package func userData(_ osType: String, _ osVersion: String) -> Node? {
        userData.first { $0.key == "\(osType)-\(osVersion)" }?.value
    }

    static let example: ProviderSettings = {
        var settings = ProviderSettings(name: "ovh")
        settings.arguments.username = .inline("my_ovh_username")
        settings.arguments.password = .environment("OVH_PASSWORD")
        settings.arguments.authURL = "https://auth.cloud.ovh.net/v2.0/tokens"
        settings.arguments.authVersion = .v2Password
        settings.arguments.tenantName = "my_tenant_name"
        settings.arguments.region = "GRA1"
        settings.userData = [
            UserData(
                key: "ubuntu-22.04",
                value: .map([
                    ("packages", .strings(["git", "wget", "python3"])), ("bootcmd", .list([.strings(["true"])])),
                ]))
        ]
        return settings
    }()

    static let schema = Schema<ProviderSettings>(teuthology + ours, isShared: true)

    private static let teuthology: [SchemaKey<ProviderSettings>] = [
        .value("driver", \.driver, .choice, "Of libcloud's drivers, the one that is supported."),
        .section(
            "driver_args", \.arguments, DriverArguments.schema,
            "How to log in, as libcloud's driver takes it. Either this with username, password and ex_force_auth_url, or cloud."
        ),
        .value(
            "allow_networks", \.allowNetworks, .patterns,
            "Networks by name: a server gets an interface on every network that one of these matches. All patterns are "
                + "anchored at the start only: write $ at the end."),
        .value("allow_sizes", \.allowSizes, .patterns, "Flavors by name: one of these must match."),
        .value(
            "exclude_sizes", \.excludeSizes, .patterns,
            "Flavors by name that are not used, in the way of exclude_sizes_mode. An own list replaces the default."),
        .value("exclude_image", \.excludeImage, .patterns, "Images by name that are not used: one match is enough."),
        userDataKey,
        .optional(
            "security_groups", \.securityGroups, .list(.text("a name")),
            otherwise: "none is sent, the project's default holds",
            example: ["default"], "Names of security groups, of which exactly one each must exist."),
        .value(
            "ssh_interface", \.sshInterface, .choice,
            "Whether a server is reached at a public or a private address (RFC 1918)."),
    ]

    private static let userDataKey = SchemaKey<ProviderSettings>(
        name: "userdata",
        read: { fields, root, _ in
            root.userData = (fields.fields("userdata") == nil ? [] : fields.node("userdata")?.mapping?.entries ?? [])
                .compactMap { entry in
                    let path = Fields.join(fields.path("userdata"), entry.key)
                    if entry.value.isNull {
                        fields.problems.warning(
                            entry.keyMark, path, "nothing: ignored", hint: "teuthology fails to create the node here")
                        return nil
                    }
                    guard entry.value.mapping != nil else {
                        fields.problems.error(
                            entry.value.mark, path, "expected a mapping (of cloud-config), found \(entry.value.summary)"
                        )
                        return nil
                    }
                    for (tag, mark) in entry.value.tags where !UserData.tags.contains(tag) {
                        fields.problems.error(
                            mark, path, "cloud-init does not know the tag that stands here",
                            hint: "quote a text that begins with !")
                    }
                    return UserData(key: entry.key, value: entry.value)
                }
        },
        show: { root in .map(root.userData.map { ($0.key, $0.value) }) },
        document: { root in
            KeyDocument(
                name: "userdata",
                meaning:
                    "cloud-config by os_type-os_version: it replaces the default base (packages: git, wget, python, ntp). "
                    + "user, runcmd, hostname and the authorized keys are completed as teuthology does.",
                form: "a mapping of os_type-os_version to cloud-config",
                content: .optional(
                    otherwise: "the default base", example: .map(root.userData.map { ($0.key, $0.value) }), isSet: false
                ))
        })

    private static let ours: [SchemaKey<ProviderSettings>] = [
        .optional(
            "cloud", \.cloud, .text("the name of a cloud"), otherwise: "driver_args", example: "ovh",
            "A cloud of clouds.yaml (with its secure.yaml), found as openstacksdk finds it; envvars stands for the OS_* variables."
        ),
        .optional(
            "region", \.region, .text("a region"), otherwise: "driver_args' or the cloud's", example: "GRA1",
            "The region, as the catalog spells it."),
        .optional(
            "interface", \.interface, .choice, otherwise: "the cloud's, else public", example: .public,
            "Which of a service's endpoints in the catalog is used."),
        .optional(
            "insecure", \.insecure, .boolean, otherwise: "the cloud's, else false", example: false,
            "Do not verify the services' certificates. Passwords then go to whoever answers."),
        .optional(
            "cacert", \.authorityFile, .text("a path"), otherwise: "the cloud's, else the system's authorities",
            example: "/etc/ssl/certs/lab.pem", "Certificate authorities that are trusted instead of the system's."),
        .value(
            "exclude_sizes_mode", \.excludeSizesMode, .choice,
            "compat is teuthology's: a flavor is dropped only if it matches every pattern of exclude_sizes. any drops it at the first."
        ),
        .optional(
            "max_servers", \.maximumServers, .integer(in: 0...100_000), otherwise: "no limit but the quota",
            example: 100,
            "Servers of this site in the project; provisions beyond it wait."),
        .value(
            "adopt_unmarked", \.adoptsUnmarked, .boolean,
            "Treat a server of exactly a node's name as ours although it has no mark: for the change from teuthology's backend."
        ),
        .value(
            "availability_zones", \.availabilityZones, .list(.text("a zone")),
            "Zones to try in turn when one has no room; empty: the cloud chooses."),
        .optional(
            "volume_zone", \.volumeZone, .text("a zone"),
            otherwise: "the server's, if Cinder has a zone of that name, else Cinder chooses", example: "nova",
            "The zone of Cinder's that volumes are made in. Clouds with cross_az_attach = False attach only within one zone."
        ),
        .optional(
            "volume_type", \.volumeType, .text("a volume type"), otherwise: "Cinder's default", example: "classic",
            "The type that volumes are made of."),
        .value(
            "poll_interval", \.pollInterval, .duration(in: .milliseconds(100) ... .seconds(60)),
            "How often the cloud is asked how far the servers are: once for all that wait."),
        .section(
            "rate", \.rate, RateSettings.schema, "How many requests the services get. Shared by all jobs of a process."),
    ]
}

/// A provider, ready to be used.
package struct ProviderConfiguration: Sendable, Hashable {
    package var access: CloudAccess
    package var settings: ProviderSettings

    package var name: String { settings.name }

    package init(access: CloudAccess, settings: ProviderSettings) {
        self.access = access
        self.settings = settings
    }
}
