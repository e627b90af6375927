/// An absolute http or https URL, taken apart as far as configuration needs; scheme and host in lower case.
struct WebURL {
    let scheme: String
    /// Host and port as written, IPv6 in brackets.
    let host: String
    /// Begins with a slash, or is empty.
    let path: String
    let hasUser: Bool

    /// Nil for other schemes, no host, a query, a fragment, blanks or control characters.
    init?(parsing text: String) {
        guard let mark = text.firstRange(of: "://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
            return nil
        }
        let scheme = text[..<mark.lowerBound].lowercased()
        let rest = text[mark.upperBound...]
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var host = rest[..<slash]
        hasUser = host.contains("@")
        if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
        guard scheme == "http" || scheme == "https", !rest.contains("?"), !rest.contains("#"), !host.isEmpty,
            !host.hasPrefix(":"), Self.isPortSane(host)
        else { return nil }
        self.scheme = scheme
        self.host = host.lowercased()
        path = String(rest[slash...])
    }

    /// Without the port.
    var hostName: HostName {
        let name = host.hasPrefix("[") ? host.dropFirst().prefix { $0 != "]" } : host.prefix { $0 != ":" }
        return HostName(String(name))
    }

    /// What is sent there can be read on the way.
    var isOpenToReaders: Bool { scheme == "http" && !hostName.isLoopback }

    /// Without the user.
    var text: String { "\(scheme)://\(host)\(path)" }

    private static func isPortSane(_ host: Substring) -> Bool {
        guard let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else { return true }
        return UInt16(host[host.index(after: colon)...]).map { $0 > 0 } ?? false
    }
}
