/// An IPv4 or IPv6 address, read as strictly as Python's `ipaddress.ip_address` reads it, because nsupdate-web does.
package enum NetworkAddress: Sendable, Hashable, CustomStringConvertible {
    /// Four bytes.
    case v4([UInt8])
    /// Sixteen bytes; the scope is what follows `%`.
    case v6([UInt8], scope: String?)

    package init?(parsing text: some StringProtocol) {
        if let bytes = Self.dottedQuad(text) {
            self = .v4(bytes)
            return
        }
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        let scope = parts.count == 2 ? String(parts[1]) : nil
        if let scope, scope.isEmpty || scope.contains("%") { return nil }
        guard let bytes = Self.hextets(String(parts[0])) else { return nil }
        self = .v6(bytes, scope: scope)
    }

    package var bytes: [UInt8] {
        switch self {
        case .v4(let bytes), .v6(let bytes, _): bytes
        }
    }

    /// IPv6 in lower case with the first longest run of zeros shortened.
    package var description: String {
        switch self {
        case .v4(let bytes): bytes.map(String.init).joined(separator: ".")
        case .v6(let bytes, let scope): Self.compressed(bytes) + (scope.map { "%\($0)" } ?? "")
        }
    }

    /// No leading zeros: they were octal to some readers.
    private static func dottedQuad(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                part.utf8.count == 1 || part.utf8.first != 0x30, let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func hextets(_ text: String) -> [UInt8]? {
        guard let gap = text.firstRange(of: "::") else {
            guard let groups = groups(text), groups.count == 16 else { return nil }
            return groups
        }
        let head = text[..<gap.lowerBound]
        let tail = text[gap.upperBound...]
        guard !tail.contains("::"), let front = head.isEmpty ? [] : groups(head),
            let back = tail.isEmpty ? [] : groups(tail), front.count + back.count <= 14
        else { return nil }
        return front + [UInt8](repeating: 0, count: 16 - front.count - back.count) + back
    }

    /// `a:b:…`, the last of which may be a dotted quad.
    private static func groups(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(".") {
                guard let quad = dottedQuad(part) else { return nil }
                return bytes + quad
            }
            guard (1...4).contains(part.utf8.count), part.allSatisfy(\.isHexDigit), let value = UInt16(part, radix: 16)
            else { return nil }
            bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
        }
        return bytes
    }

    private static func compressed(_ bytes: [UInt8]) -> String {
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return text(groups[...]) }
        return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }
}
