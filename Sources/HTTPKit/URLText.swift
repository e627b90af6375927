/// Writing and taking apart URLs, no more of RFC 3986 than the services need.
package enum URLText {
    private static let hex = Array("0123456789ABCDEF".utf8)

    /// Escapes everything but unreserved characters (RFC 3986 section 2.3).
    package static func escape(_ text: String) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(byte)
            default:
                out += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The same URL with everything escaped that can stand in none: spaces, control characters, what is not ASCII. So no
    /// URL that somebody else made up breaks a request's first line.
    package static func printable(_ url: String) -> String {
        let isFine = { (byte: UInt8) in byte > 0x20 && byte < 0x7F }
        if url.utf8.allSatisfy(isFine) { return url }
        let bytes = url.utf8.flatMap { isFine($0) ? [$0] : [UInt8(ascii: "%"), hex[Int($0 >> 4)], hex[Int($0 & 15)]] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Undoes `escape`; `plusIsSpace` for form data and queries. A broken escape is kept as it is.
    package static func unescape(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%"), index + 2 < bytes.count, let high = digit(bytes[index + 1]),
                let low = digit(bytes[index + 2])
            {
                out.append(high << 4 | low)
                index += 3
            } else {
                out.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// `a=1&b=2`, escaped, in the order given.
    package static func query(_ items: [(String, String)]) -> String {
        items.map { "\(escape($0.0))=\(escape($0.1))" }.joined(separator: "&")
    }

    /// The items of a query string, in order, unescaped.
    package static func items(of query: some StringProtocol) -> [(name: String, value: String)] {
        Substring(query).utf8.split(separator: UInt8(ascii: "&")).map { item in
            let mark = item.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
            return (
                unescape(Substring(item[..<mark]), plusIsSpace: true),
                unescape(Substring(item[mark...].dropFirst()), plusIsSpace: true)
            )
        }
    }

    /// Path and query of an absolute URL or of a request target; the path is not unescaped.
    package static func target(of url: String) -> (path: String, query: String) {
        // Bytes, not characters: this is asked for every request, and the marks are ASCII.
        var rest = Substring(url).utf8
        if rest.first != UInt8(ascii: "/"), let authority = authority(of: url) {
            rest = url[authority...].utf8
            let start = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
            rest = start.map { rest[$0...] } ?? Substring("/").utf8
        }
        if let fragment = rest.firstIndex(of: UInt8(ascii: "#")) { rest = rest[..<fragment] }
        guard let mark = rest.firstIndex(of: UInt8(ascii: "?")) else { return (String(Substring(rest)), "") }
        let path = mark == rest.startIndex ? "/" : String(Substring(rest[..<mark]))
        return (path, String(Substring(rest[rest.index(after: mark)...])))
    }

    /// `scheme://host:port` of an absolute URL.
    package static func origin(of url: String) -> String? {
        guard let authority = authority(of: url) else { return nil }
        let ends = [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")]
        let end = url.utf8[authority...].firstIndex { ends.contains($0) } ?? url.endIndex
        return end == authority ? nil : String(url[..<end])
    }

    /// Whether an absolute URL leads to this host itself.
    package static func isLoopback(_ url: String) -> Bool {
        guard let origin = origin(of: url), let start = origin.firstRange(of: "://")?.upperBound else { return false }
        let host = origin[start...].drop { $0 == "[" }
        return host.hasPrefix("127.") || host.hasPrefix("::1]") || host == "localhost" || host.hasPrefix("localhost:")
    }

    /// Behind the first `://`.
    private static func authority(of url: String) -> String.Index? {
        let bytes = url.utf8
        var start = bytes.startIndex
        while let colon = bytes[start...].firstIndex(of: UInt8(ascii: ":")) {
            start = bytes.index(after: colon)
            if bytes[start...].starts(with: "//".utf8) { return bytes.index(start, offsetBy: 2) }
        }
        return nil
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
