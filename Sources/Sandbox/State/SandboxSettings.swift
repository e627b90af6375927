package import HTTPKit

/// What a Sandbox is at its beginning: `cirrata sandbox` reads it from its options or from a JSON file.
///
///     {"seed": 7, "domain": "front.lab.test", "addresses": "127.77.0.0/16", "boot": 3,
///      "nodes": [{"machine_type": "ovh", "count": 20}], "quotas": {"instances": 10}}
package struct SandboxSettings: Sendable {
    /// Nodes that paddles knows from the start: `ovh001`, `ovh002`, …
    package struct NodeGroup: Sendable, Hashable {
        package var machineType: String
        package var prefix: String
        package var first: Int
        package var count: Int

        package init(machineType: String, prefix: String? = nil, first: Int = 1, count: Int) {
            self.machineType = machineType
            self.prefix = prefix ?? machineType
            self.first = first
            self.count = count
        }

        func names(in domain: String) -> [String] {
            (first..<first + count).map { number in
                let digits = String(number)
                let padding = String(repeating: "0", count: max(0, 3 - digits.utf8.count))
                return "\(prefix)\(padding)\(digits).\(domain)"
            }
        }
    }

    /// Decides every id, address, token and probability.
    package var seed: UInt64 = 1
    /// Where it is reached, for the catalog and links: `http://127.0.0.1:8080`. Set anew by `reached(at:)`.
    package var root = "http://127.0.0.1:8080"
    /// The lab's domain and zone.
    package var domain = "front.lab.test"
    /// The network that servers get addresses of; `127.77.0.0/16` makes them reachable in a demo.
    package var addresses = "203.0.113.0/24"
    package var nodes: [NodeGroup] = []
    /// nsupdate-web's `-a`; nil allows every name.
    package var allowHosts: String?
    /// nsupdate-web's `-k`.
    package var hostPasswords: [String: String]?
    package var timings = CloudTimings()
    package var quotas = CloudQuotas.roomy
    /// Whether Keystone still answers `/v2.0/tokens`.
    package var identityV2 = false
    package var tokenLifetime: Duration = .seconds(3_600)
    /// The regions of the catalog, and whether each has its own hosts; only the first is served then.
    package var regions = ["RegionOne"]
    package var regionsHaveOwnHosts = false
    /// Types that the catalog lacks.
    package var missingTypes: Set<String> = []
    /// The most that one page of a listing holds.
    package var maximumPage = 1_000

    package init() {}

    /// - Throws: `SandboxMistake` naming the member that is wrong.
    package init(json: JSONValue) throws(SandboxMistake) {
        var fields = try JSONFields(json, of: "settings")
        if let seed = try fields.integer("seed", in: 0...Int.max) { self.seed = UInt64(seed) }
        root = try fields.text("root") ?? root
        domain = try fields.text("domain") ?? domain
        addresses = try fields.text("addresses") ?? addresses
        allowHosts = try fields.text("allow_hosts")
        identityV2 = try fields.flag("identity_v2") ?? identityV2
        tokenLifetime = try fields.duration("token_lifetime") ?? tokenLifetime
        maximumPage = try fields.integer("maximum_page", in: 1...1_000_000) ?? maximumPage
        if let passwords = fields.take("host_passwords") {
            guard let members = passwords.object else { throw fields.wrong("host_passwords", "an object of strings") }
            hostPasswords = members.strings
        }
        if let groups = fields.take("nodes") {
            guard let items = groups.array else { throw fields.wrong("nodes", "a list of node groups") }
            nodes = try items.map { item throws(SandboxMistake) in try NodeGroup(json: item) }
        }
        if let boot = try fields.duration("boot") { timings.boot = boot }
        try timings.read(fields.take("timings"))
        try quotas.read(fields.take("quotas"))
        try fields.end()
    }
}

extension SandboxSettings.NodeGroup {
    package init(json: JSONValue) throws(SandboxMistake) {
        var fields = try JSONFields(json, of: "nodes")
        let type = try fields.text("machine_type")
        let count = try fields.integer("count", in: 0...100_000)
        self.init(
            machineType: try fields.required(type, "machine_type"), prefix: try fields.text("prefix"),
            first: try fields.integer("first", in: 0...100_000) ?? 1, count: try fields.required(count, "count"))
        try fields.end()
    }
}

extension CloudTimings {
    /// Sets what is given; `boot` spreads over the phases of a build.
    mutating func read(_ json: JSONValue?) throws(SandboxMistake) {
        guard let json else { return }
        var fields = try JSONFields(json, of: "timings")
        if let boot = try fields.duration("boot") { self.boot = boot }
        scheduling = try fields.duration("scheduling") ?? scheduling
        claiming = try fields.duration("claiming") ?? claiming
        networking = try fields.duration("networking") ?? networking
        spawning = try fields.duration("spawning") ?? spawning
        addresses = try fields.duration("addresses") ?? addresses
        deleting = try fields.duration("deleting") ?? deleting
        deletedVisible = try fields.duration("deleted_visible") ?? deletedVisible
        deletedKept = try fields.duration("deleted_kept") ?? deletedKept
        action = try fields.duration("action") ?? action
        volumeCreating = try fields.duration("volume_creating") ?? volumeCreating
        volumeReserved = try fields.duration("volume_reserved") ?? volumeReserved
        volumeAttaching = try fields.duration("volume_attaching") ?? volumeAttaching
        volumeDetaching = try fields.duration("volume_detaching") ?? volumeDetaching
        volumeDeleting = try fields.duration("volume_deleting") ?? volumeDeleting
        jitter = try fields.fraction("jitter") ?? jitter
        try fields.end()
    }
}

extension CloudQuotas {
    /// Sets what is given; -1 is no limit.
    mutating func read(_ json: JSONValue?) throws(SandboxMistake) {
        guard let json else { return }
        var fields = try JSONFields(json, of: "quotas")
        let range = -1...1_000_000_000
        instances = try fields.integer("instances", in: range) ?? instances
        cores = try fields.integer("cores", in: range) ?? cores
        ram = try fields.integer("ram", in: range) ?? ram
        ports = try fields.integer("ports", in: range) ?? ports
        volumes = try fields.integer("volumes", in: range) ?? volumes
        gigabytes = try fields.integer("gigabytes", in: range) ?? gigabytes
        metadataItems = try fields.integer("metadata_items", in: range) ?? metadataItems
        areUnified = try fields.flag("unified") ?? areUnified
        try fields.end()
    }
}
