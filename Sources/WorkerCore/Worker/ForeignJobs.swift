import World

/// Bodies in our tubes that are not ours: said once a minute a tube, however many come by.
final class ForeignJobs: Sendable {
    private struct Said: Sendable {
        var at: Moment
        var unsaid: Int
    }

    private let time: any TimeSource
    private let notice: @Sendable (WorkerNotice) -> Void
    private let said = Locked<[String: Said]>([:])

    init(time: any TimeSource, notice: @escaping @Sendable (WorkerNotice) -> Void) {
        self.time = time
        self.notice = notice
    }

    func met(tube: String, why: String) {
        let now = time.now
        let count: Int? = said.withLock { said in
            if var before = said[tube], now - before.at < .seconds(60) {
                before.unsaid += 1
                said[tube] = before
                return nil
            }
            let count = (said[tube]?.unsaid ?? 0) + 1
            said[tube] = Said(at: now, unsaid: 0)
            return count
        }
        if let count { notice(.foreignJob(tube: tube, why: why, count: count)) }
    }
}
