/// Keystone's address in every form that people write, brought to the root below which `/v2.0/tokens` and
/// `/v3/auth/tokens` are (facts/openstack.md 6.2, and number 23 of its list of failures).
package struct AuthURL: Sendable, Hashable, CustomStringConvertible {
    /// `https://auth.cloud.ovh.net`, `http://controller/identity`; no slash at the end.
    package let root: String
    /// What the path said; nil: nothing.
    package let version: IdentityVersion?

    package init(root: String, version: IdentityVersion? = nil) {
        self.root = root
        self.version = version
    }

    /// Accepts a version and the path of the token requests behind it, also twice, which libcloud's own doubling has
    /// taught people; nil for what is no URL. Without http:// or https:// it would be a guess which one is meant.
    package init?(parsing text: String) {
        let trimmed = String(text.drop { $0 == " " }).trimming(suffix: " ")
        guard let url = WebURL(parsing: trimmed), !url.hasUser else { return nil }
        var segments = url.path.split(separator: "/").map(String.init)
        var version: IdentityVersion?
        while let last = segments.last {
            if last == "tokens" {
                segments.removeLast()
                if segments.last == "auth" { segments.removeLast() }
            } else if let named = IdentityVersion(segment: last) {
                version = named
                segments.removeLast()
            } else {
                break
            }
        }
        self.version = version
        root = (["\(url.scheme)://\(url.host)"] + segments).joined(separator: "/")
    }

    package var description: String { root + (version.map { "/\($0.rawValue)" } ?? "") }
}

package enum IdentityVersion: String, Sendable, Hashable, CaseIterable {
    case v2 = "v2.0"
    case v3

    /// `v2`, `v2.0`, `v3`, `v3.14`.
    init?(segment: String) {
        switch segment {
        case "v2", "v2.0": self = .v2
        case "v3": self = .v3
        default:
            guard segment.hasPrefix("v3."), Int(segment.dropFirst(3)) != nil else { return nil }
            self = .v3
        }
    }
}
