package import World

/// How people write where a broker is.
package enum BrokerAddress {
    package static let defaultPort: UInt16 = 11_300
    /// What fits into the kernel's `sun_path`, without its final zero.
    private static let longestPath = 107

    /// Reads `host`, `host:port`, `tcp://host:port`, `[v6]:port`, a bare IPv6 address, and `unix:/path`.
    /// - Throws: `InvalidBrokerAddress`, which says what was expected.
    package static func parse(_ text: String) throws(InvalidBrokerAddress) -> Endpoint {
        func invalid(_ reason: String) -> InvalidBrokerAddress { InvalidBrokerAddress(text: text, reason: reason) }
        if text.isEmpty { throw invalid("it is empty") }
        if text.hasPrefix("unix:") {
            var path = text.dropFirst("unix:".count)
            if path.hasPrefix("///") { path = path.dropFirst(2) }
            guard path.hasPrefix("/") else { throw invalid("the path after 'unix:' must begin with '/'") }
            guard path.utf8.count <= longestPath, !path.utf8.contains(0) else {
                throw invalid("the path of a socket has at most \(longestPath) bytes")
            }
            return .unix(path: String(path))
        }
        var rest = text[...]
        if let scheme = text.range(of: "://") {
            guard text[..<scheme.lowerBound] == "tcp" else {
                throw invalid("only 'tcp://' and 'unix:' are known")
            }
            rest = text[scheme.upperBound...]
        }
        let (host, portText) = try split(rest, invalid)
        guard !host.isEmpty else { throw invalid("the host is missing") }
        guard host.utf8.count <= 253, host.utf8.allSatisfy(isHostByte) else {
            throw invalid("'\(host.prefix(80))' is neither a host name nor an IP address")
        }
        guard let portText else { return .tcp(host: String(host), port: defaultPort) }
        guard portText.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = UInt16(portText), port > 0
        else { throw invalid("'\(portText.prefix(20))' is no port, 1 to 65535 are") }
        return .tcp(host: String(host), port: port)
    }

    private static func split(
        _ text: Substring, _ invalid: (String) -> InvalidBrokerAddress
    ) throws(InvalidBrokerAddress) -> (host: Substring, port: Substring?) {
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { throw invalid("']' is missing") }
            let host = text[text.index(after: text.startIndex)..<end]
            guard host.contains(":") else { throw invalid("brackets are for IPv6 addresses") }
            let tail = text[text.index(after: end)...]
            if tail.isEmpty { return (host, nil) }
            guard tail.first == ":" else { throw invalid("after ']' only ':port' may follow") }
            return (host, tail.dropFirst())
        }
        guard let colon = text.firstIndex(of: ":") else { return (text, nil) }
        // More than one colon: an IPv6 address without brackets, and so without a port.
        if text[text.index(after: colon)...].contains(":") { return (text, nil) }
        return (text[..<colon], text[text.index(after: colon)...])
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: ":"), UInt8(ascii: "%"):
            true
        default:
            false
        }
    }
}

extension String {
    fileprivate func range(of separator: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(separator) { return start..<index(start, offsetBy: separator.count) }
            start = index(after: start)
        }
        return nil
    }
}

package struct InvalidBrokerAddress: Error, Sendable, Hashable, CustomStringConvertible {
    package let text: String
    package let reason: String

    package var description: String {
        "'\(text.prefix(200))' is no address of a beanstalkd: \(reason). "
            + "Write host, host:port, tcp://host:port, [IPv6]:port or unix:/path"
    }
}
