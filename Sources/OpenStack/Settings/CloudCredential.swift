/// Something that Keystone knows by id or by name within a domain.
package struct Principal: Sendable, Hashable {
    package var id: String?
    package var name: String?
    package var domainID: String?
    package var domainName: String?

    package init(id: String? = nil, name: String? = nil, domainID: String? = nil, domainName: String? = nil) {
        self.id = id
        self.name = name
        self.domainID = domainID
        self.domainName = domainName
    }
}

/// How we log in (facts/openstack.md 1.1 and 1.2).
package enum CloudCredential: Sendable {
    /// Identity v3, or v2.0 where the user's and the project's (tenant's) name or id is enough.
    case password(user: Principal, password: CloudSecret, project: Principal)
    /// Known by id, or by name together with its user. The project is fixed in it.
    case applicationCredential(Principal, user: Principal?, secret: CloudSecret)
    /// A token that somebody else fetched; it cannot be renewed beyond its own end.
    case token(CloudSecret, project: Principal)

    var secret: CloudSecret {
        switch self {
        case .password(_, let secret, _), .applicationCredential(_, _, let secret), .token(let secret, _): secret
        }
    }
}
