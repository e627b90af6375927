import HTTPKit
import World

/// The one command that we run on a node, and how its answer is read. Everything is constant but the sentinel's path,
/// which is checked first: the text is given to the node's shell.
struct RemoteCheck {
    let command: String
    private let asksForSentinel: Bool

    private static let head = "cirrata-node 1"
    private static let tail = "cirrata-end"

    /// nil when `sentinel` is no plain absolute path.
    init?(sentinel: String?) {
        var lines = [
            "echo \(Self.head)",
            #"echo "host=$(hostname 2>/dev/null || uname -n)""#,
            #"echo "arch=$(uname -m)""#,
            #"sed -n "s/^ID=/id=/p;s/^VERSION_ID=/version=/p" /etc/os-release 2>/dev/null"#,
        ]
        if let sentinel {
            guard Self.isPlainPath(sentinel) else { return nil }
            lines.append("if [ -e \(sentinel) ]; then echo sentinel=yes; else echo sentinel=no; fi")
        }
        lines.append("echo \(Self.tail)")
        // In single quotes for whatever login shell the user has; nothing inside may hold one.
        command = "/bin/sh -c '\(lines.joined(separator: "; "))'"
        asksForSentinel = sentinel != nil
    }

    static func isPlainPath(_ path: String) -> Bool {
        path.utf8.first == UInt8(ascii: "/") && path.utf8.count <= 255
            && path.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "-"):
                    true
                default:
                    false
                }
            }
    }

    /// What the node printed between our two marks; login banners and the like around them are ignored.
    func read(_ output: [UInt8], expecting name: String) -> SSHAnswer {
        let lines = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
        guard let start = lines.firstIndex(of: Self.head), let end = lines[start...].firstIndex(of: Self.tail) else {
            let said = lines.joined(separator: " ")
            return .notYet("it ran another command than ours and said \(AnswerText.shortened(said).debugDescription)")
        }
        var values: [String: String] = [:]
        for line in lines[start..<end] {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[String(line[..<equals])] = Self.unquoted(line[line.index(after: equals)...])
        }
        let facts = HostFacts(
            hostname: values["host"] ?? "", arch: values["arch"] ?? "", osID: values["id"] ?? "",
            osVersion: values["version"] ?? "")
        let shortName = facts.hostname.split(separator: ".").first.map { $0.lowercased() } ?? ""
        let isFinished = !asksForSentinel || values["sentinel"] == "yes"
        guard shortName == name else {
            // cloud-init sets the name before it touches the sentinel: until then any name is only a stage.
            return isFinished
                ? .wrongHost(said: facts.hostname)
                : .notYet("cloud-init is not through: the host still calls itself \(facts.hostname.debugDescription)")
        }
        return isFinished ? .ready(facts) : .notYet("cloud-init is not through: the sentinel file is missing")
    }

    /// The value of an os-release line (os-release(5)): plain or in quotes.
    private static func unquoted(_ text: Substring) -> String {
        let value = text.trimmingSpaces
        for quote in ["\"", "'"] where value.count >= 2 && value.hasPrefix(quote) && value.hasSuffix(quote) {
            return String(value.dropFirst().dropLast())
        }
        return value
    }
}
