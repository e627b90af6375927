package struct MachineSize: Sendable, Hashable {
    /// GB
    package var disk: Int
    /// MB
    package var ram: Int
    package var cpus: Int

    package init(disk: Int, ram: Int, cpus: Int) {
        self.disk = disk
        self.ram = ram
        self.cpus = cpus
    }
}

package struct VolumeSize: Sendable, Hashable {
    package var count: Int
    /// GB, of each.
    package var size: Int

    package init(count: Int, size: Int) {
        self.count = count
        self.size = size
    }
}

package struct NodeSize: Sendable, Hashable {
    package var machine: MachineSize
    package var volumes: VolumeSize

    package init(machine: MachineSize, volumes: VolumeSize) {
        self.machine = machine
        self.volumes = volumes
    }
}

/// One place that says something about sizes; what it does not say is nil.
package struct SizeLevel: Sendable, Hashable {
    package var disk: Int?
    package var ram: Int?
    package var cpus: Int?
    package var count: Int?
    package var size: Int?

    package init(disk: Int? = nil, ram: Int? = nil, cpus: Int? = nil, count: Int? = nil, size: Int? = nil) {
        self.disk = disk
        self.ram = ram
        self.cpus = cpus
        self.count = count
        self.size = size
    }

    /// Built into teuthology's provisioner, below everything else.
    package static let builtIn = SizeLevel(disk: 20, ram: 8_000, cpus: 1, count: 0, size: 0)
    /// teuthology's own `openstack:`, which a site's replaces as a whole.
    package static let siteDefault = SizeLevel(disk: 20, ram: 8_000, cpus: 1, count: 0, size: 1)
}

extension NodeSize {
    /// The largest value of each key over all levels, so that a job can raise what the site says and never lower it
    /// (facts/teuthology.md section 4, "Config merge").
    package init(largestOf levels: [SizeLevel], site: SizeLevel = .siteDefault) {
        let all = levels + [site, .builtIn]
        func largest(_ key: KeyPath<SizeLevel, Int?>) -> Int { all.compactMap { $0[keyPath: key] }.max() ?? 0 }
        self.init(
            machine: MachineSize(disk: largest(\.disk), ram: largest(\.ram), cpus: largest(\.cpus)),
            volumes: VolumeSize(count: largest(\.count), size: largest(\.size)))
    }
}
