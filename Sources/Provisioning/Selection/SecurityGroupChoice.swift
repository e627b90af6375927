package struct SecurityGroupOption: Sendable, Hashable {
    package var id: String
    package var name: String

    package init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// teuthology's rule for security groups: each configured name must be exactly one group's (facts/teuthology.md
/// section 4). An id will do, too: Nova takes either.
package enum SecurityGroupChoice {
    /// - Parameter wanted: `security_groups`; absent or empty: nothing is sent, and nothing need be listed.
    /// - Returns: the groups in the order of `wanted`.
    /// - Throws: `SelectionError`, cause `no-security-group`.
    package static func choose(
        _ groups: [SecurityGroupOption], wanted: [String]
    ) throws(SelectionError) -> [SecurityGroupOption] {
        var chosen: [SecurityGroupOption] = []
        for name in wanted {
            let found = groups.filter { $0.name == name || $0.id == name }
            guard let group = found.first else {
                throw SelectionError(
                    "no-security-group", .configuration, "no security group has the name \(name.debugDescription)",
                    next: "correct security_groups; there are \(enumerated(groups.map(\.name)))")
            }
            guard found.count == 1 else {
                throw SelectionError(
                    "no-security-group", .configuration,
                    "\(found.count) security groups have the name \(name.debugDescription)",
                    next: "write the id of the right one into security_groups: \(enumerated(found.map(\.id)))")
            }
            chosen.append(group)
        }
        return chosen
    }
}
