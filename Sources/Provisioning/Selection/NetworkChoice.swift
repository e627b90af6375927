package import Configuration

package struct NetworkOption: Sendable, Hashable {
    package var id: String
    package var name: String

    package init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// teuthology's network rule: every network whose name any pattern matches becomes an interface
/// (facts/teuthology.md section 4).
package enum NetworkChoice {
    /// What the server is created with.
    package enum Attachment: Sendable, Hashable {
        /// The key is left out, because the cloud shows no network.
        case unspecified
        /// The list is sent, even if it is empty.
        case networks([NetworkOption])
    }

    /// - Parameter allow: `allow_networks`.
    package static func choose(
        _ networks: [NetworkOption], allow: NamePatterns = .everything
    ) -> Choice<Attachment> {
        if networks.isEmpty { return Choice(.unspecified) }
        let kept = networks.filter { allow.anyMatches($0.name) }
        guard kept.isEmpty else { return Choice(.networks(kept)) }
        return Choice(
            .networks([]),
            warnings: [
                "allow_networks matches none of \(enumerated(networks.map(\.name))); "
                    + "the server is created with an empty list, as by teuthology"
            ])
    }
}
