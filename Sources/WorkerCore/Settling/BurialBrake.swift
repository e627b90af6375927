package import World

/// Sees a misconfigured host before it has buried everything: several burials of one cause in a short time without a
/// success between are the site's failure, not the jobs'. From then on the provider rests, and one job a window tries
/// whether the site was mended.
package struct BurialBrake: Sendable {
    private struct Cause: Hashable {
        var provider: String
        var cause: String
    }

    private let most: Int
    private let window: Duration
    private var recent: [Cause: [Moment]] = [:]
    private var pulled: Set<Cause> = []
    private var rests: [String: Moment] = [:]

    /// - Parameters:
    ///   - most: burials of one cause allowed within `window`; the next one pulls the brake.
    package init(most: Int, window: Duration) {
        self.most = most
        self.window = window
    }

    /// A job succeeded: whatever failed before was not the site.
    package mutating func succeeded(provider: String) {
        recent = recent.filter { $0.key.provider != provider }
        pulled = pulled.filter { $0.provider != provider }
        rests[provider] = nil
    }

    /// - Returns: whether the job may be buried. If not, the provider rests: treat it as a failure of the site.
    package mutating func allows(provider: String, cause: String, now: Moment) -> Bool {
        let key = Cause(provider: provider, cause: cause)
        var moments = recent[key, default: []].filter { now - $0 < window }
        defer { recent[key] = moments }
        guard moments.count < (pulled.contains(key) ? 1 : most) else {
            pulled.insert(key)
            rests[provider] = now + window
            return false
        }
        moments.append(now)
        if pulled.contains(key) { rests[provider] = now + window }
        return true
    }

    /// Whether no jobs of this provider are to be taken now.
    package func rests(_ provider: String, now: Moment) -> Bool {
        rests[provider].map { now < $0 } ?? false
    }
}
