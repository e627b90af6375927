import World

/// How long things take. Defaults look like a calm real cloud; tests that want speed set them to something short.
package struct CloudTimings: Sendable, Hashable {
    /// BUILD with `task_state` scheduling, before a host is known.
    package var scheduling: Duration = .seconds(2)
    /// BUILD without a `task_state`: the host has taken the server.
    package var claiming: Duration = .seconds(1)
    package var networking: Duration = .seconds(3)
    /// BUILD with `task_state` block_device_mapping.
    package var mapping: Duration = .seconds(1)
    package var spawning: Duration = .seconds(13)
    /// How long a server is ACTIVE before its addresses show.
    package var addresses: Duration = .zero
    /// From DELETE to DELETED.
    package var deleting: Duration = .seconds(3)
    /// How long a deleted server still answers 200 with status DELETED before it is 404.
    package var deletedVisible: Duration = .milliseconds(300)
    /// How long a deleted server stays in lists that ask for `changes-since`.
    package var deletedKept: Duration = .seconds(3_600)
    /// Reboot, stop, start, rebuild.
    package var action: Duration = .seconds(2)
    package var volumeCreating: Duration = .seconds(2)
    package var volumeReserved: Duration = .seconds(1)
    package var volumeAttaching: Duration = .seconds(2)
    package var volumeDetaching: Duration = .seconds(2)
    package var volumeDeleting: Duration = .seconds(1)
    /// Every duration is drawn within this part of its value, up or down: 0.25 makes 20 s last 15 to 25 s.
    package var jitter = 0.0

    package init() {}

    /// A server is ACTIVE this long after its POST, without jitter.
    package var boot: Duration {
        get { scheduling + claiming + networking + mapping + spawning }
        set {
            scheduling = newValue * 0.1
            claiming = newValue * 0.05
            networking = newValue * 0.15
            mapping = newValue * 0.05
            spawning = newValue * 0.65
        }
    }

    /// Nothing takes any time: every state change shows at the next request.
    package static var immediate: CloudTimings {
        var timings = CloudTimings()
        timings.boot = .zero
        timings.deleting = .zero
        timings.deletedVisible = .zero
        timings.action = .zero
        timings.volumeCreating = .zero
        timings.volumeReserved = .zero
        timings.volumeAttaching = .zero
        timings.volumeDetaching = .zero
        timings.volumeDeleting = .zero
        return timings
    }
}

/// Limits of one project; -1 is none.
package struct CloudQuotas: Sendable, Hashable {
    package var instances = 10
    package var cores = 20
    /// MB.
    package var ram = 51_200
    package var ports = 500
    package var volumes = 10
    /// GB.
    package var gigabytes = 1_000
    package var metadataItems = 128
    /// Whether Nova asks oslo.limit for them, and words its refusals in that way.
    package var areUnified = false

    /// OpenStack's own defaults.
    package init() {}

    /// Enough for a thousand servers.
    package static var roomy: CloudQuotas {
        var quotas = CloudQuotas()
        quotas.instances = 2_000
        quotas.cores = 20_000
        quotas.ram = 100_000_000
        quotas.ports = 5_000
        quotas.volumes = 10_000
        quotas.gigabytes = 1_000_000
        return quotas
    }
}

/// What a cloud is at its beginning.
package struct CloudConfiguration: Sendable {
    /// Equal seeds give equal ids, addresses, tokens, durations.
    package var seed: UInt64 = 1
    package var endpoints = CloudEndpoints(root: "http://127.0.0.1:8080")
    package var timings = CloudTimings()
    package var quotas = CloudQuotas.roomy
    package var regions = ["RegionOne"]
    /// Whether every region has hosts of its own, of which only those of the first are served.
    package var regionsHaveOwnHosts = false
    /// Types that the catalog does not name although the service is there.
    package var missingTypes: Set<String> = []
    package var tokenLifetime: Duration = .seconds(3_600)
    /// Whether `/v2.0/tokens` still answers; gone since OpenStack Queens (facts/openstack.md 1.1).
    package var identityV2 = false
    /// The most that one page of servers, volumes or flavors holds.
    package var maximumPage = 1_000
    package var zones = ["nova"]
    package var projects: [CloudProject] = []
    package var users: [CloudUser] = []
    package var flavors: [CloudFlavor] = []
    package var images: [CloudImage] = []
    package var networks: [CloudNetwork] = []
    package var securityGroups: [CloudSecurityGroup] = []

    package init() {}

    /// A small lab: user `cirrata` with password `secret` in project `lab`, flavors and images as an OVH customer sees
    /// them, and one network.
    /// - Parameter addresses: the network that servers get addresses of; `127.77.0.0/16` makes them reachable in a demo.
    package static func lab(seed: UInt64 = 1, addresses: String = "203.0.113.0/24") -> CloudConfiguration {
        var random = CloudRandom(seed: seed ^ 0x1AB)
        var lab = CloudConfiguration()
        lab.seed = seed
        let project = CloudProject(id: random.hex32(), name: "lab")
        let other = CloudProject(id: random.hex32(), name: "other")
        lab.projects = [project, other]
        lab.users = [
            CloudUser(id: random.hex32(), name: "cirrata", password: "secret", projects: [project.id]),
            CloudUser(id: random.hex32(), name: "somebody", password: "secret", projects: [other.id]),
            CloudUser(id: random.hex32(), name: "norole", password: "secret", projects: []),
        ]
        let sizes: [(name: String, cores: Int, ram: Int, disk: Int)] = [
            ("vps-ssd-1", 1, 2_000, 10), ("vps-ssd-2", 1, 4_000, 20), ("vps-ssd-3", 2, 8_000, 40),
            ("hg-7-ssd", 2, 7_000, 100), ("hg-15-ssd", 4, 15_000, 200), ("hg-30-ssd", 8, 30_000, 400),
            ("win-vps-ssd-3", 2, 8_000, 50), ("win-hg-7-ssd", 2, 7_000, 100),
        ]
        lab.flavors = sizes.map { size in
            CloudFlavor(id: random.uuid(), name: size.name, cores: size.cores, ram: size.ram, disk: size.disk)
        }
        let born = Timestamp(seconds: 1_767_225_600)
        let names = [
            "Windows Server 2022", "Debian 12", "Rocky 9.5", "Alma 9.5", "CentOS 9.stream", "CentOS 10.stream",
            "Ubuntu 20.04", "Ubuntu 22.04", "Ubuntu 24.04",
        ]
        lab.images = names.enumerated().map { index, name in
            CloudImage(id: random.uuid(), name: name, created: born + .seconds(3_600 * index))
        }
        lab.networks = [CloudNetwork(id: random.uuid(), name: "Ext-Net", subnet: random.uuid(), cidr: addresses)]
        lab.securityGroups = [CloudSecurityGroup(id: random.uuid(), name: "default", project: project.id)]
        return lab
    }
}
