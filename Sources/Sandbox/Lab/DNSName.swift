/// A domain name as labels of bytes; equal without regard to case (RFC 4343). Not the room Lab's type of that name: the
/// Sandbox takes a name apart as BIND does, the worker as a client may, and a shared fault would hide from the tests.
package struct DNSName: Sendable, Hashable, CustomStringConvertible {
    /// Why a text is no name, in BIND's words.
    enum Malformed: String, Error {
        case emptyLabel = "empty label"
        case labelTooLong = "label too long"
        case nameTooLong = "ran out of space"
        case badEscape = "bad escape"
    }

    /// As written, for messages.
    let labels: [[UInt8]]

    init(labels: [[UInt8]]) {
        self.labels = labels
    }

    package init?(_ text: String) {
        try? self.init(parsing: Array(text.utf8))
    }

    /// Presentation form (RFC 1035 section 5.1): `\.` and `\046` are escapes, a trailing dot is optional.
    init(parsing text: [UInt8]) throws(Malformed) {
        var labels: [[UInt8]] = []
        var label: [UInt8] = []
        var index = 0
        func end(_ label: [UInt8]) throws(Malformed) -> [UInt8] {
            if label.isEmpty { throw .emptyLabel }
            if label.count > 63 { throw .labelTooLong }
            return label
        }
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "."):
                if text.count > 1 { labels.append(try end(label)) }
                label = []
            case UInt8(ascii: "\\"):
                let digits = text[(index + 1)...].prefix(3)
                if digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }) {
                    guard let byte = UInt8(String(decoding: digits, as: UTF8.self)) else { throw .badEscape }
                    label.append(byte)
                    index += 3
                } else if let next = digits.first {
                    label.append(next)
                    index += 1
                } else {
                    throw .badEscape
                }
            case let byte: label.append(byte)
            }
            index += 1
        }
        if !label.isEmpty { labels.append(try end(label)) }
        if labels.reduce(1, { $0 + $1.count + 1 }) > 255 { throw .nameTooLong }
        self.labels = labels
    }

    package static func == (a: DNSName, b: DNSName) -> Bool { a.folded == b.folded }
    package func hash(into hasher: inout Hasher) { hasher.combine(folded) }

    private var folded: [[UInt8]] {
        labels.map { $0.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } }
    }

    func isInside(_ zone: DNSName) -> Bool {
        labels.count >= zone.labels.count && DNSName(labels: Array(labels.suffix(zone.labels.count))) == zone
    }

    /// Letters, digits and inner hyphens in every label; a leading `*` is a wildcard (BIND's `check-names`).
    var isHostName: Bool {
        let rest = labels.first == [UInt8(ascii: "*")] ? labels.dropFirst() : labels[...]
        return rest.allSatisfy { label in
            label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy {
                    (0x61...0x7A).contains($0 | 0x20) && $0 >= 0x41 || (0x30...0x39).contains($0)
                        || $0 == UInt8(ascii: "-")
                }
        }
    }

    /// Presentation form without a trailing dot, escaped as BIND escapes it.
    package var description: String {
        if labels.isEmpty { return "." }
        return labels.map { label in
            label.reduce(into: "") { text, byte in
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "."),
                    UInt8(ascii: ";"), UInt8(ascii: "\\"), UInt8(ascii: "@"), UInt8(ascii: "$"):
                    text += "\\" + String(UnicodeScalar(byte))
                case 0x21...0x7E: text += String(UnicodeScalar(byte))
                default:
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.utf8.count) + digits
                }
            }
        }.joined(separator: ".")
    }
}
