import YAMLKit

/// The smallest machine, as teuthology's own `openstack:` section has it. Jobs can only ask for more.
package struct MachineSize: Sendable, Hashable {
    package var diskGB = 20
    package var ramMB = 8_000
    package var cpus = 1

    package init() {}

    static let schema = Schema<MachineSize>([
        .value("disk", \.diskGB, .integer(in: 0...1_000_000, unit: "GB"), "Root disk of the flavor, at least."),
        .value("ram", \.ramMB, .integer(in: 0...100_000_000, unit: "MB"), "Memory of the flavor, at least."),
        .value("cpus", \.cpus, .integer(in: 0...10_000), "Virtual processors of the flavor, at least."),
    ])
}

package struct VolumeSize: Sendable, Hashable {
    package var count = 0
    package var sizeGB = 1

    package init() {}

    static let schema = Schema<VolumeSize>([
        .value("count", \.count, .integer(in: 0...100), "Volumes attached to every node, at least."),
        .value("size", \.sizeGB, .integer(in: 0...1_000_000, unit: "GB"), "Size of each volume, at least."),
    ])
}

package struct SizeSettings: Sendable, Hashable {
    package var machine = MachineSize()
    package var volumes = VolumeSize()

    package init() {}

    static let schema = Schema<SizeSettings>(
        [
            .section("machine", \.machine, MachineSize.schema, "The smallest machine that a node may be."),
            .section("volumes", \.volumes, VolumeSize.schema, "The volumes that every node gets."),
        ], foreign: TeuthologyKeys.openstack, isShared: true)
}
