import Glibc

/// This process's limit of open files. The usual 1,024 are fewer than the connections of a worker with 1,000 slots.
enum OpenFiles {
    /// More would help nobody, and programs that close all that they could have inherited take long.
    private static let most: rlim_t = 65_536

    /// Raises the limit as far as this user may.
    /// - Returns: the limit that holds now.
    @discardableResult
    static func raiseLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        let wanted = min(limit.rlim_max, most)
        guard limit.rlim_cur < wanted else { return Int(clamping: limit.rlim_cur) }
        let before = limit.rlim_cur
        limit.rlim_cur = wanted
        let isRaised = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
        return Int(clamping: isRaised ? wanted : before)
    }
}
