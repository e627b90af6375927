/// Tells a job that kills its workers from one that was merely listed by somebody: both are reserved more often than
/// released or timed out (facts/beanstalkd.md C1, I2). Only runs that began here and never ended here count against it.
package struct SuspectLedger: Sendable {
    package enum Judgement: Sendable, Hashable {
        case fine
        /// Back to the queue with a delay, once, so that a job that was only listed proves itself harmless.
        case setAside
        case suspect
    }

    /// By the broker's number, as the counters are.
    private var setAsideAt: [UInt64: Int] = [:]
    private let threshold: Int
    private static let most = 10_000

    /// - Parameter threshold: unexplained reserves that make a job suspect.
    package init(threshold: Int) {
        self.threshold = threshold
    }

    /// - Parameters: the broker's counters, with this delivery's reserve included.
    package mutating func judge(job: UInt64, reserves: Int, releases: Int, timeouts: Int, kicks: Int) -> Judgement {
        let unexplained = reserves - releases - timeouts - 1
        guard unexplained >= threshold * (1 + kicks) else {
            setAsideAt[job] = nil
            return .fine
        }
        guard let before = setAsideAt[job] else {
            if setAsideAt.count >= Self.most { setAsideAt.removeAll() }
            setAsideAt[job] = unexplained
            return .setAside
        }
        return unexplained > before ? .suspect : .fine
    }
}
