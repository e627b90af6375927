/// What a node says about itself.
package struct HostFacts: Sendable, Hashable {
    package var hostname: String
    /// `uname -m`; nil where it does not say.
    package var arch: String?
    /// ID and VERSION_ID of os-release; empty where the file does not say.
    package var osID: String
    package var osVersion: String

    /// What a node says goes into paddles: what is no plain word is taken for nothing.
    package init(hostname: String, arch: String, osID: String, osVersion: String) {
        self.hostname = hostname
        self.arch = Self.isPlain(arch, upTo: 16) ? arch : nil
        self.osID = Self.isPlain(osID, upTo: 32) ? osID : ""
        self.osVersion = Self.isPlain(osVersion, upTo: 16) ? osVersion : ""
    }

    /// Of the characters that os-release(5) allows, and no longer than paddles' column (facts/teuthology.md 1.3).
    private static func isPlain(_ text: String, upTo limit: Int) -> Bool {
        !text.isEmpty && text.utf8.count <= limit
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    }

    /// What runs there, in the words that teuthology writes into paddles (its orchestra/opsys.py); nil when os-release
    /// does not say.
    package var os: (type: String, version: String)? {
        guard !osID.isEmpty, !osVersion.isEmpty else { return nil }
        let id = osID.lowercased()
        let version =
            if id == "centos", let major = osVersion.split(separator: ".").first.flatMap({ Int($0) }), major >= 8 {
                "\(osVersion).stream"
            } else {
                osVersion
            }
        return (Self.types[id] ?? id, Self.twoParts(version))
    }

    /// teuthology writes the first two parts of a version (facts/teuthology.md section 6).
    package static func twoParts(_ version: String) -> String {
        version.split(separator: ".", omittingEmptySubsequences: false).prefix(2).joined(separator: ".")
    }

    private static let types = [
        "sles": "sle", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse", "almalinux": "alma",
    ]
}
