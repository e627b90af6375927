/// `NODE_0`, `NODE_1`, … as teuthology names volumes: padded with zeros to the width of the last number
/// (facts/teuthology.md section 4).
package enum VolumeNames {
    package static func names(of node: String, count: Int) -> [String] {
        guard count > 0 else { return [] }
        let width = String(count - 1).utf8.count
        return (0..<count).map { number in
            let digits = String(number)
            return "\(node)_\(String(repeating: "0", count: width - digits.utf8.count))\(digits)"
        }
    }

    /// Whether a name is `NODE_` and digits. teuthology removes whatever begins with `NODE_`; this does not take
    /// `ovh001_backup` for a volume of ovh001's.
    package static func isName(_ name: String, of node: String) -> Bool {
        guard name.hasPrefix("\(node)_") else { return false }
        let digits = name.utf8.dropFirst(node.utf8.count + 1)
        return !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
