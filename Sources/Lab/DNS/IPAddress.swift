/// An IPv4 or IPv6 address, read strictly: no leading zeros, no short forms, no zone, as Python's `ipaddress` reads
/// them, because nsupdate-web does (facts/teuthology.md 2).
package enum IPAddress: Sendable, Hashable, CustomStringConvertible {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    package init?(_ text: some StringProtocol) {
        if let value = Self.readV4(text) {
            self = .v4(value)
        } else if let groups = Self.readV6(text) {
            self = .v6(high: Self.join(groups[0..<4]), low: Self.join(groups[4..<8]))
        } else {
            return nil
        }
    }

    /// Four or sixteen bytes in network order.
    package init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self = .v6(high: high, low: bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        default:
            return nil
        }
    }

    package var isV4: Bool { if case .v4 = self { true } else { false } }

    /// What libcloud, and so teuthology's `ssh_interface`, calls private: the three networks of RFC 1918 and nothing
    /// else. 100.64/10, loopback, link-local and every IPv6 address count as public (facts/teuthology.md 3.3).
    package var isPrivate: Bool {
        guard case .v4(let value) = self else { return false }
        return value >> 24 == 10 || value >> 20 == 0xAC1 || value >> 16 == 0xC0A8
    }

    /// Dotted decimal, or the shortest form of RFC 5952.
    package var description: String {
        switch self {
        case .v4(let value):
            return (0..<4).map { String(value >> (24 - 8 * UInt32($0)) & 255) }.joined(separator: ".")
        case .v6(let high, let low):
            return Self.write(
                [high, low].flatMap { half in (0..<4).map { UInt16(truncatingIfNeeded: half >> (48 - 16 * $0)) } })
        }
    }

    private static func readV4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var number: UInt32 = 0
            for byte in part {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                number = number * 10 + UInt32(byte - UInt8(ascii: "0"))
            }
            guard number <= 255 else { return nil }
            value = value << 8 | number
        }
        return value
    }

    /// The eight groups; `::` stands for one zero group or more, the last two groups may be written as IPv4.
    private static func readV6(_ text: some StringProtocol) -> [UInt16]? {
        guard text.utf8.count <= 45 else { return nil }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        switch halves.count {
        case 1:
            guard let groups = readGroups(halves[0], mayEndInV4: true), groups.count == 8 else { return nil }
            return groups
        case 2:
            guard let front = halves[0].isEmpty ? [] : readGroups(halves[0], mayEndInV4: false),
                let back = halves[1].isEmpty ? [] : readGroups(halves[1], mayEndInV4: true),
                front.count + back.count <= 7
            else { return nil }
            return front + Array(repeating: 0, count: 8 - front.count - back.count) + back
        default:
            return nil
        }
    }

    private static func readGroups(_ text: some StringProtocol, mayEndInV4: Bool) -> [UInt16]? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if mayEndInV4, index == parts.count - 1, part.contains("."), let tail = readV4(part) {
                groups += [UInt16(tail >> 16), UInt16(tail & 0xFFFF)]
            } else {
                // UInt16(_:radix:) alone would also take a sign.
                guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"),
                    let group = UInt16(part, radix: 16)
                else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    private static func join(_ groups: ArraySlice<UInt16>) -> UInt64 {
        groups.reduce(0) { $0 << 16 | UInt64($1) }
    }

    private static func write(_ groups: [UInt16]) -> String {
        // RFC 5952 section 4.2: the longest run of two zero groups or more is cut, the first one if several are.
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start >= 2, end - start > best.count { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ groups: ArraySlice<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty
            ? text(groups[...]) : text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }
}
