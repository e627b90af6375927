/// The name of a tube: 1 to 200 bytes of `A-Z a-z 0-9 - + / ; . $ _ ( )`, not starting with a hyphen (protocol,
/// "Names"; fact G2). A value of this type can always be sent.
package struct TubeName: Sendable, Hashable, Comparable, CustomStringConvertible {
    package static let maximumLength = 200
    /// What every connection uses and watches at first.
    package static let standard = TubeName(unchecked: "default")

    package let text: String

    /// - Throws: `InvalidTubeName`, which says what is wrong with it.
    package init(_ text: String) throws(InvalidTubeName) {
        if let reason = Self.fault(in: text.utf8) { throw InvalidTubeName(text: text, reason: reason) }
        self.text = text
    }

    private init(unchecked text: String) {
        self.text = text
    }

    package static func < (a: TubeName, b: TubeName) -> Bool { a.text < b.text }

    package var description: String { text }

    private static func fault(in bytes: String.UTF8View) -> String? {
        guard let first = bytes.first else { return "it is empty" }
        if bytes.count > maximumLength { return "it has \(bytes.count) bytes, \(maximumLength) are allowed" }
        if first == UInt8(ascii: "-") { return "it starts with a hyphen" }
        guard let stranger = bytes.first(where: { !isAllowed($0) }) else { return nil }
        let shown =
            (0x21...0x7E).contains(stranger)
            ? "'\(Character(Unicode.Scalar(stranger)))'" : "the byte 0x\(String(stranger, radix: 16))"
        return "it contains \(shown); allowed are letters, digits and - + / ; . $ _ ( )"
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: ";"), UInt8(ascii: "."),
            UInt8(ascii: "$"), UInt8(ascii: "_"), UInt8(ascii: "("), UInt8(ascii: ")"):
            true
        default:
            false
        }
    }
}

package struct InvalidTubeName: Error, Sendable, Hashable, CustomStringConvertible {
    package let text: String
    package let reason: String

    package var description: String {
        let shown = text.unicodeScalars.prefix(80).map { $0.escaped(asASCII: true) }.joined()
        return "'\(shown)' cannot be the name of a tube: \(reason)"
    }
}
