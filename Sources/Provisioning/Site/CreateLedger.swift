import World

/// Keeps the jobs of one process from passing `max_servers` together: what was asked for since a listing is not in it
/// yet. Other processes are seen only through the listings.
struct CreateLedger: Sendable {
    /// When the POST of a key ended; nil: it is on its way.
    private var asked: [String: Moment?] = [:]

    /// Counts `key` in if there is room.
    /// - Parameters:
    ///   - listed: the keys of all other servers that the listing shows.
    ///   - requestedAt: when the listing was asked for.
    mutating func admits(_ key: String, besides listed: [String], requestedAt: Moment, most: Int) -> Bool {
        asked = asked.filter { _, ended in ended.map { $0 >= requestedAt } ?? true }
        let shown = Set(listed)
        let unseen = asked.keys.filter { $0 != key && !shown.contains($0) }.count
        guard listed.count + unseen < most else { return false }
        asked[key] = .some(nil)
        return true
    }

    mutating func ended(_ key: String, at moment: Moment) {
        asked[key] = .some(moment)
    }
}
