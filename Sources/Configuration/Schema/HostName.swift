/// The host of a URL, judged by whom its name reaches from elsewhere.
struct HostName {
    /// Lower case, without a final dot; an IPv6 address without its brackets.
    let text: String

    init(_ text: String) { self.text = text.lowercased().trimming(suffix: ".") }

    /// Never leaves this host.
    var isLoopback: Bool {
        if let address = Self.ipv4(text) { return address[0] == 127 }
        if text.contains(":") { return text.hasSuffix("1") && text.filter { $0 != "0" && $0 != ":" } == "1" }
        return text == "localhost" || text.hasSuffix(".localhost")
    }

    /// Reaches the same host from everywhere. False where that is not certain: an address or a name that each network may
    /// give to a host of its own.
    var isGlobal: Bool {
        if let address = Self.ipv4(text) { return Self.isGlobal(address) }
        if text.contains(":") { return isGlobalIPv6 }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        // With two labels it may be a service and its namespace within one cluster.
        guard labels.count > 2, let top = labels.last else { return false }
        let isTopLevel = top.hasPrefix("xn--") || top.utf8.allSatisfy { $0.isDomainByte && $0 > UInt8(ascii: "9") }
        return isTopLevel && top.utf8.count > 1 && !Self.privateDomains.contains { text.hasSuffix("." + $0) }
    }

    /// Names that are not in the public DNS: RFC 6761, 6762, 8375 and 9476, ICANN's .internal, and those that are in
    /// common use within networks.
    private static let privateDomains = [
        "alt", "example", "home.arpa", "internal", "invalid", "local", "localhost", "test", "consul", "corp",
        "home", "intra", "intranet", "lab", "lan", "localdomain", "localnet", "private", "svc",
    ]

    /// Without what IANA's registry of special addresses calls not globally reachable.
    private static func isGlobal(_ address: [UInt8]) -> Bool {
        switch (address[0], address[1], address[2]) {
        case (0, _, _), (10, _, _), (127, _, _), (224..., _, _), (100, 64...127, _), (169, 254, _), (172, 16...31, _),
            (192, 168, _), (192, 0, 0), (192, 0, 2), (198, 18...19, _), (198, 51, 100), (203, 0, 113):
            false
        default: true
        }
    }

    /// 2000::/3 without the networks for documentation.
    private var isGlobalIPv6: Bool {
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        guard groups[0].utf8.count == 4, let first = UInt16(groups[0], radix: 16), first >> 13 == 1 else {
            return false
        }
        return first >> 4 != 0x3FF && !(first == 0x2001 && UInt16(groups[1], radix: 16) == 0xDB8)
    }

    /// Dotted decimal, strictly.
    static func ipv4(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in
            (part == "0" || !part.hasPrefix("0")) && !part.hasPrefix("+") ? UInt8(part) : nil
        }
        return parts.count == 4 && numbers.count == 4 ? numbers : nil
    }
}
