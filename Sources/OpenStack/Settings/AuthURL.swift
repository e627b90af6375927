/// Which version of the identity API to log in with.
package enum IdentityVersion: String, Sendable, Hashable {
    case v3
    /// Removed upstream; where a cloud answers that it is gone, v3 is used with the same names, and a warning.
    case v2
    /// What the auth URL says, else v3.
    case automatic
}

/// Keystone's root, from all that people write: host only, `/v2.0`, `/v2.0/tokens`, `/v3`, `/v3/auth/tokens`, each also
/// below a prefix such as `/identity` (facts/openstack.md, "Seven that matter most", 1).
package struct AuthURL: Sendable, Hashable {
    /// Without version and without trailing slash.
    package let root: String
    /// The version that the URL named.
    package let named: IdentityVersion?

    package init(parsing text: String) {
        var parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        func dropEmpty() { while parts.last == "" { parts.removeLast() } }
        dropEmpty()
        if parts.last == "tokens" {
            parts.removeLast()
            if parts.last == "auth" { parts.removeLast() }
        }
        dropEmpty()
        switch parts.last {
        case "v3":
            named = .v3
            parts.removeLast()
        case "v2.0", "v2":
            named = .v2
            parts.removeLast()
        default:
            named = nil
        }
        dropEmpty()
        root = parts.joined(separator: "/")
    }
}
