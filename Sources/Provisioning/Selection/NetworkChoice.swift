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
    package static let defaultAllow = [".*"]

    /// What the server is created with.
    package enum Attachment: Sendable, Hashable {
        /// The key is left out, because the cloud shows no network.
        case unspecified
        /// The list is sent, even if it is empty.
        case networks([NetworkOption])
    }

    /// - Parameter allow: `allow_networks`; nil: the key is absent.
    /// - Throws: `SelectionError`, cause `bad-pattern`.
    package static func choose(
        _ networks: [NetworkOption], allow: [String]? = nil
    ) throws(SelectionError) -> Choice<Attachment> {
        let patterns = try [PythonPattern](allow ?? defaultAllow, key: "allow_networks")
        if networks.isEmpty { return Choice(.unspecified) }
        let kept = networks.filter { patterns.anyMatches($0.name) }
        guard kept.isEmpty else { return Choice(.networks(kept)) }
        return Choice(
            .networks([]),
            warnings: [
                "allow_networks matches none of \(enumerated(networks.map(\.name))); "
                    + "the server is created with an empty list, as by teuthology"
            ])
    }
}
