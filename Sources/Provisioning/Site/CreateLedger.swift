import World

/// Keeps the jobs of one process from passing `max_servers` together: what was asked for since a listing is not in it
/// yet. Other processes are seen only through the listings.
struct CreateLedger: Sendable {
    /// When the POST of a job ended; nil: it is on its way.
    private var asked: [JobAtNode: Moment?] = [:]

    /// Counts `job` in if there is room.
    /// - Parameters:
    ///   - listed: whose all other servers are that the listing shows.
    ///   - requestedAt: when the listing was asked for.
    mutating func admits(_ job: JobAtNode, besides listed: [JobAtNode], requestedAt: Moment, most: Int) -> Bool {
        asked = asked.filter { _, ended in ended.map { $0 >= requestedAt } ?? true }
        let shown = Set(listed)
        let unseen = asked.keys.filter { $0 != job && !shown.contains($0) }.count
        guard listed.count + unseen < most else { return false }
        asked[job] = .some(nil)
        return true
    }

    mutating func ended(_ job: JobAtNode, at moment: Moment) {
        asked[job] = .some(moment)
    }
}
