package import World

/// Sees a misconfigured host before it has buried everything: several burials of one cause in a short time without a
/// success between are the site's failure, not the jobs'.
package struct BurialBrake: Sendable {
    private let most: Int
    private let window: Duration
    private var recent: [String: [Moment]] = [:]

    /// - Parameters:
    ///   - most: burials of one cause allowed within `window`; the next one pulls the brake.
    package init(most: Int, window: Duration) {
        self.most = most
        self.window = window
    }

    /// A job succeeded: whatever failed before was not the site.
    package mutating func succeeded(provider: String) {
        recent = recent.filter { !$0.key.hasPrefix("\(provider)\n") }
    }

    /// - Returns: whether the job may be buried. If not, treat it as a failure of the site.
    package mutating func allows(provider: String, cause: String, now: Moment) -> Bool {
        let key = "\(provider)\n\(cause)"
        var moments = recent[key, default: []].filter { now - $0 < window }
        defer { recent[key] = moments }
        guard moments.count < most else { return false }
        moments.append(now)
        return true
    }
}
