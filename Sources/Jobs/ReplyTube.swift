/// The tubes that `enqueue --wait` makes for its own replies. Nobody else knows them, so that what is left in one when its
/// reader is gone is nobody's.
package enum ReplyTube {
    private static let prefix = "cirrata.reply."

    /// Whether a tube has a name of ours that is for something else than replies.
    package static func isOurs(_ name: String) -> Bool { name.hasPrefix("cirrata.") && !name.hasPrefix(prefix) }

    package static func name(uuid: String) -> String { prefix + uuid }

    /// Whether a tube has a name that only we give: the prefix and a UUID.
    package static func isPrivate(_ name: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let groups = name.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && groups.joined().utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
                default: false
                }
            }
    }
}
