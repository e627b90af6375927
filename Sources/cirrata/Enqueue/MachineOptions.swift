import ArgumentParser
import YAMLKit

/// What a provisioned machine is to be like.
struct MachineOptions: ParsableArguments {
    @Option(help: "Operating system. Default: defaults.os_type of the worker's configuration.")
    var osType: String?

    @Option(help: "Its version, as text. Default: by os_type.")
    var osVersion: String?

    @Option(help: ArgumentHelp("At least so much memory.", valueName: "MB"))
    var ram: Int?

    @Option(help: ArgumentHelp("At least so much disk.", valueName: "GB"))
    var disk: Int?

    @Option(help: ArgumentHelp("At least so many processors.", valueName: "number"))
    var cpus: Int?

    @Option(help: ArgumentHelp("Attach so many volumes.", valueName: "number"))
    var volumes: Int?

    @Option(help: ArgumentHelp("Of this size each. Default: openstack.volumes.size of the worker's.", valueName: "GB"))
    var volumeSize: Int?

    func validate() throws {
        for (name, value) in [
            ("--ram", ram), ("--disk", disk), ("--cpus", cpus), ("--volumes", volumes), ("--volume-size", volumeSize),
        ] {
            if let value, value < 0 { throw ValidationError("\(name) cannot be negative") }
        }
        if volumeSize != nil, volumes == nil { throw ValidationError("--volume-size needs --volumes") }
    }

    /// For the job's body.
    var entries: [(String, Node)] {
        var entries: [(String, Node)] = []
        if let osType { entries.append(("os_type", .string(osType))) }
        if let osVersion { entries.append(("os_version", .string(osVersion))) }
        let machine = Self.integers([("ram", ram), ("disk", disk), ("cpus", cpus)])
        if !machine.isEmpty { entries.append(("machine", .map(machine))) }
        let volumes = Self.integers([("count", volumes), ("size", volumeSize)])
        if !volumes.isEmpty { entries.append(("volumes", .map(volumes))) }
        return entries
    }

    private static func integers(_ values: [(String, Int?)]) -> [(String, Node)] {
        values.compactMap { name, value in value.map { (name, .integer($0)) } }
    }
}
