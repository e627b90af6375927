/// The public keys that a host showed, as `TYPE BASE64`, sorted. The first is the one that teuthology writes into
/// paddles (facts/teuthology.md section 6).
package struct HostKeys: Sendable, Hashable {
    package let lines: [String]

    /// - Parameter output: of ssh-keyscan: `HOST TYPE BASE64` per line. Lines of another shape are dropped.
    init(keyscanOutput output: [UInt8]) {
        let found = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap { line in
            let words = line.split(separator: " ")
            return words.count == 3 && Self.isType(words[1]) && Self.isKey(words[2]) ? "\(words[1]) \(words[2])" : nil
        }
        lines = Array(Set(found)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package var first: String? { lines.first }
    package var isEmpty: Bool { lines.isEmpty }

    /// A known_hosts file that knows these keys under one alias.
    func knownHosts(alias: String) -> [UInt8] {
        Array(lines.map { "\(alias) \($0)\n" }.joined().utf8)
    }

    private static func isType(_ text: Substring) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: "@"):
                true
            default:
                false
            }
        }
    }

    private static func isKey(_ text: Substring) -> Bool {
        text.utf8.count >= 16
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
                    true
                default:
                    false
                }
            }
    }
}
