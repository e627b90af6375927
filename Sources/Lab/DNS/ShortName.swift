import HTTPKit
package import Resilience

/// A host name that may be sent to nsupdate-web and written into DNS: one label, lower case. nsupdate-web pastes it
/// into a script, where a newline or a dot would change other records (facts/teuthology.md 2), so nothing else passes.
package struct ShortName: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    /// - Throws: `ServiceError` (permanent) that quotes the name escaped.
    package init(_ text: String) throws(ServiceError) {
        guard Self.isValid(text) else {
            throw ServiceError(
                service: "nsupdate-web", operation: "check the host name",
                message: "\"\(AnswerText.shortened(String(text.prefix(80))))\" is no host name that may be sent",
                kind: .permanent,
                next: "use a-z, 0-9 and inner hyphens, up to 63 bytes, without the lab's domain")
        }
        self.text = text
    }

    /// `[a-z0-9]([a-z0-9-]*[a-z0-9])?`, up to 63 bytes (RFC 1123 section 2.1, lower case only).
    package static func isValid(_ text: String) -> Bool {
        let bytes = text.utf8
        func isAlphanumeric(_ byte: UInt8?) -> Bool {
            guard let byte else { return false }
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        return (1...63).contains(bytes.count) && isAlphanumeric(bytes.first) && isAlphanumeric(bytes.last)
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    package var description: String { text }
}
