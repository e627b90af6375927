package import World

/// Sees a misconfigured host before it has buried everything: several burials of one cause in a short time without a
/// success between are the site's failure, not the jobs' (`BurialEvidence` says which count). From then on the provider
/// rests, and one job a window tries whether the site was mended.
package struct BurialBrake: Sendable {
    /// For some time no provisions of a provider are taken.
    package struct Rest: Sendable, Hashable {
        package var provider: String
        package var cause: String
        /// Of this cause, since the last success.
        package var burials: Int
        /// What the job said that began the rest.
        package var message: String
        package var since: Moment
        package var until: Moment
    }

    private struct Cause: Hashable {
        var provider: String
        var cause: String
    }

    private let most: Int
    private let window: Duration
    private var recent: [Cause: [BurialEvidence: Moment]] = [:]
    /// How many were buried of each cause that has pulled the brake.
    private var pulled: [Cause: Int] = [:]
    private var rests: [String: Rest] = [:]

    /// - Parameters:
    ///   - most: burials of one cause allowed within `window`; the next one pulls the brake.
    package init(most: Int, window: Duration) {
        self.most = most
        self.window = window
    }

    /// A job succeeded, or an operator says that the site was mended: what failed before does not count any more.
    /// - Returns: whether the provider was resting.
    @discardableResult
    package mutating func release(_ provider: String) -> Bool {
        recent = recent.filter { $0.key.provider != provider }
        pulled = pulled.filter { $0.key.provider != provider }
        return rests.removeValue(forKey: provider) != nil
    }

    /// - Returns: whether the job may be buried. If not, treat it as a failure of the site. Whenever the brake is on, the
    ///   provider rests from now on, unless it does already.
    package mutating func allows(
        provider: String, cause: String, message: String = "", by evidence: BurialEvidence, now: Moment
    ) -> Bool {
        let key = Cause(provider: provider, cause: cause)
        var seen = recent[key, default: [:]].filter { now - $0.value < window }
        let isAllowed: Bool
        if let buried = pulled[key] {
            isAllowed = seen.isEmpty
            pulled[key] = buried + (isAllowed ? 1 : 0)
        } else {
            isAllowed = seen[evidence] != nil || seen.count < most
            if !isAllowed { pulled[key] = seen.count }
        }
        if isAllowed { seen[evidence] = now }
        recent[key] = seen
        if let burials = pulled[key], !rests(provider, now: now) {
            rests[provider] = Rest(
                provider: provider, cause: cause, burials: burials, message: message, since: now, until: now + window)
        }
        return isAllowed
    }

    /// Whether no jobs of this provider are to be taken now.
    package func rests(_ provider: String, now: Moment) -> Bool {
        rests[provider].map { now < $0.until } ?? false
    }

    /// By provider.
    package func resting(now: Moment) -> [Rest] {
        rests.values.filter { now < $0.until }.sorted { $0.provider < $1.provider }
    }

    /// Forgets rests whose time is over; the next burial of their cause begins another.
    /// - Returns: whose they were.
    package mutating func endOverdue(now: Moment) -> [String] {
        let overdue = rests.values.filter { $0.until <= now }.map(\.provider).sorted()
        for provider in overdue { rests[provider] = nil }
        return overdue
    }
}
