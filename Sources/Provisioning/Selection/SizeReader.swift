package import YAMLKit

/// Reads size wishes out of YAML. teuthology compares whatever it finds and fails inside Python; here each thing that is
/// no size has an error that names its place.
package enum SizeReader {
    /// More volumes than any hypervisor attaches to one server.
    package static let mostVolumes = 1_000
    private static let largest = 1_000_000_000

    /// The levels of a job, highest first: the body's own `machine` and `volumes`, then its `openstack`, which is one
    /// mapping or a list of them.
    /// - Throws: `SelectionError`, cause `bad-size`.
    package static func levels(
        openstack: Node?, machine: Node?, volumes: Node?
    ) throws(SelectionError) -> [SizeLevel] {
        var levels = [try level(machine: machine, volumes: volumes, path: "")]
        switch openstack?.kind {
        case nil: break
        case .sequence(let items):
            for (index, item) in items.enumerated() { levels.append(try level(item, path: "openstack[\(index)]")) }
        case .mapping, .scalar, .tagged:
            if let openstack { levels.append(try level(openstack, path: "openstack")) }
        }
        return levels
    }

    /// One mapping with `machine` and `volumes`; its other keys are not about sizes.
    /// - Throws: `SelectionError`, cause `bad-size`.
    package static func level(_ node: Node, path: String) throws(SelectionError) -> SizeLevel {
        guard let mapping = node.mapping else { throw problem(path, "is \(node.summary); expected a mapping") }
        return try level(machine: mapping["machine"], volumes: mapping["volumes"], path: path)
    }

    private static func level(machine: Node?, volumes: Node?, path: String) throws(SelectionError) -> SizeLevel {
        let prefix = path.isEmpty ? "" : "\(path)."
        var level = SizeLevel()
        if let machine {
            let (fields, path) = (try mapping(machine, prefix + "machine"), prefix + "machine.")
            level.disk = try number(fields["disk"], path + "disk")
            level.ram = try number(fields["ram"], path + "ram")
            level.cpus = try number(fields["cpus"], path + "cpus")
        }
        if let volumes {
            let (fields, path) = (try mapping(volumes, prefix + "volumes"), prefix + "volumes.")
            level.count = try number(fields["count"], path + "count", upTo: mostVolumes)
            level.size = try number(fields["size"], path + "size")
        }
        return level
    }

    private static func mapping(_ node: Node, _ path: String) throws(SelectionError) -> Mapping {
        guard let mapping = node.mapping else { throw problem(path, "is \(node.summary); expected a mapping") }
        return mapping
    }

    private static func number(_ node: Node?, _ path: String, upTo limit: Int = largest) throws(SelectionError) -> Int?
    {
        guard let node else { return nil }
        guard let scalar = node.scalar, scalar.type == .integer, let value = ScalarType.integer(scalar.text) else {
            throw problem(path, "is \(node.summary); expected a whole number")
        }
        guard (0...limit).contains(value) else { throw problem(path, "is \(value); expected 0 to \(limit)") }
        return value
    }

    private static func problem(_ path: String, _ text: String) -> SelectionError {
        SelectionError(
            "bad-size", .job, "\(path) \(text)",
            next: "write machine as {disk: GB, ram: MB, cpus: N} and volumes as {count: N, size: GB}")
    }
}
