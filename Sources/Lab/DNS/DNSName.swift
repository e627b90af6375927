/// A fully qualified domain name as labels of bytes, lower case, because names compare without regard to case
/// (RFC 4343).
package struct DNSName: Sendable, Hashable, CustomStringConvertible {
    let labels: [[UInt8]]

    /// From text such as `ovh001.front.lab.test`, with or without the last dot.
    package init?(_ text: String) {
        var bytes = Array(text.utf8)
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        self.init(labels: bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init))
    }

    /// nil when a label or the whole is too long (RFC 1035 section 2.3.4), or a label is empty.
    init?(labels: [[UInt8]]) {
        guard labels.allSatisfy({ (1...63).contains($0.count) }),
            labels.reduce(1, { $0 + $1.count + 1 }) <= 255
        else { return nil }
        self.labels = labels.map { label in
            label.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }
        }
    }

    /// The root's name is `.`; bytes that no host name has are written as `\ddd`.
    package var description: String {
        labels.isEmpty ? "." : labels.map(Self.text).joined(separator: ".")
    }

    private static func text(_ label: [UInt8]) -> String {
        label.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte)
                text += "\\" + String(repeating: "0", count: 3 - digits.utf8.count) + digits
            }
        }
    }
}
