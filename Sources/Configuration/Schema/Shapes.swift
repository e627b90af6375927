import World
import YAMLKit

extension Shape where Value == String {
    /// `http://host[:port][/path]`, ending with a slash if `isFolder`. A password in it would end up in logs: refused.
    static func url(isFolder: Bool = false) -> Shape {
        let expected = "a URL (http://host:port/path)"
        return Shape(
            expected,
            read: { node, path, problems in
                guard let text = node.scalar?.text, let url = WebURL(parsing: text) else {
                    let found = node.text?.contains("@") == true ? "something else" : node.summary
                    problems.error(node.mark, path, "expected \(expected), found \(found)")
                    return nil
                }
                if url.hasUser {
                    problems.error(node.mark, path, "a URL here may not hold a user name or password")
                    return nil
                }
                return isFolder && !url.text.hasSuffix("/") ? url.text + "/" : url.text
            }, write: { .string($0) })
    }

    /// A name in the DNS, lower case, without the final dot.
    static var domain: Shape {
        Shape(
            "a domain name",
            parse: { scalar in
                let text = scalar.text.lowercased().trimming(suffix: ".")
                let labels = text.split(separator: ".", omittingEmptySubsequences: false)
                let isName = labels.allSatisfy { label in
                    !label.isEmpty && label.utf8.count <= 63 && label.utf8.first != UInt8(ascii: "-")
                        && label.utf8.last != UInt8(ascii: "-") && label.utf8.allSatisfy(\.isDomainByte)
                }
                return isName && text.utf8.count <= 253 ? text : nil
            }, write: { .string($0) })
    }

    /// What beanstalkd takes as the name of a tube (protocol, "use"), with room for a provider's name behind it.
    static var tube: Shape {
        Shape(
            "a tube name (letters, digits and -+/;.$_(), not beginning with -, at most 160)",
            parse: { scalar in
                let bytes = scalar.text.utf8
                let isName = bytes.allSatisfy { $0.isDomainByte || "_+/;.$()".utf8.contains($0) || $0.isUpperCase }
                return isName && (1...160).contains(bytes.count) && bytes.first != UInt8(ascii: "-") ? scalar.text : nil
            }, write: { .string($0) })
    }

    static func text(_ expectation: String) -> Shape {
        Shape(expectation, parse: { $0.type == .null || $0.text.isEmpty ? nil : $0.text }, write: { .string($0) })
    }

    /// Dotted IPv4.
    static var ipv4: Shape {
        Shape("an IPv4 address", parse: { HostName.ipv4($0.text) == nil ? nil : $0.text }, write: { .string($0) })
    }
}

extension Shape where Value == Endpoint {
    /// `host`, `host:port`, `[v6]:port`, each also behind `tcp://`, or `unix:/path`.
    static func endpoint(defaultPort: UInt16, allowsUnix: Bool) -> Shape {
        Shape(
            "host:port" + (allowsUnix ? " or unix:/path" : ""),
            parse: { Endpoint(parsing: $0.text, defaultPort: defaultPort, allowsUnix: allowsUnix) },
            write: { .string($0.description) })
    }
}

extension Endpoint {
    init?(parsing text: String, defaultPort: UInt16, allowsUnix: Bool) {
        if text.hasPrefix("unix:") {
            let path = text.dropFirst("unix:".utf8.count).trimming(prefix: "//")
            // sun_path holds 108 bytes with its end.
            guard allowsUnix, path.hasPrefix("/"), path.utf8.count <= 107 else { return nil }
            self = .unix(path: String(path))
            return
        }
        let rest = text.trimming(prefix: "tcp://")[...]
        let host: Substring
        var port: Substring?
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            host = rest[rest.index(after: rest.startIndex)..<end]
            let tail = rest[rest.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { return nil }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else if rest.utf8.count(where: { $0 == UInt8(ascii: ":") }) > 1 {
            host = rest
        } else {
            let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
            host = parts[0]
            port = parts.count > 1 ? parts[1] : nil
        }
        let number = port.map { UInt16($0) } ?? defaultPort
        guard let number, number > 0, !host.isEmpty,
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "@") })
        else { return nil }
        self = .tcp(host: String(host), port: number)
    }
}

extension UInt8 {
    /// Lower-case letters, digits, hyphen.
    var isDomainByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    var isUpperCase: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
}

extension StringProtocol {
    func trimming(prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : String(self) }
    func trimming(suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : String(self) }
}
